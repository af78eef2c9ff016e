"""Ctrl-C during a call."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import Client, _interrupt

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}


def signal_after(seconds: float, number: int = signal.SIGINT) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
    timer.start()
    return timer


def with_ctrl_c(call: Callable[[], object]) -> None:
    """A call, and Ctrl-C a moment after its beginning; on a busy machine it may come before."""
    timer = signal_after(0.2)
    try:
        call()
    finally:
        timer.join()


@pytest.fixture(autouse=True)
def hears_ctrl_c() -> Iterator[None]:
    """Whatever the tests were started by: a background job of a shell ignores SIGINT."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.fixture
def slow(server: DevServer) -> Client:
    """A client whose requests hang, with a token."""
    client = Client(server.address, "nacos", "nacos", request_timeout=30)
    client.token()
    server.control("/faults", on="request", kind="hang", times=0)
    return client


def test_ctrl_c_ends_a_request(server: DevServer, slow: Client, wait_until: Callable[..., None]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            with_ctrl_c(lambda: slow.get(CONFIG, params=DEMO))
        assert time.monotonic() - start < 20
    server.clear_faults()
    assert slow.get(CONFIG, params=DEMO).status == 200  # what has been cancelled is over
    assert signal.set_wakeup_fd(-1) == -1
    slow.close()
    wait_until(
        lambda: len(os.listdir("/proc/self/fd")) <= before + 4
    )  # one pipe, two connections; three pipes are gone


def test_ctrl_c_ends_waiting_for_a_login(server: DevServer) -> None:
    server.control("/faults", on="login", kind="hang", times=0)
    with Client(server.address, "nacos", "nacos", request_timeout=30) as client:
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            with_ctrl_c(client.token)
        assert time.monotonic() - start < 20


def test_other_signals_and_other_handlers_end_nothing(server: DevServer, client: Client) -> None:
    seen: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        seen.append(number)

    client.token()
    for number in (signal.SIGUSR1, signal.SIGINT):
        former = signal.signal(number, note)
        try:
            server.control("/faults", on="request", kind="delay", delay_ms=500, times=1)
            timer = signal_after(0.2, number)
            assert client.get(CONFIG, params=DEMO).status == 200
            timer.join()
        finally:
            signal.signal(number, former)
    assert seen == [signal.SIGUSR1, signal.SIGINT]


def test_the_wakeup_file_of_somebody_else_hears_of_the_signal(slow: Client) -> None:
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        reader.settimeout(60)
        signal.set_wakeup_fd(writer.fileno())
        try:
            with pytest.raises(KeyboardInterrupt):
                with_ctrl_c(lambda: slow.get(CONFIG, params=DEMO))
            assert reader.recv(16) == bytes([signal.SIGINT])
        finally:
            assert signal.set_wakeup_fd(-1) == writer.fileno()


def test_a_handler_may_call(server: DevServer, client: Client) -> None:
    statuses: list[int] = []
    former = signal.signal(signal.SIGUSR1, lambda *_: statuses.append(client.get(CONFIG, params=DEMO).status))
    try:
        client.token()
        server.control("/faults", on="request", kind="delay", delay_ms=300, times=1)
        timer = signal_after(0.1, signal.SIGUSR1)
        assert client.get(CONFIG, params=DEMO).status == 200
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert statuses == [200]
    assert signal.set_wakeup_fd(-1) == -1
    assert _interrupt._watcher is not None
    assert _interrupt._watcher.outer == -1  # it does not write to itself


def test_calls_of_other_threads_are_left_alone(server: DevServer, client: Client) -> None:
    client.token()
    server.control("/faults", on="request", kind="delay", delay_ms=4000, times=1)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.get, CONFIG, params=DEMO)
        with pytest.raises(KeyboardInterrupt):
            with_ctrl_c(lambda: time.sleep(60))
        assert not call.done()
        assert call.result().status == 200


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_its_own(slow: Client) -> None:
    with pytest.raises(KeyboardInterrupt):
        with_ctrl_c(lambda: slow.get(CONFIG, params=DEMO))
    slow.token_info()  # makes the next watcher
    assert _interrupt._watcher is not None
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert _interrupt._watcher is None
            signal_after(0.2)
            slow.get(CONFIG, params=DEMO, timeout=20)
        except KeyboardInterrupt:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_from_the_outside(server: DevServer) -> None:
    server.control("/faults", on="all", kind="hang", times=0)
    code = """
import sys, nacos_auth
print("calling", flush=True)
nacos_auth.Client(sys.argv[1], "nacos", "nacos").get("/v1/cs/configs")
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, server.address],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "calling\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
