"""The client: a native handle, and the token it last gave kept on this side of the boundary."""

from __future__ import annotations

import enum
import math
import os
import weakref
from collections.abc import Iterable, Mapping
from ctypes import CDLL, Array, byref, c_char_p, c_int32, c_uint64, c_void_p, create_string_buffer, memset, sizeof
from types import TracebackType
from typing import Any, Literal, NamedTuple, Union

from ._declarations import AuthOptions, AuthStatistics, CallOptions, RequestOptions, TokenInfo
from ._errors import InvalidArgumentError, take_error
from ._library import library
from ._response import Response, take_response

Carriage = Literal["bearer", "header", "query"]
Path = Union[str, "os.PathLike[str]"]
Value = Union[str, int]
Pairs = Union[Mapping[str, Value], Iterable[tuple[str, Value]]]

_CARRIAGES = {"bearer": 0, "header": 1, "query": 2}
_TOKEN_STATES = dict(enumerate(("none", "fresh", "advisory", "mandatory", "expired", "rejected")))
_REFRESH_STATES = dict(enumerate(("idle", "in_flight", "backing_off", "latched")))
_BUFFER_TOO_SMALL = 105
_REQUEST_OPTIONS_SIZE = sizeof(RequestOptions)
_NOTHING_CACHED: tuple[int | None, str] = (None, "")  # None equals no generation


class Advice(enum.IntEnum):
    """What to do with an answer given to `Client.report_rejected`."""

    RETURN = 0
    """Hand the answer to your caller as it is."""
    REPLAY = 1
    """Get the token again and send the request once more."""
    REPLAY_IF_IDEMPOTENT = 2
    """The same, but only if sending it twice does no harm."""


class Token:
    """A token with what is known about it. Not a tuple or a dataclass, which would show the value when formatted."""

    __slots__ = ("expired", "generation", "remaining", "value")

    value: str
    generation: int
    """Counts the tokens of this account in this process; never 0."""
    remaining: float
    """Seconds until the estimated expiry; negative once past it."""
    expired: bool
    """Past its expiry, and served because no server could renew it."""

    def __init__(self, value: str, generation: int, remaining: float, expired: bool) -> None:
        self.value = value
        self.generation = generation
        self.remaining = remaining
        self.expired = expired

    def __repr__(self) -> str:
        return f"<nacos_auth.Token generation {self.generation}, {self.remaining:.0f} s left>"


class Stats(NamedTuple):
    """Counters since the client was made, and the state of its token."""

    logins: int
    """Successful logins."""
    login_failures: int
    requests: int
    replays: int
    rejections: int
    """Answers that refused a token, of `Client.request` and `Client.report_rejected`."""
    rejections_permission: int
    """Of those: the account lacks the permission."""
    waits: int
    """Calls that waited for a login."""
    generation: int
    """Of the current token, 0 if there is none."""
    remaining: float
    """Seconds until the estimated expiry of the current token."""
    token_state: str
    """none, fresh, advisory, mandatory, expired or rejected."""
    refresh_state: str
    """idle, in_flight, backing_off or latched."""


class _Handle:
    """Owns a native handle, and frees it with its last reference: whoever is inside a call holds one."""

    __slots__ = ("library", "pointer")

    def __init__(self, native: CDLL, options: AuthOptions) -> None:
        self.pointer = c_void_p()
        self.library = native
        error = c_void_p()
        status = native.nacos_auth_init(byref(options), byref(self.pointer), byref(error))
        if status:
            raise take_error(native, status, error)

    def __del__(self) -> None:
        # Uses nothing but its own attributes: at interpreter shutdown the module's names may be gone. NULL is a no-op.
        self.library.nacos_auth_free(self.pointer)


class Client:
    """Keeps one account of one Nacos cluster logged in.

    Safe to share between threads and to inherit over a fork. Clients of the same account in one process share their
    token. Nothing is sent before the first token is needed. Every call that may wait has a timeout in seconds; a call
    without one has `request_timeout`. Close it, or leave its `with` block, when done.
    """

    __slots__ = ("__weakref__", "_cached", "_handle", "_server_addr", "_word")

    def __init__(
        self,
        server_addr: str,
        username: str,
        password: str,
        *,
        context_path: str | None = None,
        ca_file: Path | None = None,
        client_cert_file: Path | None = None,
        client_key_file: Path | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        carriage: Carriage = "bearer",
    ) -> None:
        """Checks and copies the configuration; connects to nothing.

        server_addr: "10.0.0.1:8848,https://b:443". context_path: None is "/nacos", "" is none.
        ca_file: PEM that replaces the system's roots. client_cert_file, client_key_file: PEM, for mutual TLS.
        proxy: None is none; the environment is not read. connect_timeout, request_timeout: None is 2 and 15 seconds.
        carriage: where the token rides: "bearer" (every Nacos), "header" (accessToken, from 2.1) or "query" (the URL).

        Raises `InvalidArgumentError` (INVALID_CONFIG, ...), or `LibraryError` if there is no native library.
        """
        if carriage not in _CARRIAGES:
            raise _invalid("carriage must be one of " + ", ".join(_CARRIAGES))
        options = AuthOptions(
            server_addr=_text("server_addr", server_addr),
            context_path=_text("context_path", context_path),
            username=_text("username", username),
            password=_text("password", password),
            ca_file=_path("ca_file", ca_file),
            client_cert_file=_path("client_cert_file", client_cert_file),
            client_key_file=_path("client_key_file", client_key_file),
            proxy=_text("proxy", proxy),
            connect_timeout_ms=_milliseconds("connect_timeout", connect_timeout),
            request_timeout_ms=_milliseconds("request_timeout", request_timeout),
            carriage=_CARRIAGES[carriage],
        )
        del password, proxy  # a traceback that shows variables must not find them here
        native = library()
        self._handle = _Handle(native, options)
        self._server_addr = server_addr
        # One tuple, replaced whole: a token never stands beside the generation of another.
        self._cached = _NOTHING_CACHED
        # Inside the native handle, and valid as long as that: reading it is one aligned load.
        self._word = c_uint64.from_address(native.nacos_auth_generation(self._handle.pointer))
        _clients.add(self)

    @classmethod
    def from_env(cls) -> Client:
        """A client from NACOS_SERVER_ADDR, NACOS_USERNAME and NACOS_PASSWORD. Raises `InvalidArgumentError`."""
        values = {name: os.environ.get(f"NACOS_{name.upper()}") for name in ("server_addr", "username", "password")}
        missing = [f"NACOS_{name.upper()}" for name, value in values.items() if value is None]
        if missing:
            raise _invalid(f"set {', '.join(missing)} in the environment")
        return cls(**values)  # type: ignore[arg-type]

    def token(self, timeout: float | None = None) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        generation, token = self._cached
        if self._word.value == generation:
            return token
        del token  # a traceback that shows variables must not find it here
        return self.token_info(timeout).value

    def token_info(self, timeout: float | None = None) -> Token:
        """The token with its generation, for a caller that reports rejections. Always asks the native library."""
        handle = self._handle
        options = CallOptions(timeout_ms=_milliseconds("timeout", timeout))
        info, error, size = TokenInfo(), c_void_p(), 4096
        while True:
            buffer = create_string_buffer(size)
            status = handle.library.nacos_get_token(
                handle.pointer, byref(options), buffer, size, byref(info), byref(error)
            )
            if status != _BUFFER_TOO_SMALL:
                break
            handle.library.nacos_error_free(error)
            size = info.length + 1
        if status:
            raise take_error(handle.library, status, error)
        token = Token(buffer.raw[: info.length].decode(), info.generation, info.remaining_ms / 1000, bool(info.expired))
        memset(buffer, 0, size)
        self._cached = (token.generation, token.value)
        return token

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Sends a request with the token, once more if the server refused the token and a login gave a new one.

        path: after the context path, "/v1/cs/configs"; it may carry a query that is already percent-encoded.
        params: the query, data: a form; both are percent-encoded here. body: not together with data.

        Any HTTP status is an answer: see `Response.raise_for_status`. Raises as `token` does.
        """
        handle = self._handle
        query, query_count = _pairs("params", params)
        header_list, header_count = _pairs("headers", headers)
        form, form_count = _pairs("data", data)
        content = body.encode() if isinstance(body, str) else body
        options = RequestOptions(
            _REQUEST_OPTIONS_SIZE,
            _text("method", method),
            _text("path", path),
            query,
            query_count,
            header_list,
            header_count,
            form,
            form_count,
            content,
            0 if content is None else len(content),
            None,
            _milliseconds("timeout", timeout),
        )
        response, error = c_void_p(), c_void_p()
        status = handle.library.nacos_request(handle.pointer, byref(options), byref(response), byref(error))
        if status:
            raise take_error(handle.library, status, error)
        return take_response(handle.library, response, method, path)

    def get(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, timeout: float | None = None
    ) -> Response:
        """`request` with GET."""
        return self.request("GET", path, params=params, headers=headers, timeout=timeout)

    def post(
        self,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """`request` with POST."""
        return self.request("POST", path, params=params, headers=headers, data=data, body=body, timeout=timeout)

    def put(
        self,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """`request` with PUT."""
        return self.request("PUT", path, params=params, headers=headers, data=data, body=body, timeout=timeout)

    def delete(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, timeout: float | None = None
    ) -> Response:
        """`request` with DELETE."""
        return self.request("DELETE", path, params=params, headers=headers, timeout=timeout)

    def set_credentials(self, username: str, password: str) -> None:
        """Replaces the account's name and password; the next call logs in with them."""
        handle, error = self._handle, c_void_p()
        name, secret = _text("username", username), _text("password", password)
        del password
        status = handle.library.nacos_auth_set_credentials(handle.pointer, name, secret, byref(error))
        del secret
        if status:
            raise take_error(handle.library, status, error)

    def report_rejected(self, generation: int, http_status: int, body: bytes | str = b"") -> Advice:
        """Tells that a request sent with the token of `generation` was refused, and learns what to do. Never waits.

        For callers with an HTTP client of their own; `request` does this itself. body: the answer's, its first 4 KiB
        will do.
        """
        handle, advice, error = self._handle, c_int32(), c_void_p()
        content = body.encode() if isinstance(body, str) else body
        status = handle.library.nacos_auth_report_rejected(
            handle.pointer, generation, http_status, content, len(content), byref(advice), byref(error)
        )
        if status:
            raise take_error(handle.library, status, error)
        return Advice(advice.value)

    def stats(self) -> Stats:
        """The counters and states of this moment, of a closed client too."""
        handle, statistics, error = self._handle, AuthStatistics(), c_void_p()
        status = handle.library.nacos_auth_stats(handle.pointer, byref(statistics), byref(error))
        if status:
            raise take_error(handle.library, status, error)
        return Stats(
            logins=statistics.logins,
            login_failures=statistics.login_failures,
            requests=statistics.requests,
            replays=statistics.replays,
            rejections=statistics.rejections,
            rejections_permission=statistics.rejections_permission,
            waits=statistics.waits,
            generation=statistics.generation,
            remaining=statistics.remaining_ms / 1000,
            token_state=_TOKEN_STATES.get(statistics.token_state, "unknown"),
            refresh_state=_REFRESH_STATES.get(statistics.refresh_state, "unknown"),
        )

    @property
    def generation(self) -> int:
        """Generation of the token that may be used without asking, 0 if there is none. Costs no call."""
        return self._word.value

    def close(self) -> None:
        """Ends the client: calls in progress in other threads, and all later ones, raise `ClosedError`. Idempotent."""
        self._handle.library.nacos_auth_close(self._handle.pointer)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<nacos_auth.Client {self._server_addr} generation {self.generation}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "a Client cannot be pickled or copied: it is a connection, not a value. "
            "Make one in each process, or make it before a fork and use it on both sides"
        )


# A forked child drops what it inherited: it draws its own refresh times, so it asks the native library once.
_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _forget_tokens() -> None:
    for client in list(_clients):
        client._cached = _NOTHING_CACHED


os.register_at_fork(after_in_child=_forget_tokens)


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, status="INVALID_ARGUMENT", code=100)


def _text(name: str, value: str | None) -> bytes | None:
    """UTF-8 for C, where a NUL byte would silently cut the string."""
    if value is None:
        return None
    if "\0" in value:
        raise _invalid(f"{name} contains a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:  # its own text would show the value
        raise InvalidArgumentError(f"{name} is not valid Unicode", status="INVALID_UTF8", code=102) from None


def _path(name: str, value: Path | None) -> bytes | None:
    return None if value is None else _text(name, os.fspath(value))


def _pairs(name: str, values: Pairs | None) -> tuple[Array[c_char_p] | None, int]:
    if not values:
        return None, 0
    texts = []
    for key, value in values.items() if isinstance(values, Mapping) else values:
        texts.append(_text(name, key))
        texts.append(_text(name, value if isinstance(value, str) else _string(value)))
    return (c_char_p * len(texts))(*texts), len(texts) // 2


def _string(value: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"  # as Nacos spells it
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"a value must be str or int, not {type(value).__name__}")


def _milliseconds(name: str, seconds: float | None) -> int:
    """Rounded up, since 0 means "the default" to the library."""
    if seconds is None:
        return 0
    if not 0 < seconds <= 86400:
        raise _invalid(f"{name} must be more than 0 and at most 86400 seconds")
    return math.ceil(seconds * 1000)
