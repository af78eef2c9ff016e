"""aiohttp from 3.12 on: `aiohttp.ClientSession(middlewares=[NacosAuth(client)])`."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from aiohttp import ClientError, ClientHandlerType, ClientRequest, ClientResponse, ClientSession, ClientTimeout
from aiohttp.payload import BytesPayload, Payload

from ._adapter import LOOK_BYTES, LOOK_SECONDS, MAY_REFUSE, Attempt, Bearer, Look, argument, shortest
from ._async_client import AsyncClient
from ._state import Token

__all__ = ["NacosAuth"]


class NacosAuth:
    """A middleware: puts the client's token on requests to its servers, and repeats one refused for its token.

    A body that cannot be read twice (a generator) is not repeated. A login ends with the request's time-out, `total` or
    `sock_read`. Raises `NacosError` where there is no token; aiohttp makes a ClientOSError of those that are an
    OSError, such as `NacosConnectionError`, with the error as its cause. Closes nothing.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._bearer = Bearer(client, "NacosAuth for aiohttp", AsyncClient)
        self._client = client

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Called for each hop: aiohttp follows redirects by itself, with the headers that the caller gave."""
        bearer, url = self._bearer, str(request.url)
        if not bearer.is_for(url):
            return await handler(request)
        attempt = Attempt(bearer, request.method, url, _seconds())
        token = await attempt.first_token_async(self._client)
        while True:
            request.headers[bearer.name] = attempt.carry(token)
            answer = await handler(request)
            try:
                look, next_token = await self._judge(request, answer, attempt)
            except BaseException:
                answer.close()
                raise
            if next_token is None:
                return answer
            token = next_token
            if look.is_whole and not isinstance(request.body, Payload):
                answer.release()
            else:
                answer.close()  # the body may still be being written
            await request.close()

    async def _judge(
        self, request: ClientRequest, answer: ClientResponse, attempt: Attempt
    ) -> tuple[Look, Token | None]:
        """With the token to send the request again with, if it is to be sent again; waits for both."""
        look = await _look(answer) if answer.status in MAY_REFUSE else Look()
        wait = attempt.judge(answer.status, look.body, answer.headers.get("Retry-After"))
        if wait is None or not _can_be_sent_again(request.body):
            return look, None
        await asyncio.sleep(wait)
        return look, await attempt.next_token_async(self._client)


async def _look(answer: ClientResponse) -> Look:
    """At the body, which `answer` still has afterwards."""
    look, content = Look(), answer.content
    try:
        while look.wants_more:
            piece = await asyncio.wait_for(content.read(LOOK_BYTES), LOOK_SECONDS)
            look.add(piece or None)
    except asyncio.TimeoutError:
        pass
    except (ClientError, OSError) as error:
        look.error = error  # which the content has too
    if look.pieces:
        with warnings.catch_warnings():  # nothing takes the place of what is deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            content.unread_data(look.body)
    return look


def _can_be_sent_again(body: Any) -> bool:
    if not isinstance(body, Payload):
        return True
    return not getattr(body, "consumed", not isinstance(body, BytesPayload))  # the first 3.12 do not tell


def _seconds() -> float | None:
    """The time-out of the request for whose sake this is called."""
    timeout = argument(ClientSession, "_request", "timeout")
    if timeout is None or isinstance(timeout, (int, float)):
        return None  # a total one, which is aiohttp's own to keep
    if not isinstance(timeout, ClientTimeout):  # but what says that there is none of the request's own
        timeout = argument(ClientSession, "_request", "self").timeout
    return shortest(timeout.sock_read)


def __dir__() -> list[str]:
    return __all__
