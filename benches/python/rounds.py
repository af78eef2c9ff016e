"""What is measured in rounds, from Python: rounds.py cached|python|asyncio COUNT… on the server of NACOS_SERVER_ADDR.

A COUNT is how many threads there are, or how many requests in flight. The rivals are used as their documentation shows,
each thread with a session of its own, and with TOKEN as a fixed header.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from ctypes import CDLL
from itertools import repeat
from urllib.parse import urlencode

import aiohttp
import httpx
import nacos  # type: ignore[import-untyped]
import pycurl  # type: ignore[import-untyped]
import requests
from nacos_auth import AsyncClient, Client
from nacos_auth._library import library
from turns import Contender, on_threads, take_turns

SERVER = os.environ["NACOS_SERVER_ADDR"]
URL = f"http://{SERVER}/nacos/v1/cs/configs"
HEADERS = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
QUERY = {"dataId": "demo", "group": "DEFAULT_GROUP"}
LOOPS = 10_000


def check(status: int, body: bytes) -> None:
    if status != 200 or not body:
        raise SystemExit(f"HTTP status {status}, {len(body)} bytes")


def sdk() -> nacos.NacosClient:
    return nacos.NacosClient(SERVER, username="nacos", password="nacos")


# --- cached ---


def gets(get: Callable[[], object]) -> Callable[[float], int]:
    def run(until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            for _ in repeat(None, LOOPS):
                get()
            done += LOOPS
        return done

    return run


class Empty:
    """What a call costs in Python whatever it does."""

    def method(self) -> None: ...


def cached() -> None:
    with Client(SERVER, "nacos", "nacos") as client:
        client.token()
        contenders = [
            Contender("nacos-sdk-python, get_access_token", gets(sdk().get_access_token)),
            Contender("nacos_auth, Client.token", gets(client.token)),
            Contender("an empty method", gets(Empty().method)),
            Contender("an empty call by ctypes", gets(CDLL(library()._name).nacos_auth_abi_version)),
        ]
        take_turns("cached", "Python", contenders, ("ns",))


# --- one request after the other, on each thread ---


def open_pycurl() -> Callable[[], None]:
    handle = pycurl.Curl()
    handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in HEADERS.items()])
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.TIMEOUT_MS, 15_000)
    handle.setopt(pycurl.PROXY, "")

    def call() -> None:
        handle.setopt(pycurl.URL, f"{URL}?{urlencode(QUERY)}")
        body = handle.perform_rb()
        check(handle.getinfo(pycurl.RESPONSE_CODE), body)

    return call


def open_requests() -> Callable[[], None]:
    session = requests.Session()
    session.headers.update(HEADERS)

    def call() -> None:
        answer = session.get(URL, params=QUERY, timeout=15)
        check(answer.status_code, answer.content)

    return call


def open_httpx() -> Callable[[], None]:
    client = httpx.Client(headers=HEADERS, timeout=15)

    def call() -> None:
        answer = client.get(URL, params=QUERY)
        check(answer.status_code, answer.content)

    return call


def open_sdk() -> Callable[[], None]:
    client = sdk()

    def call() -> None:
        check(200, client.get_config(QUERY["dataId"], QUERY["group"], no_snapshot=True).encode())

    return call


def blocking(threads: int) -> None:
    with Client(SERVER, "nacos", "nacos") as client:

        def call() -> None:
            answer = client.get("/v1/cs/configs", params=QUERY)
            check(answer.status, answer.content)

        contenders = [
            Contender("pycurl", on_threads(threads, open_pycurl)),
            Contender("requests", on_threads(threads, open_requests)),
            Contender("httpx", on_threads(threads, open_httpx)),
            Contender("nacos-sdk-python", on_threads(threads, open_sdk)),
            Contender("nacos_auth.Client", on_threads(threads, lambda: call)),
        ]
        name = "1 thread" if threads == 1 else f"{threads} threads"
        take_turns("python", name, contenders, ("requests/s", "CPU µs"))


# --- many in flight on one event loop ---


async def in_flight(count: int) -> None:
    """Each contender has as many tasks, each of which makes one request after the other."""
    loop = asyncio.get_running_loop()

    def tasks(call: Callable[[], Awaitable[None]]) -> Callable[[float], int]:
        async def work(until: float) -> int:
            done = 0
            while time.perf_counter() < until:
                await call()
                done += 1
            return done

        async def all_of(until: float) -> int:
            return sum(await asyncio.gather(*(work(until) for _ in range(count))))

        return lambda until: asyncio.run_coroutine_threadsafe(all_of(until), loop).result()

    connector = aiohttp.TCPConnector(limit=count)
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count)
    async with (
        AsyncClient(SERVER, "nacos", "nacos", max_connections=count) as ours,
        aiohttp.ClientSession(headers=HEADERS, connector=connector) as session,
        httpx.AsyncClient(headers=HEADERS, limits=limits, timeout=15) as client,
    ):

        async def by_us() -> None:
            answer = await ours.get("/v1/cs/configs", params=QUERY)
            check(answer.status, answer.content)

        async def by_aiohttp() -> None:
            async with session.get(URL, params=QUERY) as answer:
                check(answer.status, await answer.read())

        async def by_httpx() -> None:
            answer = await client.get(URL, params=QUERY)
            check(answer.status_code, answer.content)

        contenders = [
            Contender("aiohttp", tasks(by_aiohttp)),
            Contender("httpx.AsyncClient", tasks(by_httpx)),
            Contender("nacos_auth.AsyncClient", tasks(by_us)),
        ]
        # The rounds are counted on another thread, which only waits: they are the same as the blocking ones.
        await asyncio.to_thread(take_turns, "asyncio", f"{count} in flight", contenders, ("requests/s", "CPU µs"))


def main() -> None:
    part, *counts = sys.argv[1:]
    if part == "cached":
        cached()
    for count in map(int, counts):
        if part == "python":
            blocking(count)
        elif part == "asyncio":
            asyncio.run(in_flight(count))


if __name__ == "__main__":
    main()
