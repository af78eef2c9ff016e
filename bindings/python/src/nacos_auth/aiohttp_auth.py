"""aiohttp from 3.12 on: `aiohttp.ClientSession(middlewares=[NacosAuth(client)])`."""

from __future__ import annotations

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.payload import Payload

from ._adapter import MAY_REFUSE, MOST_REPEATS, Bearer
from ._async_client import AsyncClient
from ._state import Advice, Token


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
        answer, advice = await self._send(request, handler)
        for _ in range(MOST_REPEATS):
            if advice is not Advice.REPLAY or (isinstance(request.body, Payload) and request.body.consumed):
                break
            answer.release()
            answer, advice = await self._send(request, handler)
        return answer

    async def _send(self, request: ClientRequest, handler: ClientHandlerType) -> tuple[ClientResponse, Advice]:
        token: Token = await self._client.token_info()
        name, value = self._bearer.header(token)
        request.headers[name] = value
        answer = await handler(request)
        body = await answer.read() if answer.status in MAY_REFUSE else b""
        return answer, self._bearer.advice(token, request.method, answer.status, body)
