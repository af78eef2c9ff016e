"""Signals during a call on the main thread: their handlers run at once, and what they raise ends the call."""

from __future__ import annotations

import os
import signal
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
from nacos_auth import Client, _greenlets, _main_thread, _workers

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
def slow(server: DevServer) -> Iterator[Client]:
    """A client whose requests hang, with a token."""
    with Client(server.address, "nacos", "nacos", request_timeout=30) as client:
        client.token()
        server.control("/faults", on="request", kind="hang", times=0)
        yield client


@pytest.fixture
def handle() -> Iterator[Callable[..., object]]:
    """Sets the handler of a signal for one test."""
    former = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGALRM)}
    yield signal.signal
    for number, handler in former.items():
        signal.signal(number, handler)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_ctrl_c_ends_a_request(server: DevServer, slow: Client, wait_until: Callable[..., None]) -> None:
    before = descriptors()
    for _ in range(3):
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            with_ctrl_c(lambda: slow.get(CONFIG, params=DEMO))
        assert time.monotonic() - start < 20
    server.clear_faults()
    assert slow.get(CONFIG, params=DEMO).status == 200  # what has been cancelled is over
    assert signal.set_wakeup_fd(-1) == -1
    slow.close()
    wait_until(lambda: descriptors() <= before + 2)  # connections


def test_ctrl_c_ends_waiting_for_a_login(server: DevServer) -> None:
    server.control("/faults", on="login", kind="hang", times=0)
    with Client(server.address, "nacos", "nacos", request_timeout=30) as client:
        for call in (client.token, client.token_info, lambda: client.get(CONFIG)):
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                with_ctrl_c(call)
            assert time.monotonic() - start < 20


def test_a_handler_that_returns_runs_at_once_and_ends_nothing(
    server: DevServer, client: Client, handle: Callable[..., object]
) -> None:
    seen: list[float] = []

    def note(number: int, _: FrameType | None) -> None:
        seen.append(time.monotonic())

    client.token()
    for number in (signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, note)
        server.control("/faults", on="request", kind="delay", delay_ms=3000, times=1)
        timer = signal_after(0.2, number)
        assert client.get(CONFIG, params=DEMO).status == 200
        assert time.monotonic() - seen.pop() > 1  # not when the call was over
        timer.join()


def test_a_handler_that_raises_ends_the_call_with_that(slow: Client, handle: Callable[..., object]) -> None:
    """As that of SIGTERM which calls sys.exit, or the soft time limit of a worker."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(number)

    handle(signal.SIGTERM, leave)
    start = time.monotonic()
    timer = signal_after(0.2, signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        slow.get(CONFIG, params=DEMO)
    assert time.monotonic() - start < 20
    assert caught.value.code == signal.SIGTERM
    timer.join()


def test_a_handler_may_call(server: DevServer, client: Client, handle: Callable[..., object]) -> None:
    """Also in the middle of another call, and of one in a handler."""
    statuses: list[int] = []

    def call(number: int, _: FrameType | None) -> None:
        if number == signal.SIGUSR1:
            os.kill(os.getpid(), signal.SIGALRM)
        statuses.append(client.get(CONFIG, params=DEMO).status)

    handle(signal.SIGUSR1, call)
    handle(signal.SIGALRM, call)
    client.token()
    server.control("/faults", on="request", kind="delay", delay_ms=1000, times=1)
    timer = signal_after(0.2, signal.SIGUSR1)
    assert client.get(CONFIG, params=DEMO).status == 200
    timer.join()
    assert statuses == [200, 200]


def test_a_handler_may_call_though_as_much_is_under_way_as_may_be(
    server: DevServer, handle: Callable[..., object]
) -> None:
    with Client(server.address, "nacos", "nacos", max_operations=1) as client:
        client.token()
        statuses: list[int] = []
        handle(signal.SIGUSR1, lambda *_: statuses.append(client.get(CONFIG, params=DEMO).status))
        server.control("/faults", on="request", kind="delay", delay_ms=1000, times=1)
        timer = signal_after(0.2, signal.SIGUSR1)
        assert client.get(CONFIG, params=DEMO).status == 200
        timer.join()
        assert statuses == [200]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_handler_may_fork(server: DevServer, client: Client, handle: Callable[..., object]) -> None:
    """The parent gets the answer; the child is told that it does not, and may call."""
    children: list[int] = []
    handle(signal.SIGUSR1, lambda *_: children.append(os.fork()))
    client.token()
    server.control("/faults", on="request", kind="delay", delay_ms=1000, times=1)
    timer = signal_after(0.2, signal.SIGUSR1)
    try:
        status = client.get(CONFIG, params=DEMO).status
    except nacos_auth.InternalError as error:
        if children == [0]:
            os._exit(0 if "forked" in str(error) and client.get(CONFIG, params=DEMO).status == 200 else 2)
        raise
    if children == [0]:
        os._exit(3)
    timer.join()
    assert status == 200
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


def test_where_poll_has_been_replaced_a_thread_makes_the_call(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_main_thread, "_poll", None)  # as eventlet has it
    monkeypatch.setattr(_main_thread, "_spare", [])
    assert client.get(CONFIG, params=DEMO).status == 200


def test_a_handler_may_close(slow: Client, handle: Callable[..., object]) -> None:
    handle(signal.SIGUSR1, lambda *_: slow.close())
    timer = signal_after(0.2, signal.SIGUSR1)
    with pytest.raises(nacos_auth.ClosedError):
        slow.get(CONFIG, params=DEMO)
    timer.join()


def test_ctrl_c_ends_close_that_waits_for_a_function(server: DevServer, wait_until: Callable[..., None]) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(event: nacos_auth.Event) -> None:
        entered.set()
        leave.wait(60)

    client = Client(server.address, "nacos", "nacos", on_event=slow)
    client.token()
    assert entered.wait(60)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        with_ctrl_c(lambda: client.close(60))
    assert time.monotonic() - start < 20
    assert client not in nacos_auth._base._open.values()
    assert client.close(0.1) is False
    with pytest.raises(nacos_auth.ClosedError):
        client.token()
    leave.set()
    assert client.close() is True
    assert client not in nacos_auth._base._unfinished.values()


def test_ten_thousand_calls_leave_nothing_behind(server: DevServer, client: Client) -> None:
    def threads() -> int:
        return len(os.listdir("/proc/self/task"))

    client.get(CONFIG, params=DEMO)
    before = descriptors(), threads()
    for _ in range(10_000):
        client.get(CONFIG, params=DEMO)
    assert descriptors() <= before[0] + 1
    assert threads() <= before[1] + 1


def test_without_a_thread_the_call_is_made_all_the_same(
    server: DevServer, client: Client, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    def none(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    wait_until(lambda: _greenlets._threads.count == 0)
    monkeypatch.setattr(_workers, "start_thread", none)
    before = descriptors()
    for _ in range(5):
        assert client.get(CONFIG, params=DEMO).status == 200
    assert descriptors() <= before + 6  # a connection, those of the library's own thread
    start = time.monotonic()
    server.control("/faults", on="request", kind="delay", delay_ms=1000, times=0)
    with pytest.raises(KeyboardInterrupt):  # late
        with_ctrl_c(lambda: client.get(CONFIG, params=DEMO))
    assert time.monotonic() - start < 20


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
def test_in_a_forked_child(slow: Client) -> None:
    with pytest.raises(KeyboardInterrupt):
        with_ctrl_c(lambda: slow.get(CONFIG, params=DEMO))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal_after(0.2)
            slow.get(CONFIG, params=DEMO, timeout=20)
        except KeyboardInterrupt:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_interpreter_may_end_while_daemon_threads_wait(server: DevServer) -> None:
    """They are ended wherever they are then, which must not be in the middle of the native library."""
    server.control("/faults", on="request", kind="hang", times=0)
    code = """
import sys, threading, time, nacos_auth
client = nacos_auth.Client(sys.argv[1], "nacos", "nacos", on_event=lambda event: None)
client.token()
plain = nacos_auth.Client(sys.argv[1], "nacos", "nacos")
for each in (client, plain):
    for _ in range(4):
        threading.Thread(target=each.get, args=("/v1/cs/configs",), daemon=True).start()
time.sleep(0.5)
class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.3)
sys.late = Late()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code, server.address], env=environment, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr


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


class LateError(Exception):
    pass


def test_what_a_handler_ends_leaves_no_memory_behind(
    server: DevServer, client: Client, handle: Callable[..., object]
) -> None:
    """Answers of 2 MB, and a handler that raises somewhere in the middle of each."""

    def late(number: int, _: FrameType | None) -> None:
        raise LateError

    def resident() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6

    client.post(CONFIG, data={**DEMO, "content": "x" * 2_000_000}).raise_for_status()
    for _ in range(5):
        client.get(CONFIG, params=DEMO)
    handle(signal.SIGALRM, late)
    before, hits = resident(), 0
    for turn in range(400):
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.001 + turn % 50 * 0.0002)
                client.get(CONFIG, params=DEMO)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except LateError:
            hits += 1
    assert hits > 40
    assert "ASAN_OPTIONS" in os.environ or resident() - before < hits * 0.3  # which keeps what has been freed
    assert client.get(CONFIG, params=DEMO).status == 200


@pytest.mark.parametrize(
    "how",
    [
        "import atexit; atexit.register(call)",  # the first call of all
        "import threading; call()",
        "import _thread; done = _thread.allocate_lock(); done.acquire(); "
        "_thread.start_new_thread(lambda: (__import__('nacos_auth'), done.release()), ()); done.acquire(); call()",
        "import _thread; done = _thread.allocate_lock(); done.acquire(); "
        "_thread.start_new_thread(lambda: (call(), done.release()), ()); done.acquire()",
    ],
)
def test_the_first_call_may_come_from_anywhere(server: DevServer, how: str) -> None:
    code = f"""
import os, sys
def call(address=sys.argv[1], write=os.write):
    import nacos_auth
    client = nacos_auth.Client(address, "nacos", "nacos")
    write(1, b"%d" % client.get("/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP").status)
    client.close()
{how}
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, server.address],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "200", "")


def test_ctrl_c_where_another_thread_was_first_to_import_threading(server: DevServer) -> None:
    """Which makes that one threading.main_thread(), up to Python 3.12."""
    server.control("/faults", on="all", kind="hang", times=0)
    code = """
import _thread, sys
done = _thread.allocate_lock()
done.acquire()
_thread.start_new_thread(lambda: (__import__("nacos_auth"), done.release()), ())
done.acquire()
import nacos_auth, signal
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.5)
nacos_auth.Client(sys.argv[1], "nacos", "nacos", request_timeout=60).get("/v1/cs/configs")
"""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, server.address],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "KeyboardInterrupt" in done.stderr
    assert time.monotonic() - start < 20
