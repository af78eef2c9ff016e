"""The exceptions. What the native library reports becomes the class of its status."""

from __future__ import annotations

from ctypes import CDLL
from typing import TYPE_CHECKING

from ._causes import Cause
from ._declarations import OwnedError

if TYPE_CHECKING:
    from ._response import Response


class NacosError(Exception):
    """Base of everything this package raises. The text names what failed and where, never a password or a token."""

    status: str
    """The name of the status in the C header without its prefix: "BAD_CREDENTIALS"; of its own: "HTTP", "LIBRARY"."""
    code: int
    """The number of the status in the C header; 0 for "HTTP" and "LIBRARY", which have none."""
    http_status: int | None
    """HTTP status of the answer that caused the error, None where there was no answer."""
    retryable: bool
    """Whether the same call may succeed later without anybody changing anything."""
    retry_after: float | None
    """Seconds after which to try again, None if unknown."""
    cause: Cause | str | None
    """Why, more closely than the class says it; a plain string where this version does not know the cause yet."""
    server: str | None
    """The server it is about, "host:port"; None if it is about none, or about all of them."""
    was_sent: bool
    """Whether a server may have acted on the request: if not, sending it again does nothing twice."""

    def __init__(
        self,
        message: str,
        *,
        status: str = "INTERNAL",
        code: int = 901,
        http_status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        cause: Cause | str | None = None,
        server: str | None = None,
        was_sent: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.http_status = http_status
        self.retryable = retryable
        self.retry_after = retry_after
        self.cause = cause
        self.server = server
        self.was_sent = was_sent


class LibraryError(NacosError, OSError):
    """The native library cannot be loaded, or is of another ABI."""


class InvalidArgumentError(NacosError, ValueError):
    """A wrong argument or configuration; nothing was sent."""


class TransportError(NacosError):
    """No usable answer came back."""


class NacosConnectionError(TransportError, ConnectionError):
    """No connection, TLS refused, or the connection broke: CONNECT, TLS, IO."""


class NacosTimeoutError(TransportError, TimeoutError):
    """The time of the call ran out."""


class ProtocolError(TransportError):
    """The answer is not what a Nacos server sends, or is too large: PROTOCOL, TOO_LARGE."""


class BadCredentialsError(NacosError):
    """The server refuses the user name or the password."""


class NoCredentialsError(NacosError):
    """There is nothing to log in with: the password file cannot be read, or the credentials function failed."""


class ForbiddenError(NacosError):
    """The server refuses the account."""


class ThrottledError(NacosError):
    """The server asks for fewer calls; see `retry_after`."""


class ServerError(NacosError):
    """The server reports a fault of its own."""


class ClosedError(NacosError):
    """The client was closed."""


class WouldBlockError(NacosError, BlockingIOError):
    """The call would have had to wait, and was told not to: `wait=False`."""


class InternalError(NacosError):
    """The system lacks something, as descriptors or threads; or a fault of the native library: please report it."""


class HTTPStatusError(NacosError):
    """Raised by `Response.raise_for_status` alone: elsewhere an HTTP status is data."""

    response: Response

    def __init__(self, message: str, response: Response) -> None:
        retryable = response.status in {429, 502, 503, 504}
        super().__init__(
            message,
            status="HTTP",
            code=0,
            http_status=response.status,
            retryable=retryable,
            server=response.server or None,
            was_sent=True,
        )
        self.response = response

    def __reduce__(self) -> tuple[type[HTTPStatusError], tuple[str, Response]]:
        return type(self), (str(self), self.response)


_CLASSES: dict[int, type[NacosError]] = {
    100: InvalidArgumentError,  # INVALID_ARGUMENT
    101: InvalidArgumentError,  # NULL_ARGUMENT
    102: InvalidArgumentError,  # INVALID_UTF8
    103: InvalidArgumentError,  # INVALID_CONFIG
    104: InvalidArgumentError,  # UNSUPPORTED_OPTION
    105: InternalError,  # BUFFER_TOO_SMALL: the binding grows its buffer
    200: NacosConnectionError,  # CONNECT
    201: NacosTimeoutError,  # TIMEOUT
    202: NacosConnectionError,  # TLS
    203: NacosConnectionError,  # IO
    204: ProtocolError,  # PROTOCOL
    205: ProtocolError,  # TOO_LARGE
    300: BadCredentialsError,  # BAD_CREDENTIALS
    301: ForbiddenError,  # FORBIDDEN
    302: ThrottledError,  # THROTTLED
    303: ServerError,  # SERVER
    304: NoCredentialsError,  # NO_CREDENTIALS
    400: InternalError,  # CANCELLED: nobody is left who could see it
    401: ClosedError,  # CLOSED
    402: WouldBlockError,  # WOULD_BLOCK
    900: InternalError,  # PANIC
    901: InternalError,  # INTERNAL
}


def cause_of(word: bytes) -> Cause | str | None:
    """What the native library calls a cause; the word itself if it is newer than this package."""
    text = word.decode("utf-8", "replace")
    try:
        return Cause(text) if text else None
    except ValueError:
        return text


def server_of(name: bytes) -> str | None:
    return name.decode("utf-8", "replace") or None


_spare: list[OwnedError] = []


def spare_error() -> OwnedError:
    """One that is nothing yet. Freeing it, which most never need, would take longer than all the rest of it."""
    try:
        return _spare.pop()
    except IndexError:
        return OwnedError()


def keep_spare(error: OwnedError) -> None:
    """For the next call, after one that has succeeded."""
    _spare.append(error)


def take_error(library: CDLL, status: int, error: OwnedError) -> NacosError:
    """The exception for a failed call."""
    kind, name = _CLASSES.get(status, NacosError), library.nacos_status_name(status).decode()
    if not error:
        return kind(library.nacos_status_message(status).decode(), status=name, code=status)
    return kind(
        library.nacos_error_message(error).decode("utf-8", "replace"),
        status=name,
        code=status,
        http_status=library.nacos_error_http_status(error) or None,
        retryable=bool(library.nacos_error_is_retryable(error)),
        retry_after=library.nacos_error_retry_after_ms(error) / 1000 or None,
        cause=cause_of(library.nacos_error_cause(error)),
        server=server_of(library.nacos_error_server(error)),
        was_sent=bool(library.nacos_error_was_sent(error)),
    )
