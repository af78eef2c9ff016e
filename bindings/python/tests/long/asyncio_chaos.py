"""asyncio with random cancellations, time-outs, forks, signals and lost tokens, for as long as told.

    asyncio_chaos.py --minutes N [--seed S]

Run with freed memory overwritten (MALLOC_PERTURB_), which it sees to itself. Ends with status 0 if nothing crashed,
hung or was answered wrongly, and memory, threads and descriptors are in the end what they were after the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import faulthandler
import gc
import os
import random
import signal
import statistics
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "src")]

import nacos_auth  # noqa: E402
from devserver import REPOSITORY, DevServer  # noqa: E402
from nacos_auth import AsyncClient, Client, Event  # noqa: E402

CONFIG = "/v1/cs/configs"
DEMO: dict[str, str] = {"dataId": "demo", "group": "DEFAULT_GROUP"}
LARGE: dict[str, str] = {"dataId": "large", "group": "DEFAULT_GROUP"}
LARGE_SIZE = 300_000
ROUND = 4.0  # seconds of disorder, then a look at what the process takes
HANG = 120  # seconds without a new round
# How much more than after the warm-up the process may take at the end. Sixteen idle connections come and go.
MEMORY_SHARE, MEMORY_KIB, THREADS, FILES = 0.08, 6144, 2, 18


class LateError(Exception):
    """Raised by a handler of a signal."""


class Vitals(NamedTuple):
    rss_kib: float
    threads: float
    files: float


def vitals() -> Vitals:
    # Those of the loop's own executor come one by one, up to a bound of its own, and stay.
    executor = sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return Vitals(int(fields["VmRSS"].split()[0]), int(fields["Threads"]) - executor, len(os.listdir("/proc/self/fd")))


def median(samples: list[Vitals]) -> Vitals:
    return Vitals(*(statistics.median(column) for column in zip(*samples)))


class Chaos:
    def __init__(self, server: DevServer, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.events = 0
        self.stop = False
        self.sync = Client(server.address, "nacos", "nacos", request_timeout=10)
        self.clients = [self.make() for _ in range(3)]

    def make(self) -> AsyncClient:
        if self.random.random() < 0.5:
            return AsyncClient(self.server.address, "nacos", "nacos", request_timeout=10)
        return AsyncClient(self.server.address, "nacos", "nacos", request_timeout=10, on_event=self.told)

    def told(self, event: Event) -> None:
        self.events += 1

    async def ask(self, client: AsyncClient) -> str:
        """One call of some kind."""
        kind = self.random.randrange(6)
        if kind == 0:
            assert await client.token()
        elif kind == 1:
            assert (await client.token_info()).generation
        elif kind == 2:
            answer = await client.get(CONFIG, params=LARGE)
            assert answer.status != 200 or len(answer.content) == LARGE_SIZE
            assert self.random.random() < 0.5 or answer.headers["content-type"]
        elif kind == 3:
            await client.post(CONFIG, data={**DEMO, "content": "x" * self.random.randrange(100_000)})
        elif kind == 4:
            await client.get(CONFIG, params=DEMO, headers={"Long-Pulling-Timeout": 500})
        else:
            await client.get(CONFIG, params=DEMO, timeout=self.random.choice([0.001, 0.01, 1, None]))
        return "answered"

    async def call(self) -> None:
        client, chance = self.random.choice(self.clients), self.random.random()
        try:
            if chance < 0.5:
                self.counts[await asyncio.wait_for(self.ask(client), self.random.random() * 0.01)] += 1
            elif chance < 0.7:
                task = asyncio.ensure_future(self.ask(client))
                await asyncio.sleep(self.random.random() * 0.01)
                task.cancel()
                self.counts[await task] += 1
            else:
                self.counts[await self.ask(client)] += 1
        except asyncio.CancelledError:
            self.counts["cancelled"] += 1
        except asyncio.TimeoutError as error:
            self.counts["timed out here" if isinstance(error, nacos_auth.NacosError) else "timed out"] += 1
        except (nacos_auth.InvalidArgumentError, nacos_auth.InternalError):
            raise
        except nacos_auth.NacosError as error:
            self.counts[type(error).__name__] += 1

    async def caller(self) -> None:
        while not self.stop:
            await asyncio.gather(*(self.call() for _ in range(self.random.choice([1, 4, 16, 64]))))

    async def disturber(self) -> None:
        disturbances = [
            self.lose_tokens,
            self.restart,
            self.faults,
            self.replace_client,
            self.collect,
            self.fork,
            self.raise_in_a_call,
            self.signal_in_a_call,
        ]
        while not self.stop:
            await asyncio.sleep(self.random.random() * 0.1)
            disturb = self.random.choice(disturbances)
            await disturb()
            self.counts[disturb.__name__.replace("_", " ")] += 1

    async def lose_tokens(self) -> None:
        path = self.random.choice(["/secret", "/revoke"])
        await asyncio.to_thread(self.server.control, path)

    async def restart(self) -> None:
        if self.random.random() < 0.2:
            await asyncio.to_thread(self.server.control, "/restart", down_ms=50, warm_up_ms=100)

    async def faults(self) -> None:
        on, kind = self.random.choice(["login", "request"]), self.random.choice(["reset", "delay", "status"])
        more: dict[str, Any] = {"delay": {"delay_ms": 50}, "status": {"status": 503}}.get(kind, {})
        await asyncio.to_thread(self.server.control, "/faults", on=on, kind=kind, times=1, **more)

    async def replace_client(self) -> None:
        """Closed in the middle of calls, or cancelled while it closes, and sometimes only dropped."""
        place = self.random.randrange(len(self.clients))
        client, self.clients[place] = self.clients[place], self.make()
        how = self.random.randrange(3)
        if how == 0 and client._functions is None:
            return
        if how == 1:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(client.close(), self.random.random() * 0.002)
        await client.close()

    async def collect(self) -> None:
        gc.collect(self.random.randrange(3))

    @contextmanager
    def handler(self, action: Any) -> Iterator[None]:
        former = signal.signal(signal.SIGALRM, action)
        signal.setitimer(signal.ITIMER_REAL, max(1e-5, self.random.random() * 0.006))
        try:
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.signal(signal.SIGALRM, former)

    async def raise_in_a_call(self) -> None:
        """A call that blocks, on the main thread, whose handler of a signal raises."""

        def late(_: int, __: FrameType | None) -> None:
            raise LateError

        with suppress(LateError, nacos_auth.NacosError), self.handler(late):
            self.sync_call(self.sync)

    async def signal_in_a_call(self) -> None:
        """The same with a handler that calls itself, and returns."""

        def again(_: int, __: FrameType | None) -> None:
            with suppress(nacos_auth.NacosError):
                self.sync.token(timeout=1)
                self.sync.get(CONFIG, params=DEMO, timeout=1)

        with suppress(nacos_auth.NacosError), self.handler(again):
            self.sync_call(self.sync)

    def sync_call(self, client: Client) -> None:
        kind = self.random.randrange(4)
        if kind == 0:
            client.token_info(timeout=1)
        elif kind == 1:
            client.get(CONFIG, params=LARGE, timeout=1)
        elif kind == 2:
            client.post(CONFIG, data={**DEMO, "content": "y"}, timeout=1)
        else:
            with Client(self.server.address, "nacos", "nacos") as other:
                other.token(timeout=1)

    async def fork(self) -> None:
        if self.random.random() < 0.3:
            child = os.fork()
            if child == 0:
                self.live_in_a_child()
            status = os.waitstatus_to_exitcode(await asyncio.to_thread(lambda: os.waitpid(child, 0)[1]))
            assert status == 0, f"a child ended with {status}"

    def live_in_a_child(self) -> None:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # faulthandler's thread is the parent's, with its lock
            signal.alarm(HANG // 2)

            async def main() -> None:
                for client in self.clients[:2]:
                    with suppress(nacos_auth.NacosError):
                        assert await client.token()
                        await asyncio.gather(*(client.get(CONFIG, params=DEMO) for _ in range(4)))

            asyncio.events._set_running_loop(None)
            asyncio.run(main())
            with suppress(nacos_auth.NacosError):
                self.sync.get(CONFIG, params=DEMO)
            code = 0
        except BaseException:
            import traceback  # noqa: PLC0415

            traceback.print_exc()
        finally:
            os._exit(code)

    async def round(self) -> Vitals:
        self.stop = False
        tasks = [asyncio.ensure_future(self.caller()) for _ in range(4)]
        tasks.append(asyncio.ensure_future(self.disturber()))
        await asyncio.wait(tasks, timeout=ROUND, return_when=asyncio.FIRST_EXCEPTION)
        self.stop = True
        await asyncio.gather(*tasks)
        await asyncio.to_thread(self.server.clear_faults)
        # After this every client has to work.
        for client in self.clients:
            assert (await self.until_answered(client)) == LARGE_SIZE
        assert len(self.sync.get(CONFIG, params=LARGE).content) == LARGE_SIZE
        await asyncio.sleep(3.5)  # threads without work end, and connections that a burst has left are closed
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        return vitals()

    async def until_answered(self, client: AsyncClient) -> int:
        """A server that has just started, or paused logins after a fault, may take its time."""
        end = time.monotonic() + 30
        while True:
            with suppress(nacos_auth.NacosError):
                answer = await client.get(CONFIG, params=LARGE)
                if answer.status == 200:
                    return len(answer.content)
            assert time.monotonic() < end, "no answer, long after the last fault"
            client.retry()
            await asyncio.sleep(0.2)


async def run(minutes: float, seed: int) -> list[str]:
    with DevServer("--ttl", "30") as server:
        chaos = Chaos(server, seed)
        chaos.sync.post(CONFIG, data={**LARGE, "content": "z" * LARGE_SIZE}).raise_for_status()
        begin = time.monotonic()
        samples: list[Vitals] = []
        while time.monotonic() < begin + minutes * 60 or len(samples) < 3:
            faulthandler.dump_traceback_later(HANG, exit=True)
            samples.append(await chaos.round())
            if len(samples) < 10 or len(samples) % 10 == 0:
                print(f"{time.monotonic() - begin:6.0f} s  {samples[-1]}  {dict(chaos.counts)}", flush=True)
        faulthandler.cancel_dump_traceback_later()
        for client in chaos.clients:
            await client.close()
        chaos.sync.close()
        assert not nacos_auth._base._open
        assert not nacos_auth._base._unfinished
    share = max(1, len(samples) // 4)
    before, after = median(samples[share : 2 * share]), median(samples[-share:])
    print(f"after the warm-up {before}, at the end {after}; {chaos.events} events; {dict(chaos.counts)}")
    grown = {
        # AddressSanitizer keeps what has been freed.
        "memory": "ASAN_OPTIONS" not in os.environ and after.rss_kib > before.rss_kib * (1 + MEMORY_SHARE) + MEMORY_KIB,
        "threads": after.threads > before.threads + THREADS,
        "files": after.files > before.files + FILES,
    }
    assert chaos.counts["answered"] > 50
    assert chaos.counts["timed out"] > 10
    return [what for what, more in grown.items() if more]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    if "MALLOC_PERTURB_" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "MALLOC_PERTURB_": "165"})
    os.environ.setdefault("NACOS_AUTH_LIBRARY", str(REPOSITORY / "target" / "release" / "libnacos_auth.so"))
    faulthandler.enable()
    warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
    print(f"seed {arguments.seed}", flush=True)
    grown = asyncio.run(run(arguments.minutes, arguments.seed))
    print(f"grown: {', '.join(grown)}" if grown else "flat")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
