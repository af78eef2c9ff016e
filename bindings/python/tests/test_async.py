"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}


def connect(server: DevServer, **settings: float) -> AsyncClient:
    return AsyncClient(server.address, "nacos", "nacos", **settings)  # type: ignore[arg-type]


def test_publish_and_read(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            assert server.status_with(await client.token()) == 200
            assert (await client.post(CONFIG, data={**DEMO, "content": "x"})).raise_for_status().text == "true"
            answer = await client.get(CONFIG, params=DEMO)
            assert (answer.status, answer.text, answer.generation) == (200, "x", client.generation)
            assert (await client.put("/v1/ns/operator/switches", params={"entry": "a"})).status < 600
            assert (await client.delete(CONFIG, params=DEMO)).status == 200
            assert client.stats().logins == 1
        with pytest.raises(nacos_auth.ClosedError):
            await client.token()
        with pytest.raises(nacos_auth.ClosedError):
            await client.get(CONFIG)

    asyncio.run(main())


def test_many_tasks_cost_one_login(server: DevServer) -> None:
    async def main() -> None:
        server.control("/faults", on="login", kind="delay", delay_ms=300, times=0)
        async with connect(server) as client:
            assert len(set(await asyncio.gather(*(client.token() for _ in range(500))))) == 1
            answers = await asyncio.gather(*(client.get(CONFIG, params=DEMO) for _ in range(200)))
            assert {answer.status for answer in answers} == {200}
        assert server.counts()["logins"] == 1

    asyncio.run(main())


def test_the_loop_runs_on_while_a_call_waits(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            await client.token()
            server.control("/faults", on="request", kind="delay", delay_ms=1000, times=1)
            call = asyncio.create_task(client.get(CONFIG, params=DEMO))
            rounds = 0
            while not call.done():
                await asyncio.sleep(0.001)
                rounds += 1
            assert rounds > 5  # a loop that stands still turns once

    asyncio.run(main())


def test_cached_token_takes_no_thread_and_no_turn_of_the_loop(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            info = await client.token_info()
            threads = client._tokens.count
            coroutine = client.token()
            with pytest.raises(StopIteration) as done:
                coroutine.send(None)  # ends without ever waiting
            assert done.value.value == info.value
            assert client._tokens.count <= threads
            server.control("/secret")
            assert client.report_rejected(info.generation, 403, "token expired!").advice is nacos_auth.Advice.REPLAY
            assert await client.token() != info.value

    asyncio.run(main())


@pytest.mark.parametrize("on", ["login", "request"])
def test_cancelling_a_task_frees_it_at_once_and_ends_the_call(server: DevServer, on: str) -> None:
    async def main() -> None:
        async with connect(server, request_timeout=60) as client:
            if on == "request":
                await client.token()
            server.control("/faults", on=on, kind="hang", times=0)
            call = asyncio.ensure_future(client.get(CONFIG, params=DEMO) if on == "request" else client.token())
            await asyncio.sleep(0.2)
            start = time.monotonic()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(CONFIG, params=DEMO), 0.2)
            assert time.monotonic() - start < 20  # not a minute
            while client._requests.running() or client._tokens.running():  # would hang for a minute
                await asyncio.sleep(0.01)
            assert time.monotonic() - start < 40

    asyncio.run(main())


def test_timeouts(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            await client.token()
            server.control("/faults", on="request", kind="hang", times=0)
            start = time.monotonic()
            with pytest.raises(nacos_auth.NacosTimeoutError):
                await client.get(CONFIG, timeout=0.3)
            assert 0.25 < time.monotonic() - start < 8
            with pytest.raises(nacos_auth.InvalidArgumentError):
                await client.get(CONFIG, timeout=0)

    asyncio.run(main())


def test_a_long_poll_has_the_time_it_asks_for(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server, request_timeout=1) as client:
            await client.token()
            server.control("/faults", on="request", kind="delay", delay_ms=2500, times=0)
            poll = {"Long-Pulling-Timeout": "20000"}
            assert (await client.get(CONFIG, params=DEMO, headers=poll)).status == 200
            for headers, timeout in [(poll, 0.3), ({}, None)]:
                with pytest.raises(nacos_auth.NacosTimeoutError):
                    await client.get(CONFIG, params=DEMO, headers=headers, timeout=timeout)

    asyncio.run(main())


def test_waiting_for_a_thread_counts(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nacos_auth._async_client, "_THREADS", 2)

    async def main() -> None:
        async with connect(server) as client:
            await client.token()
            server.control("/faults", on="request", kind="hang", times=0)
            busy = [asyncio.create_task(client.get(CONFIG, timeout=30)) for _ in range(2)]
            await asyncio.sleep(0.1)
            start = time.monotonic()
            with pytest.raises(nacos_auth.NacosTimeoutError, match="busy") as caught:
                await client.get(CONFIG, timeout=0.3)
            assert 0.25 < time.monotonic() - start < 8
            assert (caught.value.status, caught.value.code, caught.value.retryable) == ("TIMEOUT", 201, True)
            waiting = asyncio.create_task(client.get(CONFIG, timeout=30))
            await asyncio.sleep(0.1)
            for call in (waiting, *busy):
                call.cancel()
            assert {type(end) for end in await asyncio.gather(waiting, *busy, return_exceptions=True)} == {
                asyncio.CancelledError
            }

    asyncio.run(main())


def test_close_ends_calls(server: DevServer) -> None:
    async def main() -> None:
        client = connect(server)
        server.control("/faults", on="all", kind="hang", times=0)
        calls = [asyncio.create_task(client.get(CONFIG)) for _ in range(8)]
        await asyncio.sleep(0.2)
        await client.close()
        await client.close()
        ends = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)
        assert {type(end) for end in ends} == {nacos_auth.ClosedError}

    asyncio.run(main())


def test_one_client_in_two_loops(server: DevServer) -> None:
    client = connect(server)

    async def read() -> int:
        return (await client.get(CONFIG, params=DEMO)).status

    assert asyncio.run(read()) == 200
    assert asyncio.run(read()) == 200
    asyncio.run(client.close())
    assert server.counts()["logins"] == 1


def test_no_thread_stays_behind(server: DevServer, wait_until: Callable[..., None]) -> None:
    def threads() -> int:
        return len(os.listdir("/proc/self/task"))

    before = threads()

    async def main() -> None:
        async with connect(server) as client:
            await asyncio.gather(*(client.get(CONFIG, params=DEMO) for _ in range(20)))
            assert threads() > before + 2

    asyncio.run(main())
    wait_until(lambda: threads() <= before + 1)  # the library's own


def test_asyncio_is_imported_by_those_who_want_it() -> None:
    code = """
import sys, nacos_auth
assert "asyncio" not in sys.modules and "AsyncClient" in nacos_auth.__all__ and not hasattr(nacos_auth, "absent")
from nacos_auth import AsyncClient
assert AsyncClient is nacos_auth.AsyncClient
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
