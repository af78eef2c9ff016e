"""httpx: `httpx.Client(auth=NacosAuth(client))`, `httpx.AsyncClient(auth=NacosAuth(async_client))`."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from typing import Any, Union

import anyio
import httpx

from ._adapter import LOOK_BYTES, MAY_REFUSE, Attempt, Bearer, Look, shortest
from ._async_client import AsyncClient
from ._client import Client
from ._state import Token

__all__ = ["NacosAuth"]

_KEEP_HEADERS = frozenset({"httpx._models", "httpx._utils"})
"""Where httpx makes lists of headers, of whatever version."""


class NacosAuth(httpx.Auth):
    """Puts the client's token on requests to its servers, and repeats one that was refused for its token.

    With `Client` for httpx.Client, with `AsyncClient` for httpx.AsyncClient. A body that cannot be read twice (a
    generator) is not repeated. A login ends with the request's read time-out. Raises `NacosError` where there is no
    token. Closes nothing.
    """

    def __init__(self, client: Client | AsyncClient) -> None:
        self._bearer = Bearer(client, "NacosAuth for httpx", Client, AsyncClient)
        self._client = client

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        client = self._client
        if not isinstance(client, Client):
            raise TypeError("an httpx.Client needs the NacosAuth of a nacos_auth.Client")
        flow = self._flow(request)
        step = next(flow)
        while True:
            result: object = None
            if isinstance(step, httpx.Request):
                result = yield step
            elif isinstance(step, httpx.Response):
                result = _look(step)
            elif isinstance(step, _Dismissal):
                step.stream.close()
            elif step.wait is None:
                result = step.attempt.first_token(client)
            else:
                time.sleep(step.wait)
                result = step.attempt.next_token(client)
            try:
                step = flow.send(result)
            except StopIteration:
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        client = self._client
        if isinstance(client, Client):
            raise TypeError("an httpx.AsyncClient needs the NacosAuth of a nacos_auth.AsyncClient")
        flow = self._flow(request)
        step = next(flow)
        while True:
            result: object = None
            if isinstance(step, httpx.Request):
                result = yield step
            elif isinstance(step, httpx.Response):
                result = await _look_async(step)
            elif isinstance(step, _Dismissal):
                await step.stream.aclose()
            elif step.wait is None:
                result = await step.attempt.first_token_async(client)
            else:
                await anyio.sleep(step.wait)
                result = await step.attempt.next_token_async(client)
            try:
                step = flow.send(result)
            except StopIteration:
                return

    def _flow(self, request: httpx.Request) -> Generator[_Step, Any, None]:
        """Both of them: yields what is to be done, and is sent what came of it."""
        bearer, start = self._bearer, time.monotonic()
        if not bearer.is_for(str(request.url)):
            yield request
            return
        timeout = shortest(request.extensions.get("timeout", {}).get("read"))
        body = _Body(request.stream)
        past: list[httpx.Response] = []
        refusals = 0
        attempt = Attempt(bearer, request.method, str(request.url), timeout)
        token: Token | None = yield _NextToken(attempt, None)
        while token is not None:
            self._put(attempt.carry(token), request)
            answer: httpx.Response = yield request
            # What is judged, and perhaps repeated, is the last hop: httpx has followed the redirects before it.
            answer.history = past = past + answer.history[refusals:]
            hop, url = answer.request, str(answer.request.url)
            if hop is not request:
                if not bearer.is_for(url):
                    return
                attempt = Attempt(bearer, hop.method, url, timeout, time.monotonic() - start)
                if (bearer.name.lower().encode(), bearer.value(token).encode()) in _lower(hop.headers):
                    attempt.carry(token)
                request = hop
            look = Look()
            if answer.status_code in MAY_REFUSE:
                look = yield answer
            elif answer.next_request is not None:  # it is not followed, but may be sent by the caller
                bearer.is_for(str(answer.next_request.url))
            wait = attempt.judge(answer.status_code, _decoded(look, answer), answer.headers.get("Retry-After"))
            if wait is None or not body.rewind(request.stream):
                return
            token = yield _NextToken(attempt, wait)
            if token is not None:  # httpx reads the refusal to its end then
                if not look.is_whole:
                    yield _Dismissal(answer, look)
                past, refusals = [*past, answer], refusals + 1

    def _put(self, value: str, request: httpx.Request) -> None:
        if self._bearer.name == "Authorization":
            request.headers["Authorization"] = value
        else:
            request.headers = _Headers(request.headers, self._bearer.name, value)


class _Headers(httpx.Headers):
    """A request's headers, with a token under another name than Authorization, which may be there as well.

    Authorization is all that httpx takes from a redirect to somebody else, by the second of the three parts of a header
    in its list: name as sent, name in small letters, value. So there the token has that name, also where httpx makes
    the list anew from names as sent and values, as it does for a POST that becomes a GET.
    """

    def __init__(self, headers: httpx.Headers, name: str, value: str) -> None:
        super().__init__(headers)
        sent = _Name(name.encode())
        self._list[:] = [header for header in self._list if header[0].lower() != sent.lower()]
        self._list.append((sent, b"authorization", value.encode()))
        self._name, self._value = name.lower(), value

    def __getitem__(self, key: str) -> str:
        return self._value if key.lower() == self._name else super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return (isinstance(key, str) and key.lower() == self._name) or super().__contains__(key)


class _Name(bytes):
    """As sent. Only those that keep lists of headers are told another name, not those that send them."""

    def lower(self) -> bytes:
        return b"authorization" if sys._getframe(1).f_globals["__name__"] in _KEEP_HEADERS else super().lower()


class _NextToken:
    """A step: wait, and get the token."""

    def __init__(self, attempt: Attempt, wait: float | None) -> None:
        self.attempt = attempt
        self.wait = wait
        """Seconds; None: it is the first."""


class _Dismissal:
    """A step: read no more of a refusal, though httpx reads each that something is sent after."""

    def __init__(self, answer: httpx.Response, look: Look) -> None:
        self.stream: Any = answer.stream
        answer.stream = httpx.ByteStream(look.body)
        if "Content-Encoding" in answer.headers:
            del answer.headers["Content-Encoding"]  # nothing decodes a piece


_Step = Union[httpx.Request, httpx.Response, _NextToken, _Dismissal]


class _Body:
    """The body of a request: whether it can be sent again, and how."""

    def __init__(self, stream: object) -> None:
        self._stream = stream
        source = getattr(stream, "_stream", None)  # what the caller gave, where it is neither str nor bytes
        self._file = source if hasattr(source, "read") and not hasattr(source, "aread") else None
        self._begin = _position(self._file)
        # Other than an iterator, which is its own, a list or the like gives an iterator each time.
        self._is_list = isinstance(source, Iterable) and not isinstance(source, Iterator) and self._file is None

    def rewind(self, stream: object) -> bool:
        """Whether the stream, of the request or of what a redirect made of it, gives all of the body once more."""
        if isinstance(stream, httpx.ByteStream):
            return True
        if stream is not self._stream:
            return False
        parts = getattr(stream, "fields", None)  # of a form, whose files httpx reads from their beginning each time
        if parts is not None:
            return all(_position(part.file) is not None for part in parts if _is_file(part))
        if self._begin is None or self._file is None:
            return self._is_list
        try:
            self._file.seek(self._begin)
        except (OSError, ValueError):
            return False
        return True


class _GivenBack(httpx.SyncByteStream):
    """A body that has been looked at."""

    def __init__(self, look: Look, rest: Iterator[bytes], stream: httpx.SyncByteStream) -> None:
        self._look = look
        self._rest = rest
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._look.pieces
        if self._look.error is not None:
            raise self._look.error
        yield from self._rest

    def close(self) -> None:
        self._stream.close()


class _GivenBackAsync(httpx.AsyncByteStream):
    def __init__(self, look: Look, rest: AsyncIterator[bytes], stream: httpx.AsyncByteStream) -> None:
        self._look = look
        self._rest = rest
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._look.pieces:
            yield piece
        if self._look.error is not None:
            raise self._look.error
        async for piece in self._rest:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def _look(answer: httpx.Response) -> Look:
    """At the body, which `answer` still has afterwards."""
    look, stream = Look(), answer.stream
    if _was_read(answer, look) or not isinstance(stream, httpx.SyncByteStream):
        return look
    rest = iter(stream)
    try:
        while look.wants_more:
            look.add(next(rest, None))
    except Exception as error:
        look.error = error
    answer.stream = _GivenBack(look, rest, stream)
    return look


async def _look_async(answer: httpx.Response) -> Look:
    look, stream = Look(), answer.stream
    if _was_read(answer, look) or not isinstance(stream, httpx.AsyncByteStream):
        return look
    rest = stream.__aiter__()
    try:
        while look.wants_more:
            try:
                look.add(await rest.__anext__())
            except StopAsyncIteration:
                look.add(None)
    except Exception as error:
        look.error = error
    answer.stream = _GivenBackAsync(look, rest, stream)
    return look


def _decoded(look: Look, answer: httpx.Response) -> bytes:
    encoding = answer.headers.get("Content-Encoding")
    if not encoding or not look.pieces or answer.is_stream_consumed:
        return look.body
    try:
        return httpx.Response(200, headers={"Content-Encoding": encoding}, content=look.body[:LOOK_BYTES]).content
    except httpx.DecodingError:
        return b""


def _was_read(answer: httpx.Response, look: Look) -> bool:
    """Whether a hook of the caller has read the body."""
    if answer.is_stream_consumed:
        look.add(answer.content)
        look.add(None)
    return answer.is_stream_consumed


def _lower(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers.raw]


def _is_file(part: Any) -> bool:
    return hasattr(part, "file") and not isinstance(part.file, (str, bytes))


def _position(file: Any) -> int | None:
    """Where it stands; None if it cannot be put there again."""
    try:
        return int(file.tell()) if file.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None


def __dir__() -> list[str]:
    return __all__
