"""nacos-sdk-python before 3: `NacosClient` in the place of `nacos.NacosClient`."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import time
from http.client import HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
    proxy_bypass,
)

import nacos  # type: ignore[import-untyped]
from nacos.exception import NacosRequestException  # type: ignore[import-untyped]

from ._adapter import LOOK_BYTES, MAY_REFUSE, Attempt, Bearer, Look, shortest
from ._client import Client
from ._errors import NacosError
from ._http_client import is_due

__all__ = ["NacosClient"]

_UNAVAILABLE = frozenset({500, 502, 503})
"""What the SDK asks the next server after."""
_log = logging.getLogger("nacos.client")  # the SDK's


class NacosClient(nacos.NacosClient):  # type: ignore[misc]
    """`nacos.NacosClient` with the same arguments, which keeps itself logged in.

    A request that was refused for its token is repeated with the next one. The token travels in a header, not in
    the URL, and is not written to the SDK's log. A login ends with the time-out of the request that needs it, and goes
    through the proxy that requests go through. With `auth` the token comes from that client, which stays the caller's
    and has settings of its own, in place of a user name and password.
    """

    auth: Client | None
    """Where the token comes from; None without authentication. Replaced when the SDK's proxy or servers change."""
    username: Any
    password: Any
    proxies: Any
    server_list: list[tuple[str, int]]
    default_timeout: float | None
    _account: tuple[str, str] | None = None
    _way: tuple[str, str | None] = ("", None)
    """The servers and the proxy that `auth` was made for."""
    _bearer: Bearer | None = None

    def __init__(self, *arguments: Any, auth: Client | None = None, **settings: Any) -> None:
        self.auth = auth
        if auth is not None:
            self._bearer = Bearer(auth, "nacos_sdk.NacosClient(auth=…)", Client)
        super().__init__(*arguments, **settings)
        if self.username and self.password:
            self.get_access_token()  # as later versions of the SDK have done already
        self.username = self.password = None  # else the SDK puts a token of its own into each URL

    def get_access_token(self, force_refresh: bool = False) -> None:
        """Called by the constructor, if it got a user name and a password."""
        if self.auth is None:
            self._account = self.username, self.password
            self._client()

    def _client(self) -> tuple[Client | None, Bearer | None]:
        """With the proxy and the servers that the SDK has now: the one is set after the constructor, the others may
        come from an address server."""
        way = ",".join(f"{host}:{port}" for host, port in self.server_list), self._proxy()
        if self._account is not None and way != self._way:
            auth = Client(way[0], *self._account, proxy=way[1])
            self._bearer, self.auth, self._way = Bearer(auth, "NacosClient", Client), auth, way
        return self.auth, self._bearer

    def _proxy(self) -> str | None:
        """As urllib finds it for the SDK's requests."""
        host = self.server_list[0][0]
        server = urlsplit(host if "://" in host else f"http://{host}")
        proxy = (self.proxies or getproxies()).get(server.scheme)
        if not proxy or proxy_bypass(server.hostname or ""):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def _do_sync_req(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        timeout: float | None = None,
        method: str = "GET",
        module: str = "config",
    ) -> Any:
        """The SDK's own hides why a server answered with 500, and carries its headers wherever a redirect leads."""
        auth, bearer = self._client()
        if auth is None or bearer is None:
            return super()._do_sync_req(url, headers, params, data, timeout, method, module)
        start = time.monotonic()
        all_headers, all_params = {**(headers or {})}, {**(params or {})}
        self._inject_version_info(all_headers)
        self._inject_auth_info(all_headers, all_params, data, module)
        url = f"{url}?{urlencode(all_params)}" if all_params else url
        body = urlencode(data).encode() if data else None
        shown = {**all_headers, bearer.name: "***"}
        _log.debug(
            "[do-sync-req] url:%s, headers:%s, params:%s, data:%s, timeout:%s", url, shown, params, data, timeout
        )
        for _ in range(max(1, len(self.server_list))):
            if not (server := self.get_server()):
                raise NacosRequestException("Server is not available.")
            origin = ":".join(map(str, server))
            request = Request(f"{'' if origin.startswith('http') else 'http://'}{origin}{url}", body, method=method)
            for name, value in all_headers.items():
                request.add_header(name, value)
            try:
                return self._send(request, timeout, time.monotonic() - start, auth, bearer)
            except NacosError:  # of which some are a TimeoutError
                raise
            except HTTPError as error:
                if error.code not in _UNAVAILABLE:
                    raise
                error.close()
                _log.warning("[do-sync-req] server:%s is not available for reason:%s", origin, error.msg)
            except socket.timeout:
                _log.warning("[do-sync-req] %s request timeout", origin)
            except URLError as error:
                _log.warning("[do-sync-req] %s connection error:%s", origin, error.reason)
            self.change_server()
        _log.error("[do-sync-req] no server is currently available")
        raise NacosRequestException("All server are not available")

    def _send(self, request: Request, timeout: float | None, spent: float, auth: Client, bearer: Bearer) -> Any:
        """To one server."""
        start = time.monotonic() - spent
        seconds = shortest(timeout or self.default_timeout)
        if not bearer.is_for(request.full_url):
            return self._opener(_Redirects(bearer)).open(request, timeout=timeout)
        attempt = Attempt(bearer, request.get_method(), request.full_url, seconds, spent)
        token = attempt.first_token(auth)
        while True:
            request.add_header(bearer.name, attempt.carry(token))
            redirects = _Redirects(bearer)
            answer: Any
            try:
                answer = self._opener(redirects).open(request, timeout=timeout)
            except HTTPError as refusal:
                answer = refusal
            hop = redirects.hop
            if hop is not None:  # what is judged, and perhaps repeated, is the last one
                if not bearer.is_for(hop.full_url):
                    return _returned(answer, Look())
                spent = time.monotonic() - start
                attempt = Attempt(bearer, hop.get_method(), hop.full_url, seconds, spent)
                if hop.has_header(bearer.name.capitalize()):
                    attempt.carry(token)
                request = hop
            try:
                look = _look(answer) if answer.status in MAY_REFUSE else Look()
                wait = attempt.judge(answer.status, look.body, answer.headers.get("Retry-After"))
                if wait is None:
                    return _returned(answer, look)
                time.sleep(wait)
                next_token = attempt.next_token(auth)
            except HTTPError:
                raise
            except BaseException:
                answer.close()
                raise
            if next_token is None:
                return _returned(answer, look)
            token = next_token
            answer.close()

    def _opener(self, redirects: _Redirects) -> OpenerDirector:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # the SDK looks at no certificate
        context.verify_mode = ssl.CERT_NONE
        proxies = [ProxyHandler(self.proxies)] if self.proxies else []
        return build_opener(redirects, HTTPSHandler(context=context), *proxies)


class _Redirects(HTTPRedirectHandler):
    """Follows them as urllib does, but without the token where it may not go."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer
        self.hop: Request | None = None
        """What was sent last; None if nothing was redirected."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        hop = super().redirect_request(req, fp, code, msg, headers, newurl)
        if hop is not None:
            self.hop = hop
            if not self._bearer.is_for(newurl):
                hop.remove_header(self._bearer.name.capitalize())
        return hop


class _Body(io.RawIOBase):
    """A refusal's, which has been looked at."""

    def __init__(self, look: Look, rest: Any) -> None:
        self._beginning = look.body
        self._error = look.error
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._beginning and self._error is not None:
            raise self._error
        piece = self._beginning[: len(buffer)] or self._rest.read1(len(buffer))
        self._beginning = self._beginning[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        super().close()
        self._rest.close()


def _look(answer: Any) -> Look:
    """At the body of a refusal, which it does not have any more then: see `_returned`."""
    look = Look()
    try:
        while look.wants_more and is_due(getattr(answer.fp, "fp", None), look.seconds_left):
            look.add(answer.read1(LOOK_BYTES) or None)
    except Exception as error:
        look.error = error
    return look


def _returned(answer: Any, look: Look) -> Any:
    """As urllib gives it to the caller: raised if it is an error."""
    if isinstance(answer, HTTPError):
        body = io.BufferedReader(_Body(look, answer))
        raise HTTPError(answer.url, answer.code, answer.msg, answer.headers, body) from None
    return answer


def __dir__() -> list[str]:
    return __all__
