"""Where credentials can come from, and what the library tells."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import Client, Event, ExternalToken

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
WaitUntil = Callable[..., None]


@pytest.fixture
def logger(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    caplog.set_level(logging.DEBUG, "nacos_auth.test")
    return logging.getLogger("nacos_auth.test")


def test_log(
    server: DevServer, logger: logging.Logger, caplog: pytest.LogCaptureFixture, wait_until: WaitUntil
) -> None:
    with Client(server.address, "nacos", "nacos", logger=logger) as client:
        tokens = [client.token()]
        server.control("/secret")
        assert client.get(CONFIG, params=DEMO).replays == 1
        tokens.append(client.token())
        server.control("/faults", on="login", kind="reset", times=0)
        client.report_rejected(client.generation, 403, "token expired!")
        with pytest.raises(nacos_auth.NacosConnectionError):
            client.token()
        wait_until(lambda: {logging.DEBUG, logging.INFO, logging.WARNING} <= {r.levelno for r in caplog.records})
    # Clients that others have left behind log too, by themselves.
    assert {record.name for record in caplog.records if server.address in record.getMessage()} == {"nacos_auth.test"}
    for secret in tokens:
        assert secret not in caplog.text


def test_log_has_the_level_of_the_logger(
    server: DevServer, logger: logging.Logger, caplog: pytest.LogCaptureFixture, wait_until: WaitUntil
) -> None:
    logger.setLevel(logging.WARNING)
    with Client(server.address, "nacos", "nacos", logger=logger) as client:
        logger.setLevel(logging.DEBUG)  # so nobody else filters
        client.token()
        server.control("/secret")
        client.get(CONFIG, params=DEMO)
        wait_until(lambda: len(caplog.records) > 0)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_events(server: DevServer, wait_until: WaitUntil) -> None:
    events: list[Event] = []
    with Client(server.address, "nacos", "nacos", on_event=events.append) as client:
        client.token()
        first = client.generation
        server.control("/secret")
        client.get(CONFIG, params=DEMO)
        wait_until(lambda: [event.kind for event in events].count("token_refreshed") == 2)
        rejected = next(event for event in events if event.kind == "token_rejected")
        assert (rejected.generation, rejected.status) == (first, None)
        refreshed = [event for event in events if event.kind == "token_refreshed"][1]
        assert (refreshed.generation, refreshed.level) == (client.generation, logging.INFO)
        server.control("/faults", on="login", kind="status", status=429, retry_after=60, times=0)
        client.report_rejected(client.generation, 403, "token expired!")
        with pytest.raises(nacos_auth.ThrottledError):
            client.token()
        wait_until(lambda: events[-1].kind == "login_failed")
    failed = events[-1]
    assert (failed.status, failed.http_status) == ("THROTTLED", 429)
    assert failed.retry_after is not None
    assert 50 < failed.retry_after < 80
    assert failed.message


def test_what_an_event_function_raises_is_heard_of_and_changes_nothing(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)

    def fail(event: Event) -> None:
        raise RuntimeError("of the user")

    with Client(server.address, "nacos", "nacos", on_event=fail) as client:
        assert client.get(CONFIG, params=DEMO).status == 200
        wait_until(lambda: len(heard) > 0)
    assert heard[0].exc_type is RuntimeError
    heard.clear()


def test_credentials_function(server: DevServer) -> None:
    asked: list[int] = []

    def credentials() -> tuple[str, str]:
        asked.append(threading.get_ident())
        return "nacos", "nacos" if len(asked) < 2 else "changed"

    with Client(server.address, credentials=credentials) as client:
        assert asked == []
        assert client.get(CONFIG, params=DEMO).status == 200
        server.control("/password", username="nacos", password="changed")
        server.control("/secret")
        assert client.get(CONFIG, params=DEMO).status == 200
    assert len(asked) == 2
    assert threading.get_ident() not in asked


@pytest.mark.parametrize("ttl", [None, 3600])
def test_credentials_function_gives_a_token(server: DevServer, client: Client, ttl: float | None) -> None:
    token = client.token()
    with Client(server.address, credentials=lambda: token if ttl is None else ExternalToken(token, ttl)) as other:
        assert other.token() == token
        assert other.get(CONFIG, params=DEMO).status == 200
        if ttl is not None:
            assert 3590 < other.token_info().remaining <= 3600
    assert server.counts()["logins"] == 1


@pytest.mark.parametrize(
    "answer",
    [RuntimeError("my secret"), ("one", "my secret", "three"), ("nacos", "my\0secret"), ("nacos", "\ud800secret")],
)
def test_credentials_function_fails(
    server: DevServer, logger: logging.Logger, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    def credentials() -> tuple[str, str]:
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    with (
        Client(server.address, credentials=credentials, logger=logger) as client,
        pytest.raises(nacos_auth.NoCredentialsError, match="the credentials function raised") as caught,
    ):
        client.token()
    assert caught.value.status == "NO_CREDENTIALS"
    assert "secret" not in str(caught.value)
    assert "the credentials function failed\nTraceback" in caplog.text  # with what it raised
    logged = caplog.records[-1].exc_info or next(r.exc_info for r in caplog.records if r.exc_info)
    assert logged is not None
    assert logged[1] is not None
    frames = traceback.TracebackException.from_exception(logged[1], capture_locals=True).stack
    own = [frame for frame in frames if "/nacos_auth/" in frame.filename]
    assert own
    assert "secret" not in "".join(traceback.StackSummary.from_list(own).format())


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_credentials_function_raises_what_is_no_exception(server: DevServer, kind: type[BaseException]) -> None:
    def credentials() -> tuple[str, str]:
        raise kind("my secret")

    with Client(server.address, credentials=credentials) as client:
        with pytest.raises(nacos_auth.NoCredentialsError, match=f"function raised {kind.__name__}") as caught:
            client.token()
        assert "secret" not in str(caught.value)


def test_password_file(server: DevServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("nacos\n")
    with Client(server.address, "nacos", password_file=file) as client:
        assert client.get(CONFIG, params=DEMO).status == 200
        server.control("/password", username="nacos", password="changed")
        file.write_text("changed")
        server.control("/secret")
        assert client.get(CONFIG, params=DEMO).status == 200
        file.unlink()
        client.report_rejected(client.generation, 403, "token expired!")
        with pytest.raises(nacos_auth.NoCredentialsError, match=str(file)):
            client.token()
    with pytest.raises(nacos_auth.InvalidArgumentError, match="absent"):
        Client(server.address, "nacos", password_file=tmp_path / "absent")


def test_a_token_of_somebody_else(server: DevServer, client: Client) -> None:
    token = client.token()
    with Client(server.address, token=token) as other:
        assert other.token() == token
        assert other.get(CONFIG, params=DEMO).status == 200
        server.control("/secret")
        with pytest.raises(nacos_auth.BadCredentialsError) as caught:
            other.get(CONFIG, params=DEMO)
        assert token not in str(caught.value)
        assert client.get(CONFIG, params=DEMO).status == 200
        with pytest.raises(nacos_auth.InvalidArgumentError):
            other.set_token(client.token(), ttl=-1)
        other.set_token(client.token(), ttl=600)
        assert other.get(CONFIG, params=DEMO).status == 200
        assert 590 < other.token_info().remaining <= 600
    assert token not in repr(ExternalToken(token, 5))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"username": "nacos"},
        {"username": "nacos", "password": "x", "token": "y"},
        {"token": "x", "credentials": lambda: "y"},
    ],
)
def test_exactly_one_source(settings: dict[str, Any]) -> None:
    with pytest.raises(nacos_auth.InvalidArgumentError):
        Client("127.0.0.1", on_event=print, **settings)
    assert len(nacos_auth._callbacks._used) == 0


def test_close_waits_for_a_function_and_nothing_runs_after(server: DevServer, wait_until: WaitUntil) -> None:
    entered, leave, ran = threading.Event(), threading.Event(), [0]

    def slow(event: Event) -> None:
        entered.set()
        leave.wait(60)
        ran[0] += 1

    client = Client(server.address, "nacos", "nacos", on_event=slow)
    client.token()
    assert entered.wait(60)
    start = time.monotonic()
    threading.Timer(0.3, leave.set).start()
    client.close()
    assert time.monotonic() - start > 0.2
    count = ran[0]
    server.control("/secret")
    time.sleep(0.3)
    assert ran[0] == count


def test_a_function_may_close(server: DevServer, wait_until: WaitUntil) -> None:
    def close(_: Event) -> None:
        client.close()

    client = Client(server.address, "nacos", "nacos", on_event=close)

    def is_closed() -> bool:
        try:
            client.token()
        except nacos_auth.ClosedError:
            return True
        return False

    wait_until(is_closed)


def test_functions_live_until_close_and_no_longer(server: DevServer, wait_until: WaitUntil) -> None:
    class Listener:
        kinds: list[str] = []  # noqa: RUF012

        def __call__(self, event: Event) -> None:
            self.kinds.append(event.kind)

    listener = Listener()
    gone = weakref.ref(listener)
    client = Client(server.address, "nacos", "nacos", on_event=listener)
    del listener
    gc.collect()
    client.token()
    wait_until(lambda: "token_refreshed" in Listener.kinds)
    client.close()
    wait_until(lambda: gone() is None)


def test_a_client_with_functions_lives_until_it_is_closed(
    start_server: Callable[..., DevServer], wait_until: WaitUntil
) -> None:
    """Nothing refers to it; its token is renewed all the same."""
    server, events = start_server("--ttl", "2"), list[Event]()

    def make() -> None:
        Client(server.address, "nacos", "nacos", on_event=events.append).token()

    make()
    gc.collect()
    before = len(events)
    wait_until(lambda: gc.collect() >= 0 and [e.kind for e in events[before:]].count("token_refreshed") >= 2)
    (client,) = nacos_auth._base._open.values()
    client._close(None)
    assert not nacos_auth._base._open
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("closed_inside", [True, False])
def test_a_finalizer_waits_for_no_function(server: DevServer, wait_until: WaitUntil, closed_inside: bool) -> None:
    """It may run in the garbage collector, in the middle of something that the function waits for."""
    entered, leave = threading.Event(), threading.Event()

    def slow(event: Event) -> None:
        if closed_inside:
            clients[0].close()
        entered.set()
        leave.wait(60)

    clients = [Client(server.address, "nacos", "nacos", on_event=slow, request_timeout=30)]
    with suppress(nacos_auth.ClosedError):
        clients[0].token()
    assert entered.wait(60)
    if not closed_inside:
        assert clients[0].close(0) is False
    gone = weakref.ref(clients[0])
    start = time.monotonic()
    clients.clear()
    gc.collect()
    assert time.monotonic() - start < 5  # not 30
    leave.set()

    def is_gone() -> bool:  # with the next one that is closed
        Client(server.address, "nacos", "nacos", on_event=print).close()
        gc.collect()
        return gone() is None

    wait_until(is_gone)


async def asynchronous(*_: Any) -> tuple[str, str]:
    return "nacos", "nacos"


async def asynchronous_generator(*_: Any) -> AsyncIterator[str]:
    yield "nacos"


class Asynchronous:
    async def __call__(self, *_: Any) -> tuple[str, str]:
        return "nacos", "nacos"


@pytest.mark.parametrize(
    "function",
    [
        asynchronous,
        asynchronous_generator,
        Asynchronous(),
        partial(partial(asynchronous)),
        partial(Asynchronous()),
        Asynchronous().__call__,
        AsyncMock(),
    ],
)
@pytest.mark.parametrize("name", ["credentials", "on_event"])
def test_an_async_function_is_refused(name: str, function: Any) -> None:
    account: dict[str, Any] = {} if name == "credentials" else {"username": "nacos", "password": "nacos"}
    with pytest.raises(nacos_auth.InvalidArgumentError, match=f"{name} must be a plain function"):
        Client("127.0.0.1", **account, **{name: function})


def test_what_is_awaitable_is_closed_and_told(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    """Of these functions nobody can see beforehand that they are asynchronous. A coroutine left open would warn."""
    heard: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    credentials: Any = lambda: asynchronous()  # noqa: E731, PLW0108
    on_event: Any = lambda event: asynchronous(event)  # noqa: E731, PLW0108
    with Client(server.address, credentials=credentials, on_event=on_event) as client:
        with pytest.raises(nacos_auth.NoCredentialsError, match="credentials must be a plain function"):
            client.token()
        wait_until(lambda: len(heard) > 0)
    gc.collect()
    assert {(each.exc_type.__name__, "plain function" in str(each.exc_value)) for each in heard} == {
        ("_AwaitableError", True)
    }
    heard.clear()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_functions_in_a_forked_child(server: DevServer, wait_until: WaitUntil) -> None:
    kinds: list[str] = []
    with Client(server.address, "nacos", "nacos", on_event=lambda event: kinds.append(event.kind)) as client:
        client.token()
        wait_until(lambda: "token_refreshed" in kinds)
        server.control("/secret")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                kinds.clear()
                assert client.get(CONFIG, params=DEMO).status == 200
                wait_until(lambda: "token_refreshed" in kinds)
                client.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("how", ["", "client.close()", "sys.exit()", "os.kill(os.getpid(), signal.SIGINT)"])
def test_interpreter_may_end_with_functions(
    server: DevServer, start_server: Callable[..., DevServer], how: str
) -> None:
    hanging = start_server()
    hanging.control("/faults", on="login", kind="hang", times=0)
    code = f"""
import contextlib, logging, os, signal, sys, threading, time, nacos_auth
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
signal.signal(signal.SIGINT, lambda *_: sys.exit())
settings = dict(
    logger=logging.getLogger("nacos"),
    on_event=lambda event: time.sleep(0.01),
    credentials=lambda: ("nacos", "nacos"),
)
client = nacos_auth.Client(sys.argv[1], **settings)
client.token()
waiting = nacos_auth.Client(sys.argv[2], **settings)
def wait():
    with contextlib.suppress(nacos_auth.NacosError):
        waiting.token()
threading.Thread(target=wait, daemon=True).start()
while waiting.stats().refresh_state != "in_flight":
    time.sleep(0.001)
{how}
"""
    done = subprocess.run(
        [sys.executable, "-c", code, server.address, hanging.address],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("how", ["", "client.close(0.1); del client"])
def test_interpreter_waits_for_a_function_that_runs(server: DevServer, how: str) -> None:
    """Longer than close() would: a thread that came back into an interpreter that has gone would end the process."""
    code = f"""
import sys, threading, time, nacos_auth
entered = threading.Event()
def credentials():
    entered.set()
    time.sleep(2)
    return "nacos", "nacos"
def note(event):
    time.sleep(1)
client = nacos_auth.Client(sys.argv[1], credentials=credentials, on_event=note, request_timeout=0.2)
try:
    client.token()
except nacos_auth.NacosTimeoutError:
    assert entered.is_set()
class Late:
    def __del__(self, sleep=time.sleep):
        sleep(3)
sys.late = Late()
{how}
"""
    done = subprocess.run(
        [sys.executable, "-c", code, server.address],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def run_to_the_end(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("work", ["sum(range(1000))", "time.sleep(0.01)"])
@pytest.mark.parametrize(
    "call",
    [
        "Client(sys.argv[1], 'nacos', 'nacos', on_event=function).token(timeout=1)",
        "Client(sys.argv[1], credentials=function).token(timeout=1)",
        "diagnose(sys.argv[1], credentials=function)",
    ],
)
@pytest.mark.parametrize(
    ("handler", "seconds", "status"),
    [
        ("signal.default_int_handler", 60, -signal.SIGINT),
        ("lambda *_: sys.exit(3)", 60, 1),
        ("signal.default_int_handler", 0.3, 0),  # after Ctrl-C
    ],
)
def test_ctrl_c_at_the_end_while_a_function_runs(
    server: DevServer, work: str, call: str, handler: str, seconds: float, status: int
) -> None:
    """Its thread must not come back into an interpreter that has gone: that would abort the process."""
    done = run_to_the_end(
        f"""
import atexit, contextlib, os, signal, sys, threading, time, nacos_auth
signal.signal(signal.SIGINT, {handler})
inside, ends, interrupted = threading.Event(), threading.Event(), threading.Event()
def function(event=None):
    inside.set()
    interrupted.wait(60)
    end = time.monotonic() + {seconds}
    while time.monotonic() < end:
        {work}
    return "nacos", "nacos"
def call():
    with contextlib.suppress(nacos_auth.NacosError):
        nacos_auth.{call}
def press():
    ends.wait()
    time.sleep(0.3)
    interrupted.set()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=call, daemon=True).start()
threading.Thread(target=press, daemon=True).start()
assert inside.wait(60)
atexit.register(ends.set)
class Late:
    def __del__(self, sleep=time.sleep):
        sleep(2)
sys.late = Late()
print("begun")
""",
        server.address,
    )
    assert (done.returncode, done.stdout) == (status, "begun\n")
    assert "FATAL" not in done.stderr
    if status == 0:
        assert "KeyboardInterrupt" in done.stderr


@pytest.mark.parametrize(
    "settings",
    [
        'username="nacos", password="nacos", on_event=lambda event: None',
        'credentials=lambda: ("nacos", "nacos")',
        'username="nacos", password="nacos", logger=logging.getLogger("nacos")',
    ],
)
@pytest.mark.parametrize("is_finalizer", [False, True])
def test_functions_are_refused_once_the_end_has_begun(server: DevServer, settings: str, is_finalizer: bool) -> None:
    """In exit handlers that come after the package's own, and in finalizers."""
    done = run_to_the_end(
        f"""
import atexit, functools, gc, logging, os, sys
def end(nacos_auth, write, address, settings):
    try:
        nacos_auth.Client(address, **settings).token()
    except nacos_auth.InternalError as error:
        write(1, str(error).encode())
class Late:  # garbage that is collected when the interpreter goes
    def __init__(self, end):
        self.me, self.end = self, end
    def __del__(self):
        self.end()
gc.disable()
if not {is_finalizer}:
    atexit.register(lambda: ending())
import nacos_auth
ending = functools.partial(end, nacos_auth, os.write, sys.argv[1], dict({settings}))
if {is_finalizer}:
    Late(ending)
""",
        server.address,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "the program is ending" in done.stdout


@pytest.mark.parametrize(
    ("imported", "work"),
    [
        ("", "sys.client = nacos_auth.Client(sys.argv[1], 'nacos', 'nacos', on_event=function); sys.client.token()"),
        ("", "sys.client = nacos_auth.Client(sys.argv[1], credentials=function); interrupted(sys.client.token)"),
        ("", "sys.client = nacos_auth.Client(sys.argv[1], 'nacos', 'nacos'); sys.client.token()"),  # with the log
        ("import nacos_auth", "interrupted(lambda: nacos_auth.diagnose(sys.argv[1], credentials=function))"),
    ],
)
def test_functions_of_what_is_first_imported_by_an_exit_handler_end_too(
    start_server: Callable[..., DevServer], imported: str, work: str
) -> None:
    """A handler that is registered while others run is not called; their thread must not come back all the same."""
    done = run_to_the_end(
        f"""
import atexit, os, signal, sys, time
{imported}
class Late:
    def __del__(self, sleep=time.sleep):
        sleep(3)
sys.late = Late()
def function(event=None):
    time.sleep(0.5)
    return "nacos", "nacos"
def interrupted(call):
    def handle(*_):
        raise LookupError
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        call()
    except LookupError:
        pass
def work():
    import nacos_auth
    {work}
atexit.register(work)
""",
        start_server("--ttl", "2").address,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_first_imported_by_a_finalizer_has_no_functions_and_no_log(
    start_server: Callable[..., DevServer],
) -> None:
    """The interpreter goes already: no thread of the library may enter it."""
    done = run_to_the_end(
        """
import atexit, gc, os, sys, time
class Late:  # garbage that is collected when the interpreter goes, before its modules
    def __init__(self):
        self.me = self
    def __del__(self):
        import nacos_auth
        try:
            nacos_auth.Client(sys.argv[1], "nacos", "nacos", on_event=print)
        except nacos_auth.InternalError as error:
            os.write(1, str(error).encode())
        with nacos_auth.Client(sys.argv[1], "nacos", "nacos") as client:
            client.get("/v1/cs/configs")
            time.sleep(3)
gc.disable()
atexit.register(gc.enable)
Late()
""",
        start_server("--ttl", "2").address,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "the program is ending" in done.stdout


@pytest.mark.parametrize(
    "imported", ["", "import nacos_auth; nacos_auth.Client(sys.argv[1], 'nacos', 'nacos').token()"]
)
def test_a_finalizer_at_the_end_may_call(server: DevServer, imported: str) -> None:
    """No other thread runs there any more: neither a new one nor one that a call has left waiting for the next."""
    done = run_to_the_end(
        f"""
import atexit, gc, os, sys, time
class Late:  # garbage that is collected when the interpreter goes, before its modules
    def __init__(self):
        self.me = self
    def __del__(self):
        import nacos_auth
        begun = time.monotonic()
        with nacos_auth.Client(sys.argv[1], "nacos", "nacos", user_agent="late") as client:
            client.token()
        nacos_auth.diagnose(sys.argv[1], "nacos", "nacos")
        os.write(1, f"{{sys.is_finalizing()}} {{time.monotonic() - begun < 10}}".encode())
gc.disable()
atexit.register(gc.enable)
{imported}
Late()
""",
        server.address,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True", "")


def test_exit_handlers_that_are_cleared_end_nothing(server: DevServer) -> None:
    """As multiprocessing clears those of the parent in a child, from Python 3.13 on."""
    done = run_to_the_end(
        """
import atexit, sys, nacos_auth
client = nacos_auth.Client(sys.argv[1], "nacos", "nacos", on_event=lambda event: None)
atexit._clear()
client.token()
client.close()
nacos_auth.Client(sys.argv[1], "nacos", "nacos", on_event=lambda event: None).close()
""",
        server.address,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_function_imports_nothing() -> None:
    """A handler of a signal may come in the middle of that, and at the end of the program nothing can be imported."""
    done = run_to_the_end("""
import sys, nacos_auth
before = set(sys.modules)
nacos_auth.Client("127.0.0.1", credentials=lambda: "token", on_event=print).close()
print(sorted(set(sys.modules) - before))
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_finer_counters(server: DevServer, client: Client) -> None:
    client.token()
    server.control("/secret")
    client.get(CONFIG, params=DEMO)
    stats = client.stats()
    assert (stats.logins_first, stats.logins_renewal, stats.logins_rejection) == (1, 0, 1)
    assert (stats.rejections, stats.rejections_identity, stats.rejections_unknown) == (1, 1, 0)
    assert (stats.waiting, stats.retry_in) == (0, 0)
    server.control("/faults", on="login", kind="status", status=429, retry_after=60, times=0)
    client.report_rejected(client.generation, 403, "token expired!")
    for _ in range(2):
        with pytest.raises(nacos_auth.ThrottledError):
            client.token()
    stats = client.stats()
    assert (stats.failures_overloaded, stats.suppressed_by_pause) == (1, 1)
    assert 50 < stats.retry_in < 80
