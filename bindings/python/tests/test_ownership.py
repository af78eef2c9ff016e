"""What is raised in the middle of a call loses no native object, and frees none twice: at every instruction."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import c_void_p
from dis import opname
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Client, _main_thread
from nacos_auth._declarations import FUNCTIONS, Completion, Owned
from nacos_auth._library import library

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
NOBODY = "127.0.0.1:1"
PACKAGE = str(Path(nacos_auth.__file__).parent)


HANDLING = {"PUSH_EXC_INFO", "POP_EXCEPT", "COPY", "RERAISE"}


class ThrownError(BaseException):
    """As a handler of a signal might raise it."""


def addresses(made: object) -> list[int]:
    """Of the native objects in what a function has filled in."""
    if isinstance(made, Owned):
        return [made.value] if made.value else []
    if not isinstance(made, Completion):
        return []
    # Not by its fields: each reading of one makes another owner.
    found = [c_void_p.from_buffer(made, getattr(Completion, name).offset) for name in ("response", "token", "error")]
    return [place.value for place in found if place.value]


class Ledger:
    """Every native object that comes into being, and its end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.living: dict[int, str] = {}
        self.ended: set[int] = set()
        self.faults: list[str] = []
        self.made = 0
        self._lock = threading.Lock()
        native = library()
        for kind in Owned.__subclasses__():
            monkeypatch.setattr(kind, "__del__", property(self._counted(kind.__dict__["__del__"].fget, kind.free)))
        for name, (_, arguments) in FUNCTIONS.items():
            function = getattr(native, name)
            if name == "nacos_cancel_new" or any("LP_c_void_p" in str(argument) for argument in arguments):
                monkeypatch.setattr(native, name, self._noted(function, name))

    def _noted(self, function: Any, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            for made in [result, *(getattr(argument, "_obj", None) for argument in arguments)]:
                for address in addresses(made):
                    with self._lock:
                        self.made += 1
                        self.living[address] = name
                        self.ended.discard(address)
            return result

        return call

    def _counted(self, finalizer: Any, name: str) -> Callable[[Owned], Any]:
        def free(owned: Owned) -> Any:
            if owned.value:
                with self._lock:
                    if owned.value in self.ended:
                        self.faults.append(f"{name} of what has been freed")
                    if self.living.pop(owned.value, None) is not None:
                        self.ended.add(owned.value)
            return finalizer(owned)

        return free


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    gc.collect()
    return Ledger(monkeypatch)


@contextlib.contextmanager
def thrown_at(number: int, but_not_in: frozenset[str] = frozenset()) -> Iterator[list[str]]:
    """Raises at the n-th instruction of the package on this thread. The list tells where, if it came to that."""
    left, where = number, list[str]()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_name in but_not_in:
            return None
        frame.f_trace_opcodes = True
        # While it handles an exception, some versions of Python lose that when a trace function raises.
        if event == "opcode" and opname[code.co_code[frame.f_lasti]] not in HANDLING:
            left -= 1
            if left == 0:
                sys.settrace(None)
                where.append(f"{os.path.basename(code.co_filename)}:{frame.f_lineno}")
                raise ThrownError
        return trace

    sys.settrace(trace)
    try:
        yield where
    finally:
        sys.settrace(None)


def throw_everywhere(act: Callable[[], object], check: Callable[[], object], step: int = 1) -> int:
    """Until it has come to its end without; how often that took."""
    number = step
    while True:
        try:
            with thrown_at(number) as where, contextlib.suppress(nacos_auth.NacosError):
                act()
        except ThrownError:
            pass
        if not where:
            return number
        check()
        number += step


def on_a_thread(function: Callable[[], int]) -> int:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(300)
    assert results
    return results[0]


ACTS: dict[str, Callable[[Client, str], object]] = {
    "get": lambda client, _: client.get(CONFIG, params=DEMO, headers={"A": "b"}).headers["content-type"],
    "post": lambda client, _: client.post(CONFIG, data={**DEMO, "content": 1}, timeout=5),
    "token_info": lambda client, _: client.token_info(),
    "a refusal": lambda client, _: client.get("/..", params=DEMO),
    "set_token": lambda client, _: client.set_token("", 5),
    "report_rejected": lambda client, _: client.report_rejected(5, 1000, b""),
    "stats": lambda client, _: client.stats(),
    "health": lambda client, _: client.health(),
    "metrics": lambda client, _: client.metrics(),
    "client": lambda _, address: Client(address, "nacos", "nacos").close(),
    "wrong client": lambda _, address: Client(address, "nacos"),
    "diagnose": lambda _, __: nacos_auth.diagnose(NOBODY, "nacos", "nacos", path=CONFIG),
    "a refused diagnosis": lambda _, __: nacos_auth.diagnose(NOBODY, "nacos"),
    "functions": lambda _, address: Client(address, "nacos", "nacos", on_event=print).close(),
}


@pytest.mark.parametrize("on_main", [True, False])
@pytest.mark.parametrize("act", ACTS)
def test_thrown_at_every_instruction(
    server: DevServer, ledger: Ledger, act: str, on_main: bool, wait_until: Callable[..., None]
) -> None:
    with Client(server.address, "nacos", "nacos") as client:
        client.token()
        before = len(ledger.living)
        most = 0

        def check() -> None:
            nonlocal most
            for lost in list(nacos_auth._base._open.values()):  # made, and lost before anybody had it
                lost._close(None)
            most = max(most, len(ledger.living))

        def run() -> int:
            return throw_everywhere(lambda: ACTS[act](client, server.address), check)

        times = run() if on_main else on_a_thread(run)
        if times == 1 and sys.version_info[:2] == (3, 12):
            pytest.skip("the first versions of Python 3.12 forget at times to call a trace function")
        assert times > 20
        assert client.get(CONFIG, params=DEMO).status == 200
        _main_thread._spare.clear()  # kept for the next call
        wait_until(lambda: gc.collect() >= 0 and len(ledger.living) <= before, limit=20)
    assert ledger.faults == []
    assert ledger.made > 0 or act in {"stats", "health"}
    assert most < before + 60  # little waited for the garbage collector


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")  # thrown at its beginning
@pytest.mark.parametrize("act", ["get", "token", "diagnose"])
def test_thrown_at_every_instruction_of_a_task(
    server: DevServer, ledger: Ledger, act: str, wait_until: Callable[..., None]
) -> None:
    # Called by a thread's end: nobody is left to do it again.
    elsewhere = frozenset({"wake"} if act == "diagnose" else ())

    async def main() -> None:
        # Else the log has what was thrown into what the loop calls, and with it what that refers to.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with AsyncClient(server.address, "nacos", "nacos") as client:
            await client.token()
            number = 0
            while True:
                number += 1
                if act == "token":
                    client.set_credentials("nacos", "nacos")
                    client._forget()
                thrown: list[str] = []
                try:
                    with thrown_at(number, elsewhere) as thrown, contextlib.suppress(nacos_auth.NacosError):
                        if act == "get":
                            await client.get(CONFIG, params=DEMO)
                        elif act == "diagnose":
                            await nacos_auth.diagnose_async(NOBODY, "nacos", "nacos", path=CONFIG)
                        else:
                            await client.token_info()
                except ThrownError:
                    pass
                if not thrown:
                    break
            assert number > 100
            assert (await client.get(CONFIG, params=DEMO)).status == 200

    asyncio.run(main())
    wait_until(lambda: gc.collect() >= 0 and not ledger.living, limit=20)
    assert ledger.faults == []


def resident() -> float:
    """MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def test_thrown_into_a_thread_in_a_call(server: DevServer) -> None:
    """By PyThreadState_SetAsyncExc, as some programs end their threads."""
    import ctypes  # noqa: PLC0415

    class ShotError(Exception):
        pass

    with Client(server.address, "nacos", "nacos") as client:
        client.post(CONFIG, data={**DEMO, "content": "x" * 2_000_000})

        def read() -> None:
            with contextlib.suppress(ShotError):
                while True:
                    client.get(CONFIG, params=DEMO)

        before = 0.0

        for turn in range(80):
            thread = threading.Thread(target=read)
            thread.start()
            time.sleep(0.01 + turn * 0.0002)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(ShotError))
            thread.join(60)
            assert not thread.is_alive()
            before = before if turn > 5 else resident()
        assert client.get(CONFIG, params=DEMO).status == 200
        assert "ASAN_OPTIONS" in os.environ or resident() - before < 45  # which keeps what has been freed
