"""Each HTTP library with its adapter behind the same few calls, for the table of situations."""

from __future__ import annotations

import asyncio
import io
import urllib.error
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import aiohttp
import httpx
import nacos  # type: ignore[import-untyped]
import requests

from nacos_auth import AsyncClient, Client, aiohttp_auth, httpx_auth, nacos_sdk, requests_auth

TokenIn = Literal["auto", "authorization", "header"]
CONTENT = b"content=again"
FORM = {"content": "again"}


class Got(NamedTuple):
    status: int
    text: str


class Driver(Protocol):
    """Sends one request after the other with the token of one client.

    Bodies are told by their kind: what the library takes for it, and whether that can be read twice.
    """

    bodies: dict[str, bool]
    """The kinds that the library has, and whether one can be sent again."""

    def __init__(self, address: str, token_in: TokenIn, request_timeout: float | None = None) -> None: ...

    def fetch(self, method: str, url: str, body: str | None = None, **options: Any) -> Got: ...

    def begin(self, url: str, size: int) -> Got:
        """So much of an answer that the caller reads as it comes."""

    def time_outs(self, seconds: float) -> list[dict[str, Any]]:
        """What the library takes for a time-out of so many seconds."""

    def close(self) -> None: ...


def file() -> io.BytesIO:
    """One that stands where the content begins."""
    opened = io.BytesIO(b"skipped " + CONTENT)
    opened.seek(8)
    return opened


def generator() -> Iterator[bytes]:
    yield CONTENT


async def async_generator() -> AsyncIterator[bytes]:
    yield CONTENT


class Requests:
    bodies = {  # noqa: RUF012
        "text": True,
        "bytes": True,
        "form": True,
        "json": True,
        "file": True,
        "generator": False,
        "multipart": True,
    }

    def __init__(self, address: str, token_in: TokenIn, request_timeout: float | None = None) -> None:
        self.client = Client(address, "nacos", "nacos", token_in=token_in, request_timeout=request_timeout)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = requests_auth.NacosAuth(self.client)

    def fetch(self, method: str, url: str, body: str | None = None, **options: Any) -> Got:
        answer = self.session.request(method, url, **self._body(body), **{"timeout": 20, **options})
        return Got(answer.status_code, answer.text)

    def begin(self, url: str, size: int) -> Got:
        with self.session.get(url, stream=True, timeout=20) as answer:
            return Got(answer.status_code, next(answer.iter_content(size)).decode())

    def time_outs(self, seconds: float) -> list[dict[str, Any]]:
        total = requests.adapters.TimeoutSauce(total=seconds)  # type: ignore[attr-defined]
        return [{"timeout": timeout} for timeout in (seconds, (30, seconds), (None, seconds), total)]

    def _body(self, kind: str | None) -> dict[str, Any]:
        made: dict[str | None, Callable[[], dict[str, Any]]] = {
            None: dict,
            "text": lambda: {"data": CONTENT.decode()},
            "bytes": lambda: {"data": CONTENT},
            "form": lambda: {"data": FORM},
            "json": lambda: {"json": FORM},
            "file": lambda: {"data": file()},
            "generator": lambda: {"data": generator()},
            "multipart": lambda: {"files": {"content": file()}},
        }
        return made[kind]()

    def close(self) -> None:
        self.session.close()
        self.client.close()


class Httpx:
    bodies = {  # noqa: RUF012
        "text": True,
        "bytes": True,
        "form": True,
        "json": True,
        "file": True,
        "list": True,
        "generator": False,
        "multipart": True,
    }

    def __init__(self, address: str, token_in: TokenIn, request_timeout: float | None = None) -> None:
        self.client = Client(address, "nacos", "nacos", token_in=token_in, request_timeout=request_timeout)
        self.http = httpx.Client(auth=httpx_auth.NacosAuth(self.client), trust_env=False, timeout=20)

    def fetch(self, method: str, url: str, body: str | None = None, **options: Any) -> Got:
        follow = options.pop("allow_redirects", True)
        answer = self.http.request(method, url, **body_of_httpx(body), follow_redirects=follow, **options)
        return Got(answer.status_code, answer.text)

    def begin(self, url: str, size: int) -> Got:
        with self.http.stream("GET", url) as answer:
            return Got(answer.status_code, next(answer.iter_bytes(size)).decode())

    def time_outs(self, seconds: float) -> list[dict[str, Any]]:
        return time_outs_of_httpx(seconds)

    def close(self) -> None:
        self.http.close()
        self.client.close()


def body_of_httpx(kind: str | None) -> dict[str, Any]:
    made: dict[str | None, Callable[[], dict[str, Any]]] = {
        None: dict,
        "text": lambda: {"content": CONTENT.decode()},
        "bytes": lambda: {"content": CONTENT},
        "form": lambda: {"data": FORM},
        "json": lambda: {"json": FORM},
        "file": lambda: {"content": io.BytesIO(CONTENT)},  # httpx takes the length from the beginning
        "list": lambda: {"content": [CONTENT]},
        "generator": lambda: {"content": generator()},
        "async generator": lambda: {"content": async_generator()},
        "multipart": lambda: {"files": {"content": file()}},
    }
    return made[kind]()


def time_outs_of_httpx(seconds: float) -> list[dict[str, Any]]:
    return [{"timeout": timeout} for timeout in (seconds, httpx.Timeout(30, read=seconds), (30, seconds, 30, 30))]


class HttpxAsync:
    bodies = {  # noqa: RUF012
        "text": True,
        "bytes": True,
        "form": True,
        "json": True,
        "async generator": False,
        "multipart": True,
    }

    def __init__(self, address: str, token_in: TokenIn, request_timeout: float | None = None) -> None:
        self.client = AsyncClient(address, "nacos", "nacos", token_in=token_in, request_timeout=request_timeout)
        self.auth = httpx_auth.NacosAuth(self.client)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(auth=self.auth, trust_env=False, timeout=20)

    def fetch(self, method: str, url: str, body: str | None = None, **options: Any) -> Got:
        async def main() -> Got:
            follow = options.pop("allow_redirects", True)
            async with self._http() as http:
                answer = await http.request(method, url, **body_of_httpx(body), follow_redirects=follow, **options)
                return Got(answer.status_code, answer.text)

        return asyncio.run(main())

    def begin(self, url: str, size: int) -> Got:
        async def main() -> Got:
            async with self._http() as http, http.stream("GET", url) as answer:
                pieces = answer.aiter_bytes(size)
                return Got(answer.status_code, (await pieces.__anext__()).decode())

        return asyncio.run(main())

    def time_outs(self, seconds: float) -> list[dict[str, Any]]:
        return time_outs_of_httpx(seconds)

    def close(self) -> None:
        asyncio.run(self.client.close())


class Aiohttp:
    bodies = {  # noqa: RUF012
        "text": True,
        "bytes": True,
        "form": True,
        "json": True,
        "file": True,
        "async generator": False,
        "multipart": True,
    }

    def __init__(self, address: str, token_in: TokenIn, request_timeout: float | None = None) -> None:
        self.client = AsyncClient(address, "nacos", "nacos", token_in=token_in, request_timeout=request_timeout)
        self.auth = aiohttp_auth.NacosAuth(self.client)

    def fetch(self, method: str, url: str, body: str | None = None, **options: Any) -> Got:
        async def main() -> Got:
            of_session = {name: options.pop(name) for name in tuple(options) if name == "of_session"}
            settings = {"timeout": aiohttp.ClientTimeout(20), **of_session.get("of_session", {})}
            if "timeout" in options and options["timeout"] is None:
                options["timeout"] = aiohttp.ClientTimeout()  # None would mean the session's
            async with (
                aiohttp.ClientSession(middlewares=[self.auth], **settings) as session,
                session.request(method, url, **self._body(body), **options) as answer,
            ):
                return Got(answer.status, await answer.text())

        return asyncio.run(main())

    def begin(self, url: str, size: int) -> Got:
        async def main() -> Got:
            async with aiohttp.ClientSession(middlewares=[self.auth]) as session, session.get(url) as answer:
                return Got(answer.status, (await answer.content.readexactly(size)).decode())

        return asyncio.run(main())

    def time_outs(self, seconds: float) -> list[dict[str, Any]]:
        read = aiohttp.ClientTimeout(total=None, sock_read=seconds)
        return [
            {"timeout": aiohttp.ClientTimeout(seconds)},
            {"timeout": read},
            {"of_session": {"timeout": aiohttp.ClientTimeout(seconds)}},
            {"of_session": {"timeout": read}},
        ]

    def _body(self, kind: str | None) -> dict[str, Any]:
        made: dict[str | None, Callable[[], dict[str, Any]]] = {
            None: dict,
            "text": lambda: {"data": CONTENT.decode()},
            "bytes": lambda: {"data": CONTENT},
            "form": lambda: {"data": FORM},
            "json": lambda: {"json": FORM},
            "file": lambda: {"data": file()},
            "async generator": lambda: {"data": async_generator()},
            "multipart": lambda: {"data": {"content": file()}},
        }
        return made[kind]()

    def close(self) -> None:
        asyncio.run(self.client.close())


class NacosSdk:
    bodies = {"form": True}  # noqa: RUF012

    def __init__(self, address: str, token_in: TokenIn, request_timeout: float | None = None) -> None:
        with ExitStack() as undo:
            client = Client(address, "nacos", "nacos", token_in=token_in, request_timeout=request_timeout)
            undo.callback(client.close)
            self.client = client
            self.sdk = nacos_sdk.NacosClient(address, auth=client, logDir=str(Path.cwd()))
            undo.pop_all()

    def fetch(self, method: str, url: str, body: str | None = None, **options: Any) -> Got:
        origin, path = url.partition("/nacos/")[::2]
        sdk = self.sdk
        if origin != "http://" + ":".join(map(str, sdk.server_list[0])):
            host, port = origin[len("http://") :].split(":")
            sdk = nacos_sdk.NacosClient(f"{host}:{port}", auth=self.client, logDir=str(Path.cwd()))
        try:
            data = FORM if body == "form" else None
            timeout = options.get("timeout", 20)
            with sdk._do_sync_req(f"/nacos/{path}", None, None, data, timeout, method) as answer:
                return Got(answer.status, answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Got(refusal.code, refusal.read().decode())
        except nacos.NacosException:
            return Got(500, "")  # the SDK's way with it

    def begin(self, url: str, size: int) -> Got:
        return self.fetch("GET", url)

    def time_outs(self, seconds: float) -> list[dict[str, Any]]:
        return [{"timeout": seconds}]

    def close(self) -> None:
        self.client.close()


DRIVERS: dict[str, type[Driver]] = {
    "requests": Requests,
    "httpx": Httpx,
    "httpx async": HttpxAsync,
    "aiohttp": Aiohttp,
    "nacos-sdk-python": NacosSdk,
}
