"""httpx: `httpx.Client(auth=NacosAuth(client))`, `httpx.AsyncClient(auth=NacosAuth(async_client))`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import httpx

from ._adapter import MAY_REFUSE, MOST_REPEATS, Bearer
from ._async_client import AsyncClient
from ._client import Client
from ._state import Advice, Token


class NacosAuth(httpx.Auth):
    """Puts the client's token on requests to its servers, and repeats one that was refused for its token.

    With `Client` for httpx.Client, with `AsyncClient` for httpx.AsyncClient. A body that cannot be read twice (a
    generator) is not repeated. Raises `NacosError` where there is no token. Closes nothing. With carriage="header" do
    not turn on follow_redirects: of all headers httpx keeps Authorization alone from going to another host.
    """

    def __init__(self, client: Client | AsyncClient) -> None:
        self._client = client
        self._bearer = Bearer(client)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if not isinstance(self._client, Client):
            raise TypeError("an httpx.Client needs the NacosAuth of a nacos_auth.Client")
        if not self._bearer.is_for(str(request.url)):
            yield request
            return
        for repeats in range(MOST_REPEATS + 1):
            token = self._put(self._client.token_info(), request)
            answer = yield request
            if answer.status_code in MAY_REFUSE:
                answer.read()
            if repeats == MOST_REPEATS or not self._repeats(token, answer):
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if not isinstance(self._client, AsyncClient):
            raise TypeError("an httpx.AsyncClient needs the NacosAuth of a nacos_auth.AsyncClient")
        if not self._bearer.is_for(str(request.url)):
            yield request
            return
        for repeats in range(MOST_REPEATS + 1):
            token = self._put(await self._client.token_info(), request)
            answer = yield request
            if answer.status_code in MAY_REFUSE:
                await answer.aread()
            if repeats == MOST_REPEATS or not self._repeats(token, answer):
                return

    def _put(self, token: Token, request: httpx.Request) -> Token:
        name, value = self._bearer.header(token)
        request.headers[name] = value
        return token

    def _repeats(self, token: Token, answer: httpx.Response) -> bool:
        if not self._bearer.is_for(str(answer.url)):  # a redirect led to somebody else
            return False
        body = answer.content if answer.status_code in MAY_REFUSE else b""
        advice = self._bearer.advice(token, answer.request.method, answer.status_code, body)
        return advice is Advice.REPLAY and isinstance(answer.request.stream, httpx.ByteStream)
