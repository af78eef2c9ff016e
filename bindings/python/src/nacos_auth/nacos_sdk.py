"""nacos-sdk-python before 3: `NacosClient` in the place of `nacos.NacosClient`."""

from __future__ import annotations

import io
import time
from typing import Any
from urllib.error import HTTPError

import nacos  # type: ignore[import-untyped]

from ._adapter import MAY_REFUSE, Bearer, Sent
from ._client import Client
from ._state import Token


class NacosClient(nacos.NacosClient):  # type: ignore[misc]
    """`nacos.NacosClient` with the same arguments, which keeps itself logged in.

    A request that was refused for its token is repeated with the next one. The token travels in a header, not in
    the URL, and is not written to the SDK's log. With `auth` its token comes from that client, which stays the
    caller's, in place of a user name and password.
    """

    auth: Client | None
    """Where the token comes from; None without authentication."""
    username: Any
    password: Any

    def __init__(self, *arguments: Any, auth: Client | None = None, **settings: Any) -> None:
        self.auth = auth
        super().__init__(*arguments, **settings)
        self._bearer = None if self.auth is None else Bearer(self.auth)
        self.username = self.password = None  # else the SDK puts a token of its own into each URL

    def get_access_token(self, force_refresh: bool = False) -> None:
        """Called by the SDK's constructor, if it got a user name and a password."""
        if self.auth is None:
            servers = ",".join(f"{host}:{port}" for host, port in self.server_list)
            self.auth = Client(servers, self.username, self.password)

    def _do_sync_req(self, url: str, headers: dict[str, str] | None = None, *arguments: Any, **settings: Any) -> Any:
        if self.auth is None or self._bearer is None:
            return super()._do_sync_req(url, headers, *arguments, **settings)
        method = settings.get("method") or (arguments[3] if len(arguments) > 3 else "GET")
        timeout = settings.get("timeout") or (arguments[2] if len(arguments) > 2 else None)
        sent = Sent(method, timeout)
        while True:
            token = sent.use(self.auth.token_info())
            try:
                answer = super()._do_sync_req(url, _with(self._bearer, token, headers), *arguments, **settings)
            except HTTPError as refusal:
                retry_after = refusal.headers.get("Retry-After")
                if refusal.code not in MAY_REFUSE:
                    self._bearer.judge(sent, refusal.url, refusal.code, b"", retry_after)
                    raise
                body = refusal.read()
                refusal.close()
                wait = self._bearer.judge(sent, refusal.url, refusal.code, body, retry_after)
                if wait is None:
                    raise HTTPError(refusal.url, refusal.code, refusal.msg, refusal.headers, io.BytesIO(body)) from None
                time.sleep(wait)
            else:
                self._bearer.judge(sent, answer.url, answer.status, b"", None)
                return answer


def _with(bearer: Bearer, token: Token, headers: dict[str, str] | None) -> dict[str, str]:
    name, value = bearer.header(token)
    return {**(headers or {}), name: _Hidden(value)}


class _Hidden(str):
    """The SDK writes the headers of each request to its log, where this shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
