"""httpx: `httpx.Client(auth=NacosAuth(client))`, `httpx.AsyncClient(auth=NacosAuth(async_client))`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator

import httpx

from ._adapter import MAY_REFUSE, Bearer, Sent
from ._async_client import AsyncClient
from ._client import Client
from ._state import Token


class NacosAuth(httpx.Auth):
    """Puts the client's token on requests to its servers, and repeats one that was refused for its token.

    With `Client` for httpx.Client, with `AsyncClient` for httpx.AsyncClient. A body that cannot be read twice (a
    generator) is not repeated. Raises `NacosError` where there is no token. Closes nothing. With token_in="header" do
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
        sent = _sent(request)
        while True:
            self._put(sent.use(self._client.token_info()), request)
            answer = yield request
            if answer.status_code in MAY_REFUSE:
                answer.read()
            wait = self._judge(sent, answer)
            if wait is None:
                return
            time.sleep(wait)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if not isinstance(self._client, AsyncClient):
            raise TypeError("an httpx.AsyncClient needs the NacosAuth of a nacos_auth.AsyncClient")
        if not self._bearer.is_for(str(request.url)):
            yield request
            return
        sent = _sent(request)
        while True:
            self._put(sent.use(await self._client.token_info()), request)
            answer = yield request
            if answer.status_code in MAY_REFUSE:
                await answer.aread()
            wait = self._judge(sent, answer)
            if wait is None:
                return
            await asyncio.sleep(wait)

    def _put(self, token: Token, request: httpx.Request) -> None:
        name, value = self._bearer.header(token)
        request.headers[name] = value

    def _judge(self, sent: Sent, answer: httpx.Response) -> float | None:
        """The seconds after which to send the request again; None: not at all."""
        url = str(answer.url)
        if not self._bearer.is_for(url):  # a redirect led to somebody else
            return None
        body = answer.content if answer.status_code in MAY_REFUSE else b""
        wait = self._bearer.judge(sent, url, answer.status_code, body, answer.headers.get("Retry-After"))
        return wait if isinstance(answer.request.stream, httpx.ByteStream) else None


def _sent(request: httpx.Request) -> Sent:
    timeout = request.extensions.get("timeout", {}).get("read")
    return Sent(request.method, timeout)
