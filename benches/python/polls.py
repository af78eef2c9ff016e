"""Long polls on one thread: polls.py NAME COUNT, on benches/c/server.c, which holds them.

As many are started as COUNT says; when the server has all of them (or no more come), it is counted what the process has
more of than before. An ordinary call is made every 10 ms, for a second before and for a second beside them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from turns import print_row

SERVER = os.environ["NACOS_SERVER_ADDR"]
HEADERS = {"Long-Pulling-Timeout": "120000"}
PATH = "/v1/cs/configs/listener"
FORM = {"Listening-Configs": "demo\x02DEFAULT_GROUP\x02\x01"}
Call = Callable[[], Awaitable[object]]


@asynccontextmanager
async def by_us(count: int) -> AsyncIterator[tuple[Call, Call]]:
    from nacos_auth import AsyncClient  # here: the rival must not pay for it

    async with AsyncClient(SERVER, "nacos", "nacos", max_connections=count + 1) as client:
        yield (
            lambda: client.post(PATH, data=FORM, headers=HEADERS),
            lambda: client.get("/v1/cs/configs", params={"dataId": "demo"}),
        )


@asynccontextmanager
async def by_aiohttp(_: int) -> AsyncIterator[tuple[Call, Call]]:
    import aiohttp  # here: we must not pay for it

    bearer = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(headers=bearer, connector=connector, timeout=timeout) as session:

        async def poll() -> None:
            async with session.post(f"http://{SERVER}/nacos{PATH}", data=FORM, headers=HEADERS) as answer:
                await answer.read()

        async def call() -> None:
            async with session.get(f"http://{SERVER}/nacos/v1/cs/configs", params={"dataId": "demo"}) as answer:
                await answer.read()

        yield poll, call


CONTENDERS = {"nacos_auth.AsyncClient": by_us, "aiohttp": by_aiohttp}


async def ask(path: str) -> int:
    """A word with the server, by nobody's client."""
    reader, writer = await asyncio.open_connection(*SERVER.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    body = await reader.read(1024)
    writer.close()
    return int(body) if body.isdigit() else 0


def kib() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("RssAnon:")[1].split()[0])


async def p99(call: Call) -> float:
    """Milliseconds, over a hundred calls in a second."""
    took = []
    for i in range(100):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(max(0.0, 0.01 - took[i] / 1e3))
    return sorted(took)[98]


async def measure(name: str, count: int) -> None:
    async with CONTENDERS[name](count) as (poll, call):
        await call()
        alone = await p99(call)
        before, threads = kib(), len(os.listdir("/proc/self/task"))
        descriptors = len(os.listdir("/proc/self/fd"))
        began = time.perf_counter()
        polls = [asyncio.ensure_future(poll()) for _ in range(count)]
        held, quiet_since = 0, began
        while held < count and time.perf_counter() - quiet_since < 10:
            await asyncio.sleep(0.1)
            now = await ask("/held")
            if now > held:
                held, quiet_since = now, time.perf_counter()
        took = time.perf_counter() - began
        each = (kib() - before) / max(held, 1)
        more = len(os.listdir("/proc/self/fd")) - descriptors - held
        more_threads = len(os.listdir("/proc/self/task")) - threads
        beside = await p99(call)
        for _ in range(count // max(held, 1) + 1):  # polls that waited for their turn come after the others
            await ask("/release")
            await asyncio.wait(polls, timeout=1)
        for task in polls:
            task.cancel()
        ends = await asyncio.gather(*polls, return_exceptions=True)
        answered = sum(not isinstance(end, BaseException) for end in ends)
    figures = {
        "polls out": float(held),
        "polls answered": float(answered),
        "KiB each": each,
        "descriptors beyond connections": float(more),
        "threads more": float(more_threads),
        "s to set out": took,
        "ms p99 of calls alone": alone,
        "ms p99 of calls beside": beside,
    }
    print_row("polls", f"{count} polls", name, {key: [value] for key, value in figures.items()})


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1], int(sys.argv[2])))
