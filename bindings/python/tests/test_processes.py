"""Threads, forks, the end of the interpreter, and finding the library."""

from __future__ import annotations

import gc
import http.client
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import Client
from nacos_auth._declarations import OwnedHandle

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
    assert rounds > 5  # a process that stands still turns once


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
        client.close()
        # By themselves they would end with a time-out.
        assert {result.result(timeout=60) for result in calls} == {nacos_auth.ClosedError}


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
            assert all(reader.result(timeout=60) for reader in readers)


def test_dropped_client_is_freed(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    freed = []
    client = Client(server.address, "nacos", "nacos")
    client.token()
    own = client._handle.value
    finalizer: property = OwnedHandle.__dict__["__del__"]

    def count(handle: OwnedHandle) -> None:
        if handle.value == own:
            freed.append(own)
        assert finalizer.fget is not None
        finalizer.fget(handle)

    monkeypatch.setattr(OwnedHandle, "__del__", count)
    client.close()
    client.close()
    assert freed == []  # another thread might be inside a call
    del client
    gc.collect()
    assert len(freed) == 1


LIMIT = 120  # seconds; whoever takes longer hangs


def in_child(check: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(LIMIT)  # kills it
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
        assert login.result(timeout=60)


@forks
def test_situation_39_fork_in_threads(server: DevServer, client: Client) -> None:
    """Eight threads fork while four others are in calls; parent and children go on with the one token."""
    client.token()
    stop = threading.Event()

    def read() -> set[int]:
        seen = set()
        while not stop.is_set():
            seen.add(client.get(CONFIG, params=DEMO).status)
        return seen

    def fork(_: int) -> bool:
        return in_child(lambda: bool(client.token()) and client.get(CONFIG, params=DEMO).status == 200)

    with ThreadPoolExecutor(4) as readers, ThreadPoolExecutor(8) as threads:
        reads = [readers.submit(read) for _ in range(4)]
        try:
            assert all(threads.map(fork, range(100)))
        finally:
            stop.set()
        assert {status for result in reads for status in result.result(timeout=LIMIT)} == {200}
    assert server.counts()["logins"] == 1


def read_in_worker(client: Client | str) -> None:
    """The whole of a worker: with a client of its own, or with the one it inherits."""
    if isinstance(client, str):
        client = Client(client, "nacos", "nacos")
    assert client.token()
    assert client.get(CONFIG, params=DEMO).status == 200


@forks
@pytest.mark.parametrize(
    ("method", "inherits"), [("fork", True), ("fork", False), ("spawn", False), ("forkserver", False)]
)
def test_situation_39_multiprocessing(server: DevServer, client: Client, method: str, inherits: bool) -> None:
    assert client.get(CONFIG, params=DEMO).status == 200
    context: Any = multiprocessing.get_context(method)
    given = client if inherits else server.address
    workers = [context.Process(target=read_in_worker, args=(given,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(LIMIT)
        hangs = worker.is_alive()
        worker.kill()
        worker.join()
        assert not hangs
        assert worker.exitcode == 0
    assert client.get(CONFIG, params=DEMO).status == 200
    assert server.counts()["logins"] == (1 if inherits else 1 + 4)


WSGI_APPLICATION = """
import os, nacos_auth
client = nacos_auth.Client.from_env()
def read():
    return client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"})
read()
def application(environ, start_response):
    answer = read()
    start_response(f"{answer.status} answered", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


def answer_at(host: str, port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=LIMIT)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_situation_39_gunicorn(server: DevServer, tmp_path: Path, worker: str) -> None:
    """Loaded before its workers are forked, some of them late: most end after 20 requests and get a successor."""
    (tmp_path / "web.py").write_text(WSGI_APPLICATION)
    settings = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        arguments = ["--preload", "--workers=4", "--threads=4", f"--worker-class={worker}"]
        # Gunicorn's gevent workers do not end when they are told to, whatever they serve: it kills them after a while.
        arguments.append("--graceful-timeout=3" if worker == "gevent" else "--max-requests=20")
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments, f"--bind=fd://{listener.fileno()}", "web:application"],
            cwd=tmp_path,
            env={**environment(), **settings, "HOME": str(tmp_path)},  # where it keeps a socket of its own
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )

        def ask(number: int) -> tuple[int, bytes]:
            try:
                return answer_at(host, port)
            except ConnectionError:  # Gunicorn 23 does so when a worker has had its requests, whatever it serves
                return ask(number)

        try:
            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(ask, range(200)))
            gunicorn.terminate()
            _, said = gunicorn.communicate(timeout=LIMIT)
        finally:
            gunicorn.kill()
            gunicorn.communicate()
    assert gunicorn.returncode == 0, said
    assert {status for status, _ in answers} == {200}, said
    if worker != "gevent":
        assert len({process for _, process in answers}) > 4
    errors = [line for line in said.splitlines() if "ERROR" in line and "was sent SIGKILL" not in line]
    assert not errors, said
    assert worker == "gevent" or "SIGKILL" not in said, said
    assert "Traceback" not in said, said
    assert server.counts()["logins"] == 1


@pytest.mark.parametrize(
    "worker",
    [
        "",
        "--enable-threads",
        "--threads=4",
        "--gevent=20",
        "--lazy-apps",
        "--threads=4 --lazy-apps",
        "--gevent=20 --lazy-apps",
        "--gevent=20 --py-call-uwsgi-fork-hooks",
    ],
)
def test_situation_39_uwsgi(server: DevServer, tmp_path: Path, wait_until: Callable[..., None], worker: str) -> None:
    """Which makes the interpreter itself, and without `enable-threads` runs none of Python's threads."""
    # The first one that is ready could answer all; those told to end while they load are just ended.
    loaded = 4 if "lazy" in worker else 1
    application = WSGI_APPLICATION
    if "fork-hooks" in worker:
        application = application.replace("from_env()", "from_env(on_event=lambda event: None)")
    answers, said = answers_of_uwsgi(
        server, tmp_path, application, worker, lambda: wait_until(lambda: server.counts()["requests"] >= loaded)
    )
    assert len(set(answers)) > 1
    counts = server.counts()
    assert counts["logins"] == loaded, (counts, said)


IN_THE_MASTER = """
import _thread, time, nacos_auth
from nacos_auth import _callbacks, _workers
here = {_thread.get_ident()}
entered = here.copy()
def told(function):
    def tell(*arguments):
        entered.add(_thread.get_ident())
        return function(*arguments)
    return tell
_callbacks._record = told(_callbacks._record)
def start(function, arguments):
    return _thread.start_new_thread(told(function), arguments)
_workers.start_thread = start
with nacos_auth.Client.from_env() as closed:
    closed.token()
client = nacos_auth.Client.from_env()
assert client.token()
assert client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}).status == 200
client.set_credentials("poor", "poor")
assert client.token()
time.sleep(0.2)  # in which others may run
others = len(entered - here)
def application(environ, start_response):
    client.token()
    start_response("200 answered", [("Content-Type", "text/plain")])
    return [str(others).encode()]
"""


@pytest.mark.parametrize("worker", ["", "--enable-threads", "--gevent=20"])
def test_no_other_thread_runs_python_where_uwsgi_is_about_to_fork(
    server: DevServer, tmp_path: Path, wait_until: Callable[..., None], worker: str
) -> None:
    """It forks without the interpreter's lock: if another thread has that, nobody ever gives it back in the child."""
    answers, _ = answers_of_uwsgi(
        server, tmp_path, IN_THE_MASTER, worker, lambda: wait_until(lambda: server.counts()["logins"] >= 2)
    )
    assert set(answers) == {b"0"}


def answers_of_uwsgi(
    server: DevServer, folder: Path, application: str, arguments: str, until_loaded: Callable[[], object]
) -> tuple[list[bytes], str]:
    """To 200 requests; and what it has printed."""
    uwsgi = Path(sys.executable).with_name("uwsgi")
    if not uwsgi.exists():
        pytest.skip("no uwsgi")
    (folder / "web.py").write_text(application)
    settings = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        host, port = listener.getsockname()
        always = ["--master", "--need-app", "--die-on-term", "--disable-logging", "--processes=4", "--listen=64"]
        with (folder / "said").open("w+") as output:
            process = subprocess.Popen(
                [uwsgi, *always, *arguments.split(), f"--http-socket=fd://{listener.fileno()}", "--wsgi-file=web.py"],
                cwd=folder,
                env={**environment(), **settings, "VIRTUAL_ENV": sys.prefix},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                until_loaded()
                with ThreadPoolExecutor(8) as threads:
                    answers = list(threads.map(lambda _: answer_at(host, port), range(200)))
                process.terminate()
                status = process.wait(LIMIT)
            finally:
                process.kill()
                process.wait()
        said = (folder / "said").read_text()
    assert {status for status, _ in answers} == {200}, said
    assert status == 0, said
    for sign in ("Traceback", "SIGSEGV", "DAMN", "died", "killed by"):
        assert sign not in said, said
    return [body for _, body in answers], said


FORK_OF_C = """
import asyncio, ctypes, os, sys, time, nacos_auth
address, CONFIG, DEMO = sys.argv[1], "/v1/cs/configs", {"dataId": "demo", "group": "DEFAULT_GROUP"}
client = nacos_auth.Client(address, "nacos", "nacos", request_timeout=10)
client.token()
assert client.get(CONFIG, params=DEMO).status == 200
def in_loop():
    async def main():
        async with nacos_auth.AsyncClient(address, "nacos", "nacos") as other:
            return (await other.get(CONFIG, params=DEMO)).status
    return asyncio.run(main())
in_loop()
former = client.token_info()
nacos_auth.Client(address, "poor", "poor").token()  # which leaves a thread without work behind
if ctypes.PyDLL(None).fork() == 0:
    code = 1
    try:
        start = time.monotonic()
%s
        code = 0 if time.monotonic() - start < 2 else 2
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        os._exit(code)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.parametrize(
    "does",
    [
        "assert all(client.get(CONFIG, params=DEMO).status == 200 for _ in range(20))",
        "client.set_credentials('poor', 'poor'); assert client.token_info().value != former.value",
        "assert in_loop() == 200",
        "assert client.close()",
        "time.sleep(former.remaining + 0.5); start = time.monotonic(); assert client.token() != former.value",
    ],
    ids=["requests", "login", "loop", "close", "token"],
)
def test_a_fork_that_python_does_not_hear_of(start_server: Callable[..., DevServer], does: str) -> None:
    """As uWSGI forks its workers."""
    process = start_python(FORK_OF_C % f"        {does}", start_server("--ttl", "4").address)
    assert end_of(process) == (0, "")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}


def start_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str], word: str = "") -> tuple[int, str]:
    """Exit status and standard error of a process that may end now; `word` goes to its standard input."""
    try:
        _, said = process.communicate(word, timeout=LIMIT)
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.parametrize(("end", "status"), [("", 0), ("os._exit(7)", 7), ("sys.exit(8)", 8)])
@pytest.mark.parametrize("call", ["token", "get"])
def test_situation_39_the_process_ends_in_a_call(
    server: DevServer,
    start_server: Callable[..., DevServer],
    wait_until: Callable[..., None],
    call: str,
    end: str,
    status: int,
) -> None:
    """With clients open, a daemon thread in a call to a server that hangs, and a last call from a finalizer."""
    hanging = start_server()
    hanging.control("/faults", on="login" if call == "token" else "request", kind="hang", times=0)
    code = f"""
import os, sys, threading, nacos_auth
client = nacos_auth.Client(sys.argv[1], "nacos", "nacos")
client.token()
waiting = nacos_auth.Client(sys.argv[2], "nacos", "nacos")
threading.Thread(target=lambda: waiting.{call}({"" if call == "token" else repr(CONFIG)}), daemon=True).start()
class Last:
    def __del__(self, client=client):
        client.token()
sys.last = Last()
sys.stdin.readline()
{end}
"""
    process = start_python(code, server.address, hanging.address)
    try:
        # A login is counted when it is answered: its connection shows it.
        wait_until(lambda: hanging.counts()["connections" if call == "token" else "requests"] == 1, limit=LIMIT)
    finally:
        ended = end_of(process, "now\n")
    assert ended == (status, "")


def test_missing_library_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert end_of(start_python("import nacos_auth")) == (0, "")  # importing loads nothing
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
