"""Under gevent and eventlet: each test is a program of its own, since patching cannot be undone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nacos_auth
from devserver import DevServer

LIMIT = 30  # seconds; whoever takes longer hangs

GEVENT = """
from gevent import monkey
monkey.patch_all()
"""
EVENTLET = """
import eventlet
eventlet.monkey_patch()
"""
# What the programs share. `ticks` shows whether other greenlets go on.
COMMON = """
import os, sys, threading, time
import nacos_auth
from nacos_auth import _greenlets, _workers
if "gevent" in sys.modules:
    import gevent
    from gevent import Timeout, kill, sleep, spawn
    def result(greenlet):
        return greenlet.get()
else:
    import eventlet
    from eventlet import Timeout, kill, sleep, spawn
    def result(greenlet):
        return greenlet.wait()
ticks = []
def tick():
    while True:
        sleep(0.01)
        ticks.append(1)
def read(client, **settings):
    return client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}, **settings)
def wait_until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        sleep(0.01)
address, *more = sys.argv[1:]
def make(**settings):
    return nacos_auth.Client(address, "nacos", "nacos", **settings)
"""
both = pytest.mark.parametrize("patch", [GEVENT, EVENTLET], ids=["gevent", "eventlet"])


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        said, complained = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
        process.communicate()
    return process.returncode, said, complained


def run(code: str, *arguments: str) -> None:
    """Runs a program that ends well and says nothing."""
    status, said, complained = outcome(start(code, *arguments))
    assert (status, said + complained) == (0, ""), said + complained


@pytest.mark.parametrize(
    "patch",
    [
        GEVENT,
        "import nacos_auth" + GEVENT,
        "from gevent import monkey; monkey.patch_all(thread=False)",
        "from gevent import monkey; monkey.patch_all(signal=False, os=False)",
        "from gevent import monkey; monkey.patch_thread()",
        "from gevent import monkey; monkey.patch_socket()",
        "import gevent",
        "import nacos_auth, gevent",
        EVENTLET,
        "import nacos_auth" + EVENTLET,
        "import eventlet; eventlet.monkey_patch(thread=False)",
        "import eventlet; eventlet.monkey_patch(thread=True)",
        "import eventlet; eventlet.monkey_patch(os=True, socket=True)",
        "import eventlet",
    ],
)
def test_other_greenlets_go_on_while_one_calls(server: DevServer, patch: str) -> None:
    """However much is patched, before or after the import, from the main greenlet and from others."""
    server.control("/faults", on="request", kind="delay", delay_ms=500, times=0)
    code = """
client = make()
assert read(client).status == 200  # before there is a hub
spawn(tick)
assert read(client).status == 200
assert len(ticks) > 3, len(ticks)  # on a slow machine
begin = time.monotonic()
calls = [spawn(read, client) for _ in range(10)]
assert [result(call).status for call in calls] == [200] * 10
assert time.monotonic() - begin < 4.5  # at the same time, not one after the other
client.close()
"""
    run(patch + COMMON + code, server.address)


@both
def test_a_call_that_gets_no_answer_ends_in_time(server: DevServer, patch: str) -> None:
    server.control("/faults", on="all", kind="hang", times=0)
    code = """
client = make(request_timeout=1)
for call in (read, nacos_auth.Client.token):
    begin = time.monotonic()
    try:
        call(client)
    except nacos_auth.NacosTimeoutError:
        assert 0.5 < time.monotonic() - begin < 5
    else:
        raise AssertionError
"""
    run(patch + COMMON + code, server.address)


@both
def test_a_long_poll_has_the_time_it_asks_for(server: DevServer, patch: str) -> None:
    server.control("/faults", on="request", kind="delay", delay_ms=2500, times=0)
    code = """
client = make(request_timeout=1)
client.token()
poll = {"Long-Pulling-Timeout": "20000"}
assert client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}, headers=poll).status == 200
try:
    client.get("/v1/cs/configs", headers=poll, timeout=0.3)
except nacos_auth.NacosTimeoutError:
    pass
else:
    raise AssertionError
"""
    run(patch + COMMON + code, server.address)


@both
def test_a_timeout_and_a_kill_end_the_call(server: DevServer, patch: str) -> None:
    """And the call in the library with it, which would last a minute otherwise."""
    server.control("/faults", on="request", kind="hang", times=0)
    code = """
client = make(request_timeout=60)
client.token()
def ended():
    return not _greenlets._threads.running()
sleep(0.1)  # in a hub, which has files of its own
before = len(os.listdir("/proc/self/fd"))
for _ in range(5):
    begin = time.monotonic()
    try:
        with Timeout(0.1):
            read(client)
    except Timeout:
        assert time.monotonic() - begin < 2
    else:
        raise AssertionError
    wait_until(ended)
    call = spawn(read, client)
    sleep(0.1)
    assert not ended()
    kill(call)
    wait_until(ended)
wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before)
wait_until(lambda: len(os.listdir("/proc/self/task")) < 10)
client.token_info()
"""
    run(patch + COMMON + code, server.address)


@both
@pytest.mark.parametrize("waits", ["read(client)", "result(spawn(read, client))"])
def test_ctrl_c(server: DevServer, patch: str, waits: str) -> None:
    server.control("/faults", on="request", kind="hang", times=0)
    code = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
client = make(request_timeout=60)
client.token()
spawn(tick)
print("calling", flush=True)
{waits}
"""
    process = start(patch + COMMON + code, server.address)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "calling\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
    finally:
        _, _, complained = outcome(process)
    assert time.monotonic() - begin < 10
    assert complained.splitlines()[-1] == "KeyboardInterrupt"


@both
def test_when_every_thread_is_taken_a_call_waits_for_its_time_only(server: DevServer, patch: str) -> None:
    server.control("/faults", on="request", kind="hang", times=0)
    code = """
client = make(request_timeout=60)
client.token()
calls = [spawn(read, client) for _ in range(64)]
wait_until(lambda: len(_greenlets._threads.running()) == 64)
begin = time.monotonic()
try:
    read(client, timeout=0.5)
except nacos_auth.NacosTimeoutError as error:
    assert "64 other calls" in str(error), error
else:
    raise AssertionError
assert client.token_info(timeout=0.5)  # is at hand
assert time.monotonic() - begin < 5
for call in calls:
    kill(call)
assert client.token_info(timeout=10)
"""
    run(patch + COMMON + code, server.address)


@both
def test_without_a_thread_the_call_is_made_all_the_same(server: DevServer, patch: str) -> None:
    code = """
def none(*arguments):
    raise RuntimeError("can't start new thread")
_workers.start_thread = none
sleep(0)
client = make()
read(client)
before = len(os.listdir("/proc/self/fd"))
for _ in range(5):
    assert read(client).status == 200
assert result(spawn(read, client)).status == 200
assert len(os.listdir("/proc/self/fd")) <= before + 1  # a connection
client.close()
"""
    run(patch + COMMON + code, server.address)


@both
def test_close_ends_the_calls_of_other_greenlets(server: DevServer, patch: str) -> None:
    server.control("/faults", on="all", kind="hang", times=0)
    code = """
client = make(request_timeout=60)
def call():
    try:
        read(client)
    except nacos_auth.ClosedError:
        return "closed"
calls = [spawn(call) for _ in range(5)]
wait_until(lambda: len(_greenlets._threads.running()) == 5)
client.close()
assert [result(call) for call in calls] == ["closed"] * 5
"""
    run(patch + COMMON + code, server.address)


def test_gevent_a_timeout_around_close_leaves_the_client_closed(server: DevServer) -> None:
    code = """
running = []
def on_event(event):
    running.append(event)
    sleep(1)
client = make(on_event=on_event)
client.token()
wait_until(lambda: running)
with gevent.Timeout(0.2, False):
    client.close()
    raise AssertionError
assert not nacos_auth._base._open
try:
    client.token()
    raise AssertionError
except nacos_auth.ClosedError:
    pass
"""
    run(GEVENT + COMMON + code, server.address)


def test_gevent_calls_of_true_threads(server: DevServer) -> None:
    code = """
client = make()
spawn(tick)
pool = gevent.get_hub().threadpool
assert [call.get().status for call in [pool.spawn(read, client) for _ in range(5)]] == [200] * 5
def other():
    from gevent.hub import get_hub
    assert spawn(read, client).get().status == 200  # in a hub of that thread
    return threading.get_native_id()
assert pool.apply(other) != threading.get_native_id()
client.close()
"""
    run(GEVENT + COMMON + code, server.address)


def test_gevent_calls_of_the_hub_itself(server: DevServer) -> None:
    code = """
client = make()
sleep(0)
answers = []
gevent.get_hub().loop.run_callback(lambda: answers.append(read(client).status))
wait_until(lambda: answers)
assert answers == [200]
"""
    run(GEVENT + COMMON + code, server.address)


def test_gevent_functions(server: DevServer) -> None:
    """They may sleep, take locks that greenlets have, call the client, and log to handlers that others are using."""
    code = """
import logging
main = threading.get_native_id()
lock = threading.Lock()
class Slow(logging.Handler):
    lines, others = [], 0
    def emit(self, record):
        sleep(0.001)  # with the handler's lock
        assert threading.get_native_id() == main
        if record.name == "nacos_auth":
            Slow.lines.append(record.getMessage())
        else:
            Slow.others += 1
logging.basicConfig(level=logging.DEBUG, handlers=[Slow()])
events = []
def on_event(event):
    with lock:
        sleep(0.01)
        events.append(event.kind)
    try:
        read(client)  # which waits for the login, if it is told of its beginning
    except nacos_auth.ClosedError:  # what happened before close() is told
        pass
def credentials():
    with lock:
        logging.info("credentials")
        sleep(0.05)
        return "nacos", "nacos"
def chatter():
    for _ in range(100):
        with lock:
            logging.info("another greenlet")
others = [spawn(chatter) for _ in range(5)]
client = nacos_auth.Client(address, credentials=credentials, on_event=on_event, logger=logging.getLogger("nacos_auth"))
calls = [spawn(read, client) for _ in range(10)]
assert {call.get().status for call in calls} == {200}
for other in others:
    other.get()
wait_until(lambda: "token_refreshed" in events)
assert Slow.lines
assert Slow.others >= 500
before = len(os.listdir("/proc/self/fd"))
for _ in range(20):
    client.set_credentials("nacos", "nacos")
    client.token()
assert len(os.listdir("/proc/self/fd")) < before + 10
client.close()
assert events[:2] == ["login_started", "token_refreshed"], events
told = len(Slow.lines), len(events)
sleep(0.2)
assert (len(Slow.lines), len(events)) == told  # nothing is called any more
"""
    run(GEVENT + COMMON + code, server.address)


def test_gevent_a_login_fails_while_the_hub_cannot_call_for_credentials(server: DevServer) -> None:
    code = """
import nacos_auth._errands
nacos_auth._errands._LONGEST_START = 0.5
client = nacos_auth.Client(address, credentials=lambda: ("nacos", "nacos"))
def call():
    try:
        client.token()
    except nacos_auth.NoCredentialsError as error:
        assert "TimeoutError" in str(error)
        failed.append(1)
failed = []
gevent.get_hub().loop.run_callback(call)  # keeps the hub from running
wait_until(lambda: failed)
client.set_credentials("nacos", "nacos")
client.token()
client.close()
"""
    run(GEVENT + COMMON + code, server.address)


@pytest.mark.parametrize("where", ["credentials", "on_event"])
def test_gevent_a_function_may_close(server: DevServer, where: str) -> None:
    code = f"""
closed = []
def credentials():
    if "{where}" == "credentials":
        client.close()
        closed.append(1)
    return "nacos", "nacos"
def on_event(event):
    if "{where}" == "on_event":
        client.close()
        closed.append(1)
client = nacos_auth.Client(address, credentials=credentials, on_event=on_event)
try:
    client.token()
except nacos_auth.ClosedError:
    pass
wait_until(lambda: closed)
client.close()
"""
    run(GEVENT + COMMON + code, server.address)


def test_gevent_what_functions_raise(server: DevServer) -> None:
    code = """
def credentials():
    raise LookupError("secret")
def on_event(event):
    raise KeyError("handler")
client = nacos_auth.Client(address, credentials=credentials, on_event=on_event)
try:
    client.token()
except nacos_auth.NoCredentialsError as error:
    assert "LookupError" in str(error) and "secret" not in str(error)
client.close()
print("ended")
"""
    status, said, complained = outcome(start(GEVENT + COMMON + code, server.address))
    assert (status, said) == (0, "ended\n")
    assert "KeyError: 'handler'" in complained
    assert "secret" not in complained


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise KeyboardInterrupt", "client.close()", "os._exit(4)"])
def test_gevent_the_program_ends_with_functions_in_use(server: DevServer, end: str) -> None:
    """With a client open whose functions run or are about to."""
    code = f"""
import logging
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
def credentials():
    sleep(0.5)
    return "nacos", "nacos"
def note(event):
    sleep(0.05)
client = nacos_auth.Client(address, credentials=credentials, on_event=note, logger=logging.getLogger("nacos_auth"))
def call():
    try:
        read(client)
    except nacos_auth.ClosedError:
        pass
spawn(call)
sleep(0.2)
{end}
"""
    begin = time.monotonic()
    status, _, complained = outcome(start(GEVENT + COMMON + code, server.address))
    assert time.monotonic() - begin < 15
    assert status == {"sys.exit(3)": 3, "raise KeyboardInterrupt": -signal.SIGINT, "os._exit(4)": 4}.get(end, 0)
    assert complained.splitlines()[-1:] == (["KeyboardInterrupt"] if "Keyboard" in end else []), complained


@both
@pytest.mark.parametrize(("end", "status"), [("", 0), ("os._exit(7)", 7), ("sys.exit(8)", 8)])
def test_the_program_ends_in_a_call(server: DevServer, patch: str, end: str, status: int) -> None:
    server.control("/faults", on="request", kind="hang", times=0)
    code = f"""
client = make(request_timeout=60)
client.token()
calls = [spawn(read, client) for _ in range(3)]
wait_until(lambda: len(_greenlets._threads.running()) == 3)
{end}
"""
    begin = time.monotonic()
    assert outcome(start(patch + COMMON + code, server.address)) == (status, "", "")
    assert time.monotonic() - begin < 30  # not 60


@pytest.mark.parametrize("function", ["credentials", "on_event", "logger"])
def test_eventlet_refuses_functions(server: DevServer, function: str) -> None:
    code = f"""
import logging
try:
    given = logging.getLogger() if "{function}" == "logger" else print
    nacos_auth.Client(address, "nacos", "nacos", {function}=given)
except nacos_auth.InvalidArgumentError as error:
    assert "eventlet" in str(error)
else:
    raise AssertionError
"""
    run(EVENTLET + COMMON + code, server.address)


def test_gevent_fork(server: DevServer) -> None:
    """The child goes on with the client; calls that greenlets were waiting for end in it, and go on in the parent."""
    server.control("/faults", on="request", kind="delay", delay_ms=500, times=1)
    code = """
client = make()
client.token()
def call():
    try:
        return read(client).status
    except nacos_auth.InternalError as error:
        return str(error)
waits = spawn(call)
wait_until(lambda: _greenlets._threads.running())
sleep(0.1)
child = os.fork()
if child == 0:
    code = 1
    try:
        with Timeout(20):
            assert "forked" in waits.get(), waits.get()
            assert read(client).status == 200
            assert spawn(read, client).get().status == 200
            code = 0
    finally:
        os._exit(code)
assert os.waitpid(child, 0)[1] == 0
assert waits.get() == 200
"""
    run(GEVENT + COMMON + code, server.address)


def test_eventlet_fork(server: DevServer) -> None:
    code = """
client = make()
assert read(client).status == 200
child = os.fork()
if child == 0:
    code = 1
    try:
        eventlet.hubs.use_hub()  # as every program must, which else shares its epoll file with its parent
        with Timeout(20):
            assert read(client).status == 200
            code = 0
    finally:
        os._exit(code)
assert os.waitpid(child, 0)[1] == 0
assert read(client).status == 200
"""
    run(EVENTLET + COMMON + code, server.address)


@both
def test_async_client(server: DevServer, patch: str) -> None:
    code = """
import asyncio
async def main():
    async with nacos_auth.AsyncClient(address, "nacos", "nacos") as client:
        answers = await asyncio.gather(*(read(client) for _ in range(10)))
        assert [answer.status for answer in answers] == [200] * 10
        try:
            await asyncio.wait_for(read(client, timeout=20), 0.0001)
        except asyncio.TimeoutError:
            pass
asyncio.run(main())
"""
    run(patch + COMMON + code, server.address)


ADAPTERS = {
    "requests": """
import requests
from nacos_auth.requests_auth import NacosAuth
session = requests.Session()
session.auth = NacosAuth(client)
def ask():
    return session.get(url).status_code
""",
    "httpx": """
sys.modules["trio"] = None  # which httpcore imports where it is there, and which cannot be after eventlet
import httpx
from nacos_auth.httpx_auth import NacosAuth
session = httpx.Client(auth=NacosAuth(client))
def ask():
    return session.get(url).status_code
""",
    "nacos": """
from nacos_auth.nacos_sdk import NacosClient
sdk = NacosClient(address, auth=client)
def ask():
    return 200 if sdk.publish_config("demo", "DEFAULT_GROUP", "text") else 0
""",
}


@both
@pytest.mark.parametrize("adapter", list(ADAPTERS))
def test_adapters(server: DevServer, patch: str, adapter: str) -> None:
    code = """
url = f"http://{address}/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"
client = make()
@
spawn(tick)
assert {result(call) for call in [spawn(ask) for _ in range(10)]} == {200}
assert ask() == 200
client.close()
"""
    run(patch + COMMON + code.replace("@", ADAPTERS[adapter]), server.address)


def test_gevent_of_a_loaded_program(server: DevServer, wait_until: Callable[..., None]) -> None:
    """Two hundred greenlets over changes of the secret: one login for each, and every read is answered."""
    code = """
client = make()
end = time.monotonic() + 3
def reader():
    seen = set()
    while time.monotonic() < end:
        assert client.token()
        seen.add(read(client).status)
    return seen
readers = [spawn(reader) for _ in range(200)]
assert set().union(*(reader.get() for reader in readers)) == {200}
wait_until(lambda: not _greenlets._threads.running())
wait_until(lambda: len(os.listdir("/proc/self/task")) < 10)
"""
    process = start(GEVENT + COMMON + code, server.address)
    try:
        for logins in (1, 2):
            wait_until(lambda logins=logins: server.counts()["logins"] == logins, limit=LIMIT)
            time.sleep(0.5)
            server.control("/secret")
    finally:
        ended = outcome(process)
    assert ended == (0, "", "")
    assert server.counts()["logins"] == 3


TASKS = """
import os
from celery import Celery
import nacos_auth
app = Celery("tasks", broker="filesystem://", backend="file://" + os.getcwd())
folder = os.getcwd()
app.conf.broker_transport_options = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), folder)
client = nacos_auth.Client.from_env()
@app.task
def read():
    return client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}).status
"""
ASK = """
import tasks
waiting = [tasks.read.delay() for _ in range(16)]
assert [result.get(timeout=25) for result in waiting] == [200] * 16
"""


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent", "eventlet"])
def test_celery(server: DevServer, tmp_path: Path, pool: str) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    settings = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    environment = {**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1]), **settings}
    python = [sys.executable, "-W", "ignore"]
    worker = subprocess.Popen(
        [*python, "-m", "celery", "--app=tasks", "worker", f"--pool={pool}", "--concurrency=8", "--without-mingle"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        subprocess.run([*python, "-c", ASK], cwd=tmp_path, env=environment, timeout=LIMIT, check=True)
        worker.terminate()
        _, complained = worker.communicate(timeout=LIMIT)
    finally:
        worker.kill()
        worker.communicate()
    assert worker.returncode == 0, complained
