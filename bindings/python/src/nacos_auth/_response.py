"""The answer to a request, copied out of the native library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ctypes import CDLL, byref, c_char_p, c_size_t, string_at
from typing import TYPE_CHECKING, Any

from ._declarations import OwnedResponse
from ._errors import HTTPStatusError


class Headers(Mapping[str, str]):
    """Headers by name in any case. `headers[name]` is the first of that name, `multi_items` has them all."""

    __slots__ = ("_first", "_items", "_native")

    def __init__(self, items: list[tuple[str, str]], native: tuple[CDLL, OwnedResponse] | None = None) -> None:
        """From `items`, or later from a native response: many callers never look, and copying takes a while."""
        self._items = items
        self._first: dict[str, str] = {}
        self._native = native
        if native is None:
            self._index()

    def multi_items(self) -> list[tuple[str, str]]:
        """Every header as the server sent it, in order, those of one name together."""
        self._read()
        return list(self._items)

    def __getitem__(self, name: str) -> str:
        self._read()
        return self._first[name.lower()]

    def __iter__(self) -> Iterator[str]:
        self._read()
        return iter(self._first)

    def __len__(self) -> int:
        self._read()
        return len(self._first)

    def __reduce__(self) -> tuple[type[Headers], tuple[list[tuple[str, str]]]]:
        return type(self), (self.multi_items(),)

    def _read(self) -> None:
        native = self._native
        if native is None:
            return
        library, response = native
        name, value = c_char_p(), c_char_p()
        items = []
        for index in range(library.nacos_response_header_count(response)):
            library.nacos_response_header_at(response, index, byref(name), byref(value), None)
            items.append((_decode(name.value), _decode(value.value)))
        self._items = items
        self._index()
        self._native = None  # last, since another thread may be reading

    def _index(self) -> None:
        first: dict[str, str] = {}
        for name, value in self._items:
            first.setdefault(name.lower(), value)
        self._first = first


class Response:
    """An answer of the server, whatever its HTTP status."""

    __slots__ = (
        "_method",
        "_native",
        "_path",
        "attempts",
        "content",
        "generation",
        "headers",
        "is_truncated",
        "replays",
        "server",
        "status",
    )

    _native: tuple[CDLL, OwnedResponse]
    status: int
    """HTTP status."""
    headers: Headers
    content: bytes
    """The body, decoded if it came compressed."""
    generation: int
    """Of the token that got this answer; 0 if it was sent without one."""
    replays: int
    """How often it was sent again with a new token, since a server had refused the former one: 0 nearly always."""
    server: str
    """The server that answered, "host:port"."""
    attempts: int
    """How often the request was sent in all, to whatever server: 1 nearly always."""
    is_truncated: bool
    """Whether the body was cut: that of a refusal (status 400 and up) is, beyond 64 KiB."""

    def __init__(
        self,
        method: str,
        path: str,
        status: int,
        headers: Headers,
        content: bytes,
        generation: int,
        replays: int,
        server: str = "",
        attempts: int = 1,
        is_truncated: bool = False,
    ) -> None:
        self._method = method
        self._path = path.partition("?")[0]  # a query may hold what nobody should log
        self.status = status
        self.headers = headers
        self.content = content
        self.generation = generation
        self.replays = replays
        self.server = server
        self.attempts = attempts
        self.is_truncated = is_truncated

    @classmethod
    def _of(cls, library: CDLL, native: OwnedResponse, method: str, path: str) -> Response:
        """Of a native response, of which is read what somebody asks for: each thing takes a while."""
        response = cls.__new__(cls)
        response._method = method
        response._path = path.partition("?")[0]
        response._native = (library, native)
        response.status = library.nacos_response_status(native)
        response.content = _read_content(library, native)
        return response

    if not TYPE_CHECKING:  # to whom it would have every attribute

        def __getattr__(self, name: str) -> Any:
            """What has not been read yet."""
            read = _READ.get(name)
            if read is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            value = read(*self._native)
            setattr(self, name, value)
            return value

    def __reduce__(self) -> tuple[type[Response], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, name) for name in _ARGUMENTS)

    @property
    def text(self) -> str:
        """The body as text, in the character set of its Content-Type or else UTF-8."""
        _, _, named = self.headers.get("content-type", "").lower().partition("charset=")
        try:
            return self.content.decode(named.partition(";")[0].strip("\"' ") or "utf-8", "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError if it is none."""
        from json import loads  # noqa: PLC0415 # which takes a while, and many never need it

        return loads(self.content)

    def raise_for_status(self) -> Response:
        """Itself if the status is below 400, else raises `HTTPStatusError`."""
        if self.status < 400:
            return self
        raise HTTPStatusError(f"{self._method} {self._path} was answered HTTP {self.status}", self)

    def __repr__(self) -> str:
        return f"<Response [{self.status}]>"  # the body may hold what nobody should log


def _decode(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace")


def _read_content(library: CDLL, native: OwnedResponse) -> bytes:
    length = c_size_t()
    return string_at(library.nacos_response_body(native, byref(length)), length.value)


_READ: dict[str, Callable[[CDLL, OwnedResponse], object]] = {
    "headers": lambda library, native: Headers([], (library, native)),
    "content": _read_content,
    "generation": lambda library, native: library.nacos_response_generation(native),
    "replays": lambda library, native: library.nacos_response_replays(native),
    "server": lambda library, native: _decode(library.nacos_response_server(native)),
    "attempts": lambda library, native: library.nacos_response_attempts(native),
    "is_truncated": lambda library, native: bool(library.nacos_response_is_truncated(native)),
}
_ARGUMENTS = ("_method", "_path", "status", *_READ)

take_response = Response._of
"""The native response is freed when nobody can ask for anything in it any more."""
