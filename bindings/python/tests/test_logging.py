"""What is logged without a setting, and that nothing comes of it: to memory, to locks, to the end of the program."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Client, _log, _workers

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
WaitUntil = Callable[..., None]
LOGGER = logging.getLogger("nacos_auth")


class Seen(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.action: Callable[[], object] = list

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.action()

    @property
    def texts(self) -> str:
        return "\n".join(record.getMessage() for record in self.records)


@pytest.fixture
def seen() -> Iterator[Seen]:
    handler, level = Seen(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    yield handler
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(level)


def test_a_client_logs_with_no_setting(server: DevServer, seen: Seen) -> None:
    with Client(server.address, "nacos", "nacos") as client:
        token = client.token()
        server.control("/secret")
        assert client.get(CONFIG, params=DEMO).replays == 1
    # With the end of the block all of it is there.
    assert {logging.DEBUG, logging.INFO, logging.WARNING} == {record.levelno for record in seen.records}
    assert {record.name for record in seen.records} == {"nacos_auth"}
    assert {record.threadName for record in seen.records} == {"nacos-auth-log"}
    assert {vars(record)["nacos_server"] for record in seen.records if record.levelno == logging.WARNING} == {
        server.address
    }
    assert token not in seen.texts
    assert "login" in seen.texts or "logging in" in seen.texts


def test_the_level_counts_that_the_logger_has_in_time(server: DevServer, seen: Seen) -> None:
    LOGGER.setLevel(logging.ERROR)
    with Client(server.address, "nacos", "nacos") as client:
        client.token()
        time.sleep(0.3)
        assert not seen.records
        LOGGER.setLevel(logging.WARNING)
        server.control("/secret")
        client.get(CONFIG, params=DEMO)
    assert {record.levelno for record in seen.records} == {logging.WARNING}


@pytest.mark.parametrize("how", ["level", "disabled", "manager"])
def test_where_nothing_is_logged_nothing_is_made(
    server: DevServer, seen: Seen, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "level":
        LOGGER.setLevel(logging.CRITICAL)
    elif how == "disabled":
        monkeypatch.setattr(LOGGER, "disabled", True)
    else:
        monkeypatch.setattr(LOGGER.manager, "disable", logging.CRITICAL)
    with Client(server.address, "nacos", "nacos") as client:
        assert not client._log_handle
        client.token()
    assert not seen.records


def test_a_logger_of_ones_own_is_the_only_one(server: DevServer, seen: Seen) -> None:
    own = logging.getLogger("of.my.own")
    handler = Seen()
    own.addHandler(handler)
    own.setLevel(logging.DEBUG)
    try:
        with Client(server.address, "nacos", "nacos", logger=own) as client:
            client.token()
    finally:
        own.removeHandler(handler)
    assert handler.records
    assert not seen.records


def test_clients_with_functions_log_too(server: DevServer, seen: Seen) -> None:
    events: list[nacos_auth.Event] = []
    with Client(server.address, "nacos", "nacos", on_event=events.append) as client:
        client.token()
    assert [record.getMessage() for record in seen.records] == [event.message for event in events]
    seen.records.clear()

    def fails() -> str:
        raise RuntimeError("of the user")

    with Client(server.address, credentials=fails) as client, suppress(nacos_auth.NoCredentialsError):
        client.token()
    (failure,) = [record for record in seen.records if record.exc_info]
    assert failure.getMessage() == "the credentials function failed"


def test_it_follows_the_credentials(server: DevServer, seen: Seen, wait_until: WaitUntil) -> None:
    with Client(server.address, "nacos", "wrong") as client:
        with pytest.raises(nacos_auth.BadCredentialsError):
            client.token()
        wait_until(lambda: "refused" in seen.texts)
        seen.records.clear()
        client.set_credentials("nacos", "nacos")
        token = client.token()
        wait_until(lambda: [record.levelno for record in seen.records] == [logging.DEBUG, logging.INFO])
        client.set_token(token)
        assert client.get(CONFIG, params=DEMO).status == 200
    with pytest.raises(nacos_auth.ClosedError):
        client.set_credentials("nacos", "nacos")
    assert server.counts()["logins"] == 1


def test_clients_that_share_a_login_tell_of_it_once(server: DevServer, seen: Seen) -> None:
    clients = [Client(server.address, "nacos", "nacos") for _ in range(5)]
    clients.append(Client(server.address, "nacos", "nacos", on_event=lambda _: None))
    for client in clients:
        client.token()
    server.control("/secret")
    assert clients[0].get(CONFIG, params=DEMO).status == 200
    for client in clients:
        client.close()
    levels = [record.levelno for record in seen.records]
    assert sorted(levels) == sorted([logging.DEBUG, logging.INFO, logging.WARNING, logging.DEBUG, logging.INFO])


def test_what_happens_again_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(_log, "_put_last", {})
    assert [_log.is_news("a", handle) for handle in (1, 2, 3, 1, 2)] == [True, False, False, True, False]
    assert _log.is_news("b", 2)
    now += 2
    assert [_log.is_news("a", handle) for handle in (3, 2, 1, 3)] == [True, False, False, True]
    for n in range(1000):
        assert _log.is_news(str(n), 1)
    assert len(_log._put_last) <= _log._MOST_REMEMBERED


def test_asyncio(server: DevServer, seen: Seen) -> None:
    async def main() -> None:
        async with AsyncClient(server.address, "nacos", "nacos") as client:
            await client.token()

    asyncio.run(main())
    assert [record.levelno for record in seen.records] == [logging.DEBUG, logging.INFO]


def test_closing_keeps_no_loop_from_running(server: DevServer, seen: Seen) -> None:
    """A handler may hand over to it, and wait."""
    passed: list[bool] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def hand_over() -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(10)
            passed.append(True)

        seen.action = hand_over
        client = AsyncClient(server.address, "nacos", "nacos")
        await client.token()
        start = time.monotonic()
        assert await client.close()
        assert time.monotonic() - start < 0.9
        while len(passed) < 2:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_client_goes_with_its_last_reference(
    start_server: Callable[..., DevServer], seen: Seen, wait_until: WaitUntil
) -> None:
    server = start_server("--ttl", "2")
    client = Client(server.address, "nacos", "nacos")
    client.token()
    wait_until(lambda: server.counts()["logins"] >= 2)  # it is renewed while it is there
    gone = weakref.ref(client)
    del client
    assert gone() is None  # without the garbage collector
    assert not nacos_auth._base._open
    before = server.counts()["logins"]
    time.sleep(3)
    assert server.counts()["logins"] == before


def test_collecting_a_client_waits_for_no_handler(server: DevServer, seen: Seen) -> None:
    """The garbage collector may run in the middle of a handler, which has its lock, and others of the program."""
    lock = threading.RLock()

    def take() -> None:
        with lock:
            pass

    seen.action = take
    with lock:
        for _ in range(5):
            client = Client(server.address, "nacos", "nacos", request_timeout=30)
            vars(seen)["cycle"] = cycle = [client]
            cycle.append(cycle)  # type: ignore[arg-type]
            client.token()
            del client, cycle, vars(seen)["cycle"]
            start = time.monotonic()
            gc.collect()
            assert time.monotonic() - start < 10  # not 30
        # Nor does closing wait for long.
        client = Client(server.address, "nacos", "nacos", request_timeout=30)
        client.token()
        start = time.monotonic()
        assert client.close(0)
        assert time.monotonic() - start < 10


def test_a_handler_may_use_clients_and_close_them(server: DevServer, seen: Seen, wait_until: WaitUntil) -> None:
    client = Client(server.address, "nacos", "nacos")
    done: list[object] = []

    def use() -> None:
        with suppress(nacos_auth.NacosError):
            done.append(client.token())
            done.append(client.close())

    seen.action = use
    with suppress(nacos_auth.ClosedError):  # if the handler was quicker
        client.token()
    wait_until(lambda: True in done)
    with pytest.raises(nacos_auth.ClosedError):
        client.token()


def test_a_slow_handler_holds_up_no_client(server: DevServer, seen: Seen) -> None:
    leave = threading.Event()
    seen.action = lambda: leave.wait(60)
    start = time.monotonic()
    try:
        with Client(server.address, "nacos", "nacos") as client:
            assert client.get(CONFIG, params=DEMO).status == 200
        assert time.monotonic() - start < 10  # of which close has waited for one second
    finally:
        leave.set()


def test_what_a_handler_raises_is_heard_of(
    server: DevServer, seen: Seen, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", heard.append)

    def fail() -> None:
        raise RuntimeError("of the user")

    seen.action = fail
    with Client(server.address, "nacos", "nacos") as client:
        assert client.get(CONFIG, params=DEMO).status == 200
    wait_until(lambda: len(heard) == 2)  # each record
    assert {each.exc_type for each in heard} == {RuntimeError}
    heard.clear()


@pytest.mark.parametrize("starts", ["at once", "not at all", "later"])
def test_no_record_is_left_behind(seen: Seen, monkeypatch: pytest.MonkeyPatch, starts: str) -> None:
    """Whenever the thread begins, and if the system has none to give."""

    class Threads(_workers.Workers):
        def start(self, job: _workers.Job[Any]) -> bool:
            if starts == "at once":
                job.run()
            elif starts == "later":
                jobs.append(job)
            return starts != "not at all"

    jobs: list[_workers.Job[Any]] = []
    monkeypatch.setattr(_log, "_threads", Threads(1))
    for _ in range(3):
        _log.put(logging.INFO, "text", {})
    assert len(jobs) == (1 if starts == "later" else 0)
    for job in jobs:
        job.run()
    assert len(seen.records) == (0 if starts == "not at all" else 3)
    monkeypatch.undo()
    LOGGER.setLevel(logging.DEBUG)
    _log.put(logging.INFO, "text", {})
    assert _log.flush(60)
    assert len(seen.records) == 4


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_logs_what_is_its_own(server: DevServer, seen: Seen) -> None:
    leave = threading.Event()
    with Client(server.address, "nacos", "nacos") as client:
        seen.action = lambda: leave.wait(60)  # forked in the middle of a record, and with another one waiting
        client.token()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                seen.action = list
                seen.records.clear()
                server.control("/secret")
                assert client.get(CONFIG, params=DEMO).status == 200
                client.close()
                assert [r.levelno for r in seen.records] == [logging.WARNING, logging.DEBUG, logging.INFO]
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        leave.set()


def run(server: DevServer, code: str) -> tuple[int, str, str]:
    settings = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_program_that_says_nothing_about_logging_prints_nothing(server: DevServer) -> None:
    code = """
import nacos_auth
client = nacos_auth.Client.from_env(password="wrong")
try: client.token()
except nacos_auth.BadCredentialsError: print("refused")
"""
    assert run(server, code) == (0, "refused\n", "")


HOW_IT_ENDS = {
    "no more": "",
    "exit": "sys.exit()",
    "closed": "client.close()",
    "deleted": "del client",
    "in a cycle": "cycle = [client]; cycle.append(cycle); del cycle, client",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT)",
}


@pytest.mark.parametrize("how", HOW_IT_ENDS)
def test_the_last_lines_of_a_program(server: DevServer, how: str) -> None:
    code = f"""
import logging, os, signal, sys, nacos_auth
signal.signal(signal.SIGINT, lambda *_: sys.exit())
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
client = nacos_auth.Client.from_env()
client.token()
{HOW_IT_ENDS[how]}
"""
    status, out, err = run(server, code)
    assert (status, err) == (0, "")
    assert out.startswith("token 1 from")


@pytest.mark.parametrize("threads", [0, 4])
def test_a_program_may_end_in_the_middle_of_it(start_server: Callable[..., DevServer], threads: int) -> None:
    """Tokens of a second, threads that go on with their calls, and records all the time: nothing of that shows."""
    server = start_server("--ttl", "1")
    code = f"""
import logging, random, sys, threading, time, nacos_auth
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
clients = [nacos_auth.Client.from_env(request_timeout=t) for t in (3, 4, 5)]

def work():
    while True:
        for client in clients:
            client.get("/v1/cs/configs", params={{"dataId": "a", "group": "b"}})

for client in clients:
    client.token()
for _ in range({threads}):
    threading.Thread(target=work, daemon=True).start()
time.sleep(random.random())
"""
    for _ in range(8):
        status, out, err = run(server, code)
        assert (status, err) == (0, "")
        assert "token" in out


@pytest.mark.parametrize("is_first", [False, True])
def test_atexit_handlers_may_use_the_client(server: DevServer, is_first: bool) -> None:
    """The one that was registered first is called last, after the end of the log."""
    code = f"""
import atexit, logging
if not {is_first}: import nacos_auth
atexit.register(lambda: last())
import nacos_auth
def last():
    print(client.get("/v1/cs/configs", params={{"dataId": "a", "group": "b"}}).status)
client = nacos_auth.Client.from_env()
"""
    assert run(server, code) == (0, "404\n", "")


@pytest.mark.parametrize(
    "patch",
    [
        "from gevent import monkey; monkey.patch_all()",
        "import nacos_auth, gevent.monkey as m; m.patch_all()",
        "import gevent",
    ],
)
def test_gevent(server: DevServer, patch: str) -> None:
    code = f"""
{patch}
import logging, sys, threading, nacos_auth
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
client = nacos_auth.Client.from_env()
thread = threading.Thread(target=client.token)
thread.start()
thread.join()
client.close()
print("closed")
"""
    done = run(server, code)
    assert (done[0], done[2]) == (0, "")
    assert sorted(line[:7] for line in done[1].splitlines()) == ["closed", "token 1"]


def test_eventlet_has_none_where_it_has_patched_threads(server: DevServer) -> None:
    code = """
import logging, sys, nacos_auth
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
with nacos_auth.Client.from_env() as client:
    client.token()
print("closed")
"""
    status, out, _ = run(server, "import eventlet; eventlet.monkey_patch()\n" + code)
    assert (status, out) == (0, "closed\n")
