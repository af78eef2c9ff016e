"""The answer to a request, copied out of the native library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ctypes import CDLL, byref, c_char_p, c_size_t, string_at
from typing import Any

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
        """Every header as the server sent it, in order."""
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
        return json.loads(self.content)

    def raise_for_status(self) -> Response:
        """Itself if the status is below 400, else raises `HTTPStatusError`."""
        if self.status < 400:
            return self
        raise HTTPStatusError(f"{self._method} {self._path} was answered HTTP {self.status}", self)

    def __repr__(self) -> str:
        return f"<Response [{self.status}]>"  # the body may hold what nobody should log


def _decode(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace")


def take_response(library: CDLL, response: OwnedResponse, method: str, path: str) -> Response:
    """A copy, but for the headers: the native response is freed when nobody can ask for those any more."""
    length = c_size_t()
    body = library.nacos_response_body(response, byref(length))
    return Response(
        method,
        path,
        library.nacos_response_status(response),
        Headers([], (library, response)),
        string_at(body, length.value),
        library.nacos_response_generation(response),
        library.nacos_response_replays(response),
        _decode(library.nacos_response_server(response)),
        library.nacos_response_attempts(response),
        bool(library.nacos_response_is_truncated(response)),
    )
