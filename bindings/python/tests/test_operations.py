"""Calls of AsyncClient, for which no thread waits: cancellations, closes, forks, loops of all kinds, thousands."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio
import uvloop

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, _operations, httpx_auth

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
POLL = {"Long-Pulling-Timeout": "600000"}
LONG = bool(os.environ.get("HOST_LONG"))
POLLS = 10_000 if LONG else 1_000
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

Main = Callable[[], Coroutine[Any, Any, None]]


def run_asyncio(main: Main) -> None:
    asyncio.run(main())


def run_uvloop(main: Main) -> None:
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


def run_trio(main: Main) -> None:
    trio.run(main)


every_loop = pytest.mark.parametrize("run", [run_asyncio, run_uvloop, run_trio])


def connect(server: DevServer, **settings: Any) -> AsyncClient:
    return AsyncClient(server.address, "nacos", "nacos", **settings)


async def status(client: AsyncClient, **settings: Any) -> int:
    return (await client.get(CONFIG, params=DEMO, **settings)).status


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def resident() -> float:
    """MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


async def until_ended(client: AsyncClient) -> None:
    """Until the library has said of every call of a client with max_operations=1 that it has ended."""
    while True:
        try:
            await client.get(CONFIG, params=DEMO, timeout=0.1, wait=False)
        except nacos_auth.WouldBlockError:
            await anyio.lowlevel.checkpoint()
        except nacos_auth.NacosTimeoutError:
            return


# Loops of all kinds, which come and go.


@every_loop
def test_calls(server: DevServer, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with connect(server) as client:
            token = await client.token()
            assert (await client.token_info()).value == token
            assert (await client.post(CONFIG, data={**DEMO, "content": "x"})).text == "true"
            answer = await client.get(CONFIG, params=DEMO)
            assert (answer.status, answer.text, answer.generation) == (200, "x", client.generation)
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(status, client)
            with pytest.raises(nacos_auth.InvalidArgumentError):
                await client.get("/..")
            assert (await nacos_auth.diagnose_async(server.address, "nacos", "nacos")).findings
        with pytest.raises(nacos_auth.ClosedError):
            await client.get(CONFIG)

    run(main)


@every_loop
def test_a_time_out_around_a_call_ends_it(server: DevServer, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with connect(server, request_timeout=60, max_operations=1) as client:
            await client.token()
            server.control("/faults", on="request", kind="hang", times=0)
            start = time.monotonic()
            for _ in range(3):
                with pytest.raises(TimeoutError), anyio.fail_after(0.1):
                    await client.get(CONFIG, params=DEMO)
                await until_ended(client)
            assert time.monotonic() - start < 20

    run(main)


@every_loop
def test_closing_ends_calls(server: DevServer, run: Callable[[Main], None]) -> None:
    ends: list[type[Exception]] = []

    async def call(client: AsyncClient) -> None:
        try:
            await client.get(CONFIG, params=DEMO, timeout=60)
        except nacos_auth.NacosError as error:
            ends.append(type(error))

    async def main() -> None:
        client = connect(server, on_event=lambda _: None)
        await client.token()
        server.control("/faults", on="request", kind="hang", times=0)
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(call, client)
                await anyio.sleep(0.2)
                assert await client.close()

    run(main)
    assert ends == [nacos_auth.ClosedError] * 20


@every_loop
def test_one_client_and_loops_that_come_and_go(server: DevServer, run: Callable[[Main], None]) -> None:
    client = connect(server)

    async def main() -> None:
        assert await status(client) == 200

    run(main)
    before = descriptors()
    for _ in range(100):
        run(main)
    gc.collect()
    assert descriptors() <= before + 2
    assert not list(_operations._loops.values())
    assert server.counts()["logins"] == 1
    run(client.close)  # type: ignore[arg-type]


def test_one_client_and_loops_in_threads(server: DevServer) -> None:
    client = connect(server)
    answers: list[int] = []

    async def main() -> None:
        for _ in range(5):
            answers.extend(await asyncio.gather(*(status(client) for _ in range(20))))

    async def on_trio() -> None:
        for _ in range(100):
            answers.append(await status(client))

    loops = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(6)]
    loops += [threading.Thread(target=trio.run, args=(on_trio,)) for _ in range(2)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join(60)
    assert answers == [200] * 800
    asyncio.run(client.close())


def test_trio_as_a_guest_of_asyncio(server: DevServer) -> None:
    """Both run in one thread: each call is told to the loop that it was made in."""

    async def main() -> None:
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def guest() -> int:
            return sum([await status(client) for _ in range(10)])

        async with connect(server) as client:
            loop = asyncio.get_running_loop()
            trio.lowlevel.start_guest_run(
                guest, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=ended.set_result
            )
            assert sum([await status(client) for _ in range(10)]) == 2000
            assert (await ended).unwrap() == 2000

    asyncio.run(main())


@every_loop
def test_httpx(server: DevServer, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with (
            connect(server) as client,
            httpx.AsyncClient(auth=httpx_auth.NacosAuth(client), base_url=f"http://{server.address}/nacos") as http,
        ):
            assert (await http.get(CONFIG, params=DEMO)).status_code == 200
            server.control("/secret")
            assert (await http.get(CONFIG, params=DEMO)).status_code == 200
        assert server.counts()["logins"] == 2

    run(main)


def test_without_a_loop(server: DevServer) -> None:
    client = connect(server)
    call = client.get(CONFIG)
    with pytest.raises(RuntimeError, match="no running event loop"):
        call.send(None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_loop_that_is_closed_with_calls_out(
    server: DevServer, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    client = connect(server, max_operations=8, request_timeout=60)
    server.control("/faults", on="request", kind="hang", times=0)

    async def begin() -> list[asyncio.Future[Any]]:
        await client.token()
        calls: list[asyncio.Future[Any]] = [asyncio.ensure_future(status(client)) for _ in range(8)]
        await asyncio.sleep(0.2)
        return calls

    before = descriptors()
    for _ in range(3):
        loop = new_loop()
        loop.set_exception_handler(lambda *_: None)
        calls = loop.run_until_complete(begin())
        gone = weakref.ref(calls[0])
        loop.close()
        del calls, loop
        gc.collect()
        assert gone() is None
        time.sleep(0.2)  # the library has heard of it
    server.clear_faults()
    assert asyncio.run(status(client)) == 200
    asyncio.run(client.close())
    assert descriptors() <= before + 12


def test_a_loop_that_is_never_closed(server: DevServer, wait_until: Callable[..., None]) -> None:
    client = connect(server)
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(status(client)) == 200
    (queue,) = [weakref.ref(known) for known in _operations._loops.values()]
    with pytest.warns(ResourceWarning):  # noqa: PT031
        del loop
        wait_until(lambda: gc.collect() >= 0 and queue() is None)
    asyncio.run(client.close())


# Bounds.


@every_loop
def test_more_than_max_operations(server: DevServer, run: Callable[[Main], None]) -> None:
    answers: list[int] = []

    async def read(client: AsyncClient) -> None:
        answers.append(await status(client))

    async def main() -> None:
        async with connect(server, max_operations=5) as client:
            await client.token()
            async with anyio.create_task_group() as tasks:
                for _ in range(200):
                    tasks.start_soon(read, client)
            assert answers == [200] * 200
            server.control("/faults", on="request", kind="hang", times=0)
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(status, client)
                await anyio.sleep(0.1)
                with pytest.raises(nacos_auth.WouldBlockError, match="max_operations") as refused:
                    await client.get(CONFIG, wait=False)
                assert refused.value.cause is nacos_auth.Cause.TOO_MANY_OPERATIONS
                start = time.monotonic()
                with pytest.raises(nacos_auth.NacosTimeoutError, match="max_operations") as late:
                    await client.get(CONFIG, timeout=0.4)
                assert 0.35 < time.monotonic() - start < 5
                assert (late.value.code, late.value.cause) == (201, nacos_auth.Cause.TOO_MANY_OPERATIONS)
                with pytest.raises(TimeoutError), anyio.fail_after(0.1):
                    await client.get(CONFIG)
                client.set_credentials("nacos", "nacos")  # a call for a token has no turn to wait for
                assert await client.token(timeout=15)
                tasks.cancel_scope.cancel()
            server.clear_faults()
            assert await status(client) == 200

    run(main)


def test_closed_while_calls_wait_for_their_turn(server: DevServer) -> None:
    async def main() -> None:
        client = connect(server, max_operations=2)
        await client.token()
        server.control("/faults", on="request", kind="hang", times=0)
        calls = [asyncio.ensure_future(status(client)) for _ in range(10)]
        await asyncio.sleep(0.1)
        await client.close()
        ends = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
        assert {type(end) for end in ends} == {nacos_auth.ClosedError}

    asyncio.run(main())


def test_no_descriptor_is_left(server: DevServer) -> None:
    async def main() -> None:
        client = connect(server)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() - 1, limits[1]))
        try:
            with pytest.raises(nacos_auth.InternalError, match="descriptors") as caught:
                await status(client)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert caught.value.cause is nacos_auth.Cause.NO_DESCRIPTORS
        assert await status(client) == 200
        await client.close()

    asyncio.run(main())


# Cancellations and answers that come all the same.


def test_cancelled_at_every_moment(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            await client.token()
            counts = {"answered": 0, "cancelled": 0}
            for turn in range(300):
                tasks = [asyncio.ensure_future(status(client)) for _ in range(10)]
                for _ in range(turn % 12):
                    await asyncio.sleep(0)
                await asyncio.sleep(turn % 30 / 10_000)
                for task in tasks[::2]:
                    task.cancel()
                for end in await asyncio.gather(*tasks, return_exceptions=True):
                    assert end == 200 or isinstance(end, asyncio.CancelledError), end
                    counts["answered" if end == 200 else "cancelled"] += 1
            assert min(counts.values()) > 100, counts
            assert await status(client) == 200

    asyncio.run(main())


def test_a_cancellation_beside_the_answer(server: DevServer) -> None:
    """In the same turn of the loop: it is a cancellation, and the answer is freed."""

    async def main() -> None:
        async with connect(server) as client:
            await client.token()
            task = asyncio.ensure_future(status(client))
            wake = _operations._AsyncioLoop.wake

            def and_cancel(self: Any, waiter: Any, value: object) -> None:
                wake(self, waiter, value)
                task.cancel()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_operations._AsyncioLoop, "wake", and_cancel)
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await status(client) == 200

    asyncio.run(main())


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="it keeps what has been freed")
def test_ten_thousand_calls_and_half_of_them_cancelled(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            await client.post(CONFIG, data={**DEMO, "content": "x" * 10_000})
            before, files = 0.0, 0
            for turn in range(100):
                tasks = [asyncio.ensure_future(status(client)) for _ in range(100)]
                await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if turn == 30:
                    before, files = resident(), descriptors()
            assert resident() - before < 10
            assert descriptors() <= files + 20

    asyncio.run(main())


def test_closed_with_cancelled_calls_at_every_moment(server: DevServer) -> None:
    async def main() -> None:
        for turn in range(60):
            client = connect(server)
            tasks = [asyncio.ensure_future(status(client)) for _ in range(8)]
            await asyncio.sleep(turn / 5_000)
            for task in tasks[::2]:
                task.cancel()
            await client.close()
            for end in await asyncio.gather(*tasks, return_exceptions=True):
                assert end == 200 or isinstance(end, (asyncio.CancelledError, nacos_auth.ClosedError)), end

    asyncio.run(main())


def test_closed_beside_functions_that_take_their_time(server: DevServer) -> None:
    """Nothing that starts or ends a call waits, with the interpreter in its hands, for a thread that wants it."""

    def credentials() -> tuple[str, str]:
        time.sleep(0.05)
        return "nacos", "nacos"

    async def until_closed(client: AsyncClient) -> None:
        with pytest.raises(nacos_auth.ClosedError):  # noqa: PT012
            while True:
                await client.get(CONFIG, timeout=20)

    async def main() -> None:
        for turn in range(8):
            client = AsyncClient(server.address, credentials=credentials, on_event=lambda _: time.sleep(0.02))
            calls = [asyncio.ensure_future(until_closed(client)) for _ in range(20)]
            await asyncio.sleep(turn / 50)
            server.control("/secret")
            closing = threading.Thread(target=client._close, args=(5,))
            closing.start()
            while closing.is_alive():
                await asyncio.sleep(0.001)
            await asyncio.gather(*calls)

    asyncio.run(main())


# Forks and ends.


@forks
def test_fork_with_calls_out(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server) as client:
            await client.token()
            server.control("/faults", on="request", kind="delay", delay_ms=700, times=10)
            calls = [asyncio.ensure_future(status(client)) for _ in range(10)]
            while server.counts()["requests"] < 10:
                await asyncio.sleep(0.01)
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = 0 if asyncio.run(asyncio.wait_for(status(client), 30)) == 200 else 2
                    del calls
                    gc.collect()
                    code = code or (0 if asyncio.run(status(client)) == 200 else 3)
                finally:
                    os._exit(code)
            assert await asyncio.gather(*calls) == [200] * 10
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert await status(client) == 200

    asyncio.run(main())


@forks
def test_fork_between_loops(server: DevServer) -> None:
    client = connect(server)
    assert asyncio.run(status(client)) == 200
    for _ in range(5):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if asyncio.run(status(client)) == 200 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert asyncio.run(status(client)) == 200
    asyncio.run(client.close())
    assert server.counts()["logins"] == 1


ENDS = {
    "a loop that is left open": """
loop = asyncio.new_event_loop()
loop.run_until_complete(begin())
""",
    "a loop that is closed": """
loop = asyncio.new_event_loop()
loop.run_until_complete(begin())
loop.close()
""",
    "a loop in a daemon thread": """
import threading, time
async def for_ever():
    await begin()
    begun.set()
    await asyncio.sleep(600)
begun = threading.Event()
threading.Thread(target=asyncio.run, args=(for_ever(),), daemon=True).start()
begun.wait()
""",
    "uvloop": """
import uvloop
loop = uvloop.new_event_loop()
loop.run_until_complete(begin())
""",
    "trio": """
import trio
async def main():
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(client.get, "/v1/cs/configs")
        await trio.sleep(0.2)
        raise SystemExit
try:
    trio.run(main)
except BaseException:
    pass
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_the_interpreter_with_calls_out(server: DevServer, end: str) -> None:
    server.control("/faults", on="request", kind="hang", times=0)
    code = f"""
import asyncio, sys, nacos_auth
client = nacos_auth.AsyncClient(sys.argv[1], "nacos", "nacos", request_timeout=600)
async def begin():
    global calls
    await client.token()
    calls = [asyncio.ensure_future(client.get("/v1/cs/configs")) for _ in range(20)]
    await asyncio.sleep(0.2)
{ENDS[end]}
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1]), "MALLOC_PERTURB_": "165"}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, server.address], env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start < 20


# Thousands.


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """For this process and the servers that it starts."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = POLLS + 1000
    if limits[1] != resource.RLIM_INFINITY and limits[1] < wanted:
        pytest.skip(f"this process may have {limits[1]} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], wanted), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("run", [run_asyncio, run_uvloop])
def test_thousands_of_long_polls(start_server: Callable[..., DevServer], run: Callable[[Main], None]) -> None:
    server = start_server()

    async def main() -> None:
        async with connect(server, max_connections=POLLS + 100, request_timeout=30) as client:
            await client.post(CONFIG, data={**DEMO, "content": "x"})
            files, tasks, memory = descriptors(), threads(), resident()
            server.control("/faults", on="request", kind="hang", times=POLLS)
            polls = [asyncio.ensure_future(client.get(CONFIG, headers=POLL)) for _ in range(POLLS)]
            while server.counts()["requests"] < POLLS:
                await asyncio.sleep(0.1)
            assert threads() <= tasks + 1
            assert descriptors() <= files + POLLS + 20
            assert "ASAN_OPTIONS" in os.environ or resident() - memory < POLLS * 40 / 1000 + 20
            for _ in range(50):  # beside them
                assert await status(client, timeout=15) == 200
            start = time.monotonic()
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)
            assert time.monotonic() - start < 10
            assert await status(client, timeout=15) == 200

            requests = server.counts()["requests"]
            server.control("/faults", on="request", kind="hang", times=POLLS)
            polls = [asyncio.ensure_future(client.get(CONFIG, headers=POLL)) for _ in range(POLLS)]
            while server.counts()["requests"] < requests + POLLS:
                await asyncio.sleep(0.1)
            closing, longest, last = asyncio.ensure_future(client.close()), 0.0, time.monotonic()
            while not closing.done():
                await asyncio.sleep(0)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            assert await closing
            ends = await asyncio.gather(*polls, return_exceptions=True)
            assert {type(end) for end in ends} == {nacos_auth.ClosedError}
            assert longest < 2

    run(main)


def test_long_polls_that_wait_for_a_connection_keep_no_token_waiting(server: DevServer) -> None:
    async def main() -> None:
        async with connect(server, max_connections=4, request_timeout=60) as client:
            await client.token()
            server.control("/faults", on="request", kind="hang", times=0)
            polls = [asyncio.ensure_future(client.get(CONFIG, headers=POLL)) for _ in range(500)]
            while server.counts()["requests"] < 4:
                await asyncio.sleep(0.01)
            start = time.monotonic()
            for _ in range(3):
                client.set_credentials("nacos", "nacos")
                assert await client.token(timeout=15)
            assert time.monotonic() - start < 10
            with pytest.raises(nacos_auth.NacosTimeoutError) as caught:
                await client.get(CONFIG, timeout=0.2)
            assert caught.value.cause is nacos_auth.Cause.POOL_TIMEOUT
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)

    asyncio.run(main())


@every_loop
@pytest.mark.parametrize("runs", [False, True])
def test_a_client_with_functions_is_closed_though_its_task_is_cancelled(
    server: DevServer, run: Callable[[Main], None], wait_until: Callable[..., None], runs: bool
) -> None:
    """In trio, and anyio on any loop, nothing can be waited for at the end of a scope that is cancelled."""
    entered, leave = threading.Event(), threading.Event()
    clients: list[AsyncClient] = []

    def note(_: nacos_auth.Event) -> None:
        if runs:
            entered.set()
            leave.wait(60)

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with connect(server, on_event=note) as client:
                clients.append(client)
                await client.token()
                while runs and not entered.is_set():
                    await anyio.sleep(0.01)
                scope.cancel()
        assert scope.cancelled_caught
        assert not nacos_auth._base._open
        with pytest.raises(nacos_auth.ClosedError):
            await client.token()
        start = time.monotonic()
        with anyio.move_on_after(0.1):  # while it waits for the function
            await client.close()
        assert time.monotonic() - start < 5

    try:
        run(main)
    finally:
        leave.set()
    gone = weakref.ref(clients.pop())

    def is_gone() -> bool:  # with the next one that is closed
        nacos_auth.Client(server.address, "nacos", "nacos", on_event=print).close()
        gc.collect()
        return gone() is None

    wait_until(is_gone)


def test_a_close_that_is_cancelled_at_once_has_closed(server: DevServer) -> None:
    async def main() -> None:
        for _ in range(20):
            client = connect(server, on_event=print)
            closing = asyncio.ensure_future(client.close())
            await asyncio.sleep(0)
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)
            with pytest.raises(nacos_auth.ClosedError):
                await client.token()
        assert not nacos_auth._base._open

    asyncio.run(main())
