"""aiohttp from 3.12 on: `aiohttp.ClientSession(middlewares=[NacosAuth(client)])`."""

from __future__ import annotations

import asyncio

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.payload import Payload

from ._adapter import MAY_REFUSE, Bearer, Sent
from ._async_client import AsyncClient


class NacosAuth:
    """A middleware: puts the client's token on requests to its servers, and repeats one refused for its token.

    A body that cannot be read twice (a generator) is not repeated. Raises `NacosError` where there is no token.
    Closes nothing.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._bearer = Bearer(client)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if not self._bearer.is_for(str(request.url)):
            return await handler(request)
        sent = Sent(request.method, None)  # the session's own time-out is around all of this
        answer, wait = await self._send(request, handler, sent)
        while wait is not None and not (isinstance(request.body, Payload) and request.body.consumed):
            answer.release()
            await asyncio.sleep(wait)
            answer, wait = await self._send(request, handler, sent)
        return answer

    async def _send(
        self, request: ClientRequest, handler: ClientHandlerType, sent: Sent
    ) -> tuple[ClientResponse, float | None]:
        name, value = self._bearer.header(sent.use(await self._client.token_info()))
        request.headers[name] = value
        answer = await handler(request)
        body = await answer.read() if answer.status in MAY_REFUSE else b""
        retry_after = answer.headers.get("Retry-After")
        return answer, self._bearer.judge(sent, str(request.url), answer.status, body, retry_after)
