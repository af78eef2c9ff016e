"""The answer to a request, copied out of the native library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ctypes import CDLL, byref, c_char_p, c_size_t, c_void_p, string_at
from typing import Any

from ._errors import HTTPStatusError


class Headers(Mapping[str, str]):
    """Headers by name in any case. `headers[name]` is the first of that name, `multi_items` has them all."""

    __slots__ = ("_first", "_items")

    def __init__(self, items: list[tuple[str, str]]) -> None:
        self._items = items
        self._first: dict[str, str] = {}
        for name, value in items:
            self._first.setdefault(name.lower(), value)

    def multi_items(self) -> list[tuple[str, str]]:
        """Every header as the server sent it, in order."""
        return list(self._items)

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)


class Response:
    """An answer of the server, whatever its HTTP status."""

    __slots__ = ("_target", "content", "generation", "headers", "replays", "status")

    status: int
    """HTTP status."""
    headers: Headers
    content: bytes
    """The body as it came."""
    generation: int
    """Of the token that got this answer; 0 if it was sent without one."""
    replays: int
    """1 if the first attempt was refused and the request was sent again with a new token, else 0."""

    def __init__(
        self, target: str, status: int, headers: Headers, content: bytes, generation: int, replays: int
    ) -> None:
        self._target = target
        self.status = status
        self.headers = headers
        self.content = content
        self.generation = generation
        self.replays = replays

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
        raise HTTPStatusError(f"{self._target} was answered HTTP {self.status}", self)

    def __repr__(self) -> str:
        return f"<Response [{self.status}]>"  # the body may hold what nobody should log


def _decode(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace")


def take_response(library: CDLL, response: c_void_p, target: str) -> Response:
    """Copies everything out and frees the native response."""
    try:
        length = c_size_t()
        body = library.nacos_response_body(response, byref(length))
        name, value = c_char_p(), c_char_p()
        items = []
        for index in range(library.nacos_response_header_count(response)):
            library.nacos_response_header_at(response, index, byref(name), byref(value))
            items.append((_decode(name.value), _decode(value.value)))
        return Response(
            target,
            library.nacos_response_status(response),
            Headers(items),
            string_at(body, length.value),
            library.nacos_response_generation(response),
            library.nacos_response_replays(response),
        )
    finally:
        library.nacos_response_free(response)
