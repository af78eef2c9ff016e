"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
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


def test_cached_token_takes_no_turn_of_the_loop(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            info = await client.token_info()
            coroutine = client.token()
            with pytest.raises(StopIteration) as done:
                coroutine.send(None)  # ends without ever waiting
            assert done.value.value == info.value
            server.control("/secret")
            assert client.report_rejected(info.generation, 403, "token expired!").advice is nacos_auth.Advice.REPLAY
            assert await client.token() != info.value

    asyncio.run(main())


async def until_there_is_room(client: AsyncClient) -> None:
    """What has been cancelled counts against `max_operations` until the library has said so, and was heard."""
    while True:
        try:
            await client.get(CONFIG, params=DEMO, timeout=0.2, wait=False)
        except nacos_auth.NacosTimeoutError:
            return
        except nacos_auth.WouldBlockError as error:
            if error.cause is not nacos_auth.Cause.TOO_MANY_OPERATIONS:
                return  # it would have waited for the login
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("on", ["login", "request"])
def test_cancelling_a_task_frees_it_at_once_and_ends_the_call(server: DevServer, on: str) -> None:
    async def main() -> None:
        async with connect(server, request_timeout=60, max_operations=1) as client:
            if on == "request":
                await client.token()
            server.control("/faults", on=on, kind="hang", times=0)
            call = asyncio.ensure_future(client.get(CONFIG, params=DEMO) if on == "request" else client.token())
            await asyncio.sleep(0.2)
            start = time.monotonic()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await until_there_is_room(client)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(CONFIG, params=DEMO), 0.2)
            await until_there_is_room(client)
            assert time.monotonic() - start < 20  # not a minute

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


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def test_use_after_close_starts_nothing(server: DevServer) -> None:
    async def main() -> None:
        client = connect(server)
        await client.get(CONFIG, params=DEMO)
        await client.close()
        before = threads()
        for call in (client.token, client.token_info, lambda: client.get(CONFIG), client.close):
            with suppress(nacos_auth.ClosedError):
                assert await call() is True
            assert threads() <= before

    asyncio.run(main())


def test_a_close_that_races_with_calls_leaves_no_thread(server: DevServer, wait_until: Callable[..., None]) -> None:
    async def main() -> None:
        for turn in range(20):
            client = connect(server)
            calls = [asyncio.ensure_future(client.get(CONFIG, params=DEMO)) for _ in range(10)]
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            await client.close()
            calls += [asyncio.ensure_future(client.get(CONFIG, params=DEMO)) for _ in range(3)]
            for end in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(end, (nacos_auth.Response, nacos_auth.ClosedError)), end

    before = threads()
    asyncio.run(main())
    wait_until(lambda: threads() <= before + 1, limit=20)


def test_long_polls_keep_nothing_waiting(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server, request_timeout=30) as client:
            await client.token()
            server.control("/faults", on="request", kind="delay", delay_ms=20000, times=64)
            poll = {"Long-Pulling-Timeout": 30000}
            polls = [asyncio.ensure_future(client.get(CONFIG, headers=poll)) for _ in range(64)]
            while server.counts()["requests"] < 64:
                await asyncio.sleep(0.01)
            server.clear_faults()
            start = time.monotonic()
            client.set_credentials("nacos", "nacos")
            assert await client.token(timeout=15)
            assert (await client.token_info(timeout=15)).generation
            assert (await client.get(CONFIG, params=DEMO, timeout=15)).status == 200
            assert time.monotonic() - start < 15
            for call in polls:
                call.cancel()
            await asyncio.gather(*polls, return_exceptions=True)

    asyncio.run(main())


def test_the_time_that_is_left_goes_down(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            first = await client.token_info()
            await asyncio.sleep(1.2)
            second = await client.token_info()
            assert first.value == second.value
            assert 1 <= first.remaining - second.remaining < 30

    asyncio.run(main())


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise LookupError"])
def test_calls_under_way_hold_up_no_exit(server: DevServer, end: str) -> None:
    server.control("/faults", on="request", kind="hang", times=0)
    code = f"""
import asyncio, sys, nacos_auth
async def main():
    client = nacos_auth.AsyncClient(sys.argv[1], "nacos", "nacos", request_timeout=600)
    await client.token()
    calls = [asyncio.ensure_future(client.get("/v1/cs/configs")) for _ in range(5)]
    await asyncio.sleep(0.3)
    {end or "pass"}
asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, server.address], env=environment, capture_output=True, timeout=60, check=False
    )
    assert time.monotonic() - start < 20
    assert done.returncode == {"": 0, "sys.exit(3)": 3}.get(end, 1), done.stderr


def test_one_client_in_two_loops(server: DevServer) -> None:
    client = connect(server)

    async def read() -> int:
        return (await client.get(CONFIG, params=DEMO)).status

    assert asyncio.run(read()) == 200
    assert asyncio.run(read()) == 200
    asyncio.run(client.close())
    assert server.counts()["logins"] == 1


def test_no_call_has_a_thread(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            await client.get(CONFIG, params=DEMO)
            before = threads()
            server.control("/faults", on="request", kind="delay", delay_ms=300, times=0)
            calls = [asyncio.ensure_future(client.get(CONFIG, params=DEMO)) for _ in range(50)]
            while server.counts()["requests"] < 50:
                assert threads() <= before
                await asyncio.sleep(0.01)
            await asyncio.gather(*calls)

    asyncio.run(main())


def test_asyncio_is_imported_by_those_who_want_it() -> None:
    code = """
import sys, nacos_auth
assert "asyncio" not in sys.modules and "AsyncClient" in nacos_auth.__all__ and not hasattr(nacos_auth, "absent")
from nacos_auth import AsyncClient
assert AsyncClient is nacos_auth.AsyncClient
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
