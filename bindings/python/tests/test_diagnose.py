"""Why does a server refuse?"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_interrupt import with_ctrl_c

import nacos_auth
from devserver import DevServer
from nacos_auth import Cause, Client, Diagnosis, Severity, _callbacks, _greenlets

PATH = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"
SECRET = "correct-horse-battery-staple"


def causes(diagnosis: Diagnosis, least: Severity = Severity.WARNING) -> set[str]:
    return {str(finding.cause) for finding in diagnosis.findings if finding.severity >= least}


def expired_token() -> str:
    parts = {"alg": "HS256"}, {"sub": "nacos", "exp": 1_700_000_000}
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "A" * 43]
    )


@pytest.fixture(params=["diagnose", "diagnose_async"])
def diagnose(request: pytest.FixtureRequest) -> Callable[..., Diagnosis]:
    if request.param == "diagnose":
        return nacos_auth.diagnose
    return lambda *arguments, **settings: asyncio.run(nacos_auth.diagnose_async(*arguments, **settings))


def test_all_is_well(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    diagnosis = diagnose(server.address, "nacos", "nacos", path=PATH)
    assert diagnosis.severity <= Severity.INFORMATION
    assert diagnosis.findings[0].server == server.address
    last = diagnosis.findings[-1]
    assert (last.severity, last.cause, last.server) == (Severity.OK, Cause.HEALTHY, None)
    assert "all is well" in last.seen
    told = json.loads(diagnosis.json)
    assert told["severity"] == diagnosis.severity.name.lower()
    assert [one["seen"] for one in told["findings"]] == [finding.seen for finding in diagnosis.findings]
    assert all(" ".join(finding.seen.split()) in " ".join(diagnosis.text.split()) for finding in diagnosis.findings)


def test_a_diagnosis_is_a_value(server: DevServer) -> None:
    diagnosis = nacos_auth.diagnose(server.address, "nacos", "wrong")
    assert pickle.loads(pickle.dumps(diagnosis)) == diagnosis
    with pytest.raises(dataclasses.FrozenInstanceError):
        diagnosis.severity = Severity.OK  # type: ignore[misc]
    assert Severity.OK < Severity.INFORMATION < Severity.WARNING < Severity.ERROR
    assert diagnosis.severity == max(finding.severity for finding in diagnosis.findings) == Severity.ERROR


def test_a_wrong_password(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    diagnosis = diagnose(server.address, "nacos", SECRET)
    assert causes(diagnosis) == {"wrong-credentials"}
    assert SECRET not in repr(diagnosis)
    assert server.counts()["login_failures"] <= 2


def test_a_token_that_has_ended(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    token = expired_token()
    diagnosis = diagnose(server.address, "nacos", "nacos", refused_token=token)
    assert causes(diagnosis) == {"token-expired"}
    assert token not in repr(diagnosis)
    assert causes(diagnose(server.address, token=token)) == {"token-expired"}


def test_a_missing_permission(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    server.control("/user", username="reader", password="a", permitted=False)
    diagnosis = diagnose(server.address, "reader", "a", method="GET", path=PATH)
    assert causes(diagnosis) == {"permission-missing"}
    assert "dataId" not in repr(diagnosis)  # no query


def test_what_may_change_something_is_sent_only_if_told(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    asked = {"method": "DELETE", "path": "/v1/cs/configs?dataId=doomed&group=DEFAULT_GROUP"}
    with Client(server.address, "nacos", "nacos") as client:
        fields = {"dataId": "doomed", "group": "DEFAULT_GROUP"}
        client.post("/v1/cs/configs", data={**fields, "content": "x"}).raise_for_status()
        assert "not-tried" in causes(diagnose(server.address, "nacos", "nacos", **asked), Severity.INFORMATION)
        assert client.get("/v1/cs/configs", params=fields).status == 200
        diagnose(server.address, "nacos", "nacos", **asked, send_writes=True)
        assert client.get("/v1/cs/configs", params=fields).status == 404


def test_where_nobody_listens(diagnose: Callable[..., Diagnosis]) -> None:
    assert causes(diagnose("127.0.0.1:1", "nacos", "nacos")) == {"connection-refused"}


def test_what_cannot_be_examined(diagnose: Callable[..., Diagnosis]) -> None:
    for wrong in ({"server_addr": ""}, {"password": None}, {"path": "/.."}, {"method": "GET"}, {"timeout": 0}):
        with pytest.raises(nacos_auth.InvalidArgumentError):
            diagnose(**{"server_addr": "127.0.0.1:1", "username": "nacos", "password": "nacos", **wrong})
    mistakes: dict[str, dict[str, Any]] = {
        "^refused_token: ": {"refused_token": ""},
        "^token: ": {"username": None, "password": None, "token": "a b", "refused_token": "a"},
        "^method ": {"method": "GET"},
        "^method: ": {"method": "", "path": "/a"},
        "^path: ": {"path": "a"},
    }
    for named, mistake in mistakes.items():
        with pytest.raises(nacos_auth.InvalidArgumentError, match=named):
            diagnose(**{"server_addr": "127.0.0.1:1", "username": "nacos", "password": "nacos", **mistake})
    with pytest.raises(nacos_auth.InvalidArgumentError, match="ca_file"):
        diagnose("127.0.0.1:1", "nacos", "nacos", ca_file="/nowhere")


def test_it_ends_in_its_time(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    server.control("/faults", on="all", kind="hang", times=0)
    start = time.monotonic()
    assert causes(diagnose(server.address, "nacos", "nacos", timeout=0.5)) == {"no-answer"}
    assert time.monotonic() - start < 8


class Asked:
    """A credentials function, and how often and where it was called."""

    def __init__(self) -> None:
        self.by: list[int] = []

    def __call__(self) -> tuple[str, str]:
        self.by.append(threading.get_ident())
        return "nacos", "nacos"


def test_of_the_functions_only_credentials_is_called(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    asked, told = Asked(), list[nacos_auth.Event]()
    diagnosis = diagnose(server.address, credentials=asked, on_event=told.append)
    assert diagnosis.severity <= Severity.INFORMATION
    assert len(asked.by) == 1
    assert not told
    assert not _callbacks._used


def test_a_credentials_function_that_fails(server: DevServer, diagnose: Callable[..., Diagnosis]) -> None:
    def fails() -> str:
        raise RuntimeError(SECRET)

    diagnosis = diagnose(server.address, credentials=fails)
    assert causes(diagnosis) == {"credentials-callback"}
    assert "RuntimeError" in diagnosis.text
    assert SECRET not in repr(diagnosis)


def test_on_a_thread_that_hears_no_signals_it_is_made_there(server: DevServer) -> None:
    asked = Asked()
    thread = threading.Thread(target=nacos_auth.diagnose, args=(server.address,), kwargs={"credentials": asked})
    thread.start()
    thread.join(60)
    assert asked.by == [thread.ident]


@pytest.fixture
def hung(server: DevServer) -> str:
    server.control("/faults", on="all", kind="hang", times=0)
    return server.address


def test_ctrl_c_ends_it(hung: str, hears_ctrl_c: None, wait_until: Callable[..., None]) -> None:
    for _ in range(3):
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            with_ctrl_c(lambda: nacos_auth.diagnose(hung, "nacos", "nacos", timeout=60))
        assert time.monotonic() - start < 20
    wait_until(lambda: not _greenlets._threads.running(), limit=20)  # and is over


def test_ctrl_c_while_the_credentials_are_asked_for(server: DevServer, hears_ctrl_c: None) -> None:
    go_on = threading.Event()

    def slow() -> tuple[str, str]:
        go_on.wait(60)
        return "nacos", "nacos"

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        with_ctrl_c(lambda: nacos_auth.diagnose(server.address, credentials=slow, timeout=60))
    assert time.monotonic() - start < 20
    go_on.set()


def test_a_time_out_around_a_task_ends_it(hung: str) -> None:
    async def main() -> None:
        call = nacos_auth.diagnose_async(hung, "nacos", "nacos", timeout=60)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(call, 0.3)
            pytest.fail("it has ended by itself")

    before = threading.active_count(), os.listdir("/proc/self/task")
    start = time.monotonic()
    asyncio.run(main())
    while len(os.listdir("/proc/self/task")) > len(before[1]):
        assert time.monotonic() - start < 20
        time.sleep(0.01)


def test_many_tasks_at_once(server: DevServer) -> None:
    async def main() -> list[Diagnosis]:
        return await asyncio.gather(*(nacos_auth.diagnose_async(server.address, "nacos", "nacos") for _ in range(20)))

    assert {diagnosis.severity for diagnosis in asyncio.run(main())} <= {Severity.OK, Severity.INFORMATION}


def test_other_greenlets_go_on_meanwhile(hung: str) -> None:
    pytest.importorskip("gevent")
    code = """
import sys, gevent, nacos_auth
turns = 0
def turn():
    global turns
    while True:
        gevent.sleep(0.01)
        turns += 1
gevent.spawn(turn)
found = nacos_auth.diagnose(sys.argv[1], "nacos", "nacos", timeout=1)
print(turns > 20, found.severity.name)
try:
    with gevent.Timeout(0.3):
        nacos_auth.diagnose(sys.argv[1], "nacos", "nacos", timeout=60)
except gevent.Timeout:
    print("timeout")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, hung],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True ERROR\ntimeout\n", "")


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    import signal  # noqa: PLC0415

    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def test_what_takes_long_is_not_imported_before_it_is_asked_for() -> None:
    code = """
import sys, nacos_auth
assert "dataclasses" not in sys.modules and "diagnose" in nacos_auth.__all__
assert nacos_auth.diagnose is nacos_auth.diagnose and "asyncio" not in sys.modules
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("where", ["of Ctrl-C", "of a daemon thread"])
def test_the_interpreter_may_end_while_the_credentials_are_asked_for(server: DevServer, where: str) -> None:
    """Python up to 3.13 ends a thread that comes back then, which must not be below the native library."""
    code = """
import signal, sys, threading, time, nacos_auth
called = threading.Event()
def slow():
    called.set()
    time.sleep(1)
    return "nacos", "nacos"
class Late:
    def __del__(self, sleep=time.sleep):
        sleep(2)
sys.late = Late()
def run():
    try:
        nacos_auth.diagnose(sys.argv[1], credentials=slow, timeout=60)
    except nacos_auth.NacosError:
        pass
if sys.argv[2] == "of Ctrl-C":
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        run()
    except KeyboardInterrupt:
        print("interrupted")
else:
    threading.Thread(target=run, daemon=True).start()
    called.wait()
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, server.address, where],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
