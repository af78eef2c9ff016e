"""Threads, forks, the end of the interpreter, and finding the library."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import Client

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
# Python 3.12 warns at every fork beside threads; that it works is what is tested here.
forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def test_many_threads_cost_one_login(server: DevServer, client: Client) -> None:
    server.control("/faults", on="login", kind="delay", delay_ms=200, times=0)
    with ThreadPoolExecutor(64) as threads:
        tokens = set(threads.map(lambda _: client.token(), range(64)))
    assert len(tokens) == 1
    assert server.counts()["logins"] == 1


def test_threads_over_rotations(server: DevServer, client: Client, wait_until: Callable[..., None]) -> None:
    stop = threading.Event()
    served = [0] * 8  # the generation each thread was last served with

    def read(thread: int) -> set[int]:
        seen = set()
        while not stop.is_set():
            assert client.token()
            answer = client.get(CONFIG, params=DEMO)
            served[thread] = answer.generation
            seen.add(answer.status)
        return seen

    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read, thread) for thread in range(8)]
        try:
            for _ in range(3):
                before = client.token_info().generation
                server.control("/secret")
                wait_until(lambda before=before: min(served) > before)
        finally:
            stop.set()
        assert {status for reader in readers for status in reader.result()} == {200}
    assert server.counts()["logins"] == 4


def test_other_threads_run_while_a_call_waits(server: DevServer, client: Client) -> None:
    client.token()
    server.control("/faults", on="request", kind="delay", delay_ms=500, times=1)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.get, CONFIG, params=DEMO)
        rounds = 0
        while not call.done():
            rounds += 1
            time.sleep(0.001)
        assert call.result().status == 200
    assert rounds > 50


def test_close_ends_calls_of_other_threads(server: DevServer, client: Client) -> None:
    server.control("/faults", on="all", kind="hang", times=0)
    inside = threading.Barrier(9)

    def call() -> type[BaseException] | None:
        inside.wait()
        try:
            client.token()
        except nacos_auth.NacosError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(call) for _ in range(8)]
        inside.wait()
        start = time.monotonic()
        client.close()
        assert {result.result(timeout=5) for result in calls} == {nacos_auth.ClosedError}
        assert time.monotonic() - start < 1


def test_close_races_with_cached_reads(server: DevServer) -> None:
    for _ in range(50):
        client = Client(server.address, "nacos", "nacos")
        token = client.token()
        started = threading.Barrier(5)

        def read(client: Client = client, token: str = token, started: threading.Barrier = started) -> bool:
            started.wait()
            while True:
                try:
                    assert client.token() == token
                except nacos_auth.ClosedError:
                    return True

        with ThreadPoolExecutor(4) as threads:
            readers = [threads.submit(read) for _ in range(4)]
            started.wait()
            client.close()
            assert all(reader.result(timeout=5) for reader in readers)


def test_dropped_client_is_freed(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    native = nacos_auth._library.library()
    freed = []
    free = native.nacos_auth_free
    client = Client(server.address, "nacos", "nacos")
    client.token()
    own = client._handle.pointer

    def count(pointer: ctypes.c_void_p) -> None:
        if pointer is own:
            freed.append(pointer)
        free(pointer)

    monkeypatch.setattr(native, "nacos_auth_free", count)
    client.close()
    client.close()
    assert freed == []  # another thread might be inside a call
    del client
    gc.collect()
    assert len(freed) == 1


def in_child(check: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if check() else 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@forks
def test_forked_child_goes_on_without_a_login(server: DevServer, client: Client) -> None:
    token = client.token()

    def check() -> bool:
        cache_is_empty = client._cached[0] is None
        return cache_is_empty and client.token() == token and client.get(CONFIG, params=DEMO).status == 200

    assert all(in_child(check) for _ in range(5))
    assert client.get(CONFIG, params=DEMO).status == 200
    assert server.counts()["logins"] == 1


@forks
def test_fork_before_the_first_use_and_in_the_middle_of_a_login(
    server: DevServer, client: Client, wait_until: Callable[..., None]
) -> None:
    assert in_child(lambda: client.get(CONFIG, params=DEMO).status == 200)
    server.control("/faults", on="login", kind="delay", delay_ms=300, times=1)
    with ThreadPoolExecutor(1) as threads:
        login = threads.submit(client.token)
        wait_until(lambda: client.stats().refresh_state == "in_flight")
        assert in_child(lambda: client.get(CONFIG, params=DEMO).status == 200)
        assert login.result(timeout=5)


def read_in_worker(address: str) -> int:
    with Client(address, "nacos", "nacos") as client:
        return client.get(CONFIG, params=DEMO).status


@forks
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(server: DevServer, client: Client, method: str) -> None:
    client.token()
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(read_in_worker, [server.address] * 4) == [200] * 4


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_interpreter_may_end_with_clients_open_and_a_call_in_progress(
    server: DevServer, start_server: Callable[..., DevServer]
) -> None:
    hanging = start_server()
    hanging.control("/faults", on="login", kind="hang", times=0)
    code = """
import sys, threading, time, nacos_auth
client = nacos_auth.Client(sys.argv[1], "nacos", "nacos")
client.token()
waiting = nacos_auth.Client(sys.argv[2], "nacos", "nacos")
threading.Thread(target=waiting.token, daemon=True).start()
while waiting.stats().refresh_state != "in_flight":
    time.sleep(0.001)
class Last:
    def __del__(self, client=client):
        client.token()
sys.last = Last()
"""
    done = run_python(code, server.address, hanging.address)
    assert (done.returncode, done.stderr) == (0, "")


def test_missing_library_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = run_python("import nacos_auth")  # importing loads nothing
    assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.setattr(nacos_auth._library, "_loaded", None)
    monkeypatch.setenv("NACOS_AUTH_LIBRARY", str(tmp_path / "absent.so"))
    with pytest.raises(nacos_auth.LibraryError, match=r"absent\.so.*NACOS_AUTH_LIBRARY") as caught:
        Client("127.0.0.1", "nacos", "nacos")
    assert caught.value.status == "LIBRARY"
    monkeypatch.delenv("NACOS_AUTH_LIBRARY")
    monkeypatch.setattr(nacos_auth._library, "_SONAME", "libnacos_auth_absent.so.1")
    monkeypatch.setattr(nacos_auth._library, "__file__", str(tmp_path / "_library.py"))
    with pytest.raises(nacos_auth.LibraryError, match=r"libnacos_auth\.so.*libnacos_auth_absent\.so\.1"):
        nacos_auth.library_version()


def test_library_of_another_abi_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nacos_auth._library, "_loaded", None)
    monkeypatch.setattr(nacos_auth._library, "ABI_VERSION", 2)
    with pytest.raises(nacos_auth.LibraryError, match="ABI 1, this package needs ABI 2"):
        nacos_auth.library_version()
    assert nacos_auth.__version__.count(".") == 2
