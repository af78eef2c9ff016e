"""The harness keeps its word: what a method promises is in force when it returns."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ending import ends_with_us
from nacos import END_LIMIT, PORT_OFFSETS, Nacos, Unavailable
from nacos_http import bearer, expires_at, send
from nacos_jars import class_path, java

NOTHING = "/nacos/v1/cs/configs?dataId=none&group=none"


def _prepared(version: str, ttl: int) -> Nacos:
    try:
        return Nacos(version, ttl=ttl)
    except Unavailable as missing:
        pytest.skip(str(missing))


def _ports_are_free(address: str) -> bool:
    port = int(address.rpartition(":")[2])
    for offset in PORT_OFFSETS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port + offset)) == 0:
                return False
    return True


@pytest.mark.parametrize("version", ["2.0.4", "2.3.2"])  # 2.2.3 takes changes as 2.3.2 does
def test_changes_are_in_force(version: str) -> None:
    """Secret, life of a token, password, death and return; then nothing is left."""
    with _prepared(version, ttl=600) as server:
        old = server.login()
        server.rotate_secret()
        refused = send(server.address, "GET", NOTHING, bearer(old))
        assert refused.status == 403
        assert json.loads(refused.body)["message"] == ("token invalid!" if version == "2.0.4" else "Invalid signature")

        server.set_ttl(200)  # more than a slow start takes
        token = server.login()
        assert expires_at(token) - time.time() <= 200

        server.restart(wait=False)
        server.wait_until_ready()
        assert send(server.address, "GET", NOTHING, bearer(token)).status == 404  # it outlives a restart

        server.set_password("a+b %&=ü")
        server.login()
    assert not server.home.exists()
    assert _ports_are_free(server.address)


def test_authentication_off() -> None:
    """Requests pass without a token, and a restart is not confused by it."""
    with _prepared("2.2.3", ttl=600) as server:
        server.set_auth(False)
        assert send(server.address, "GET", NOTHING).status == 404
        server.restart()
        server.set_auth(True)
        assert send(server.address, "GET", NOTHING).status == 403


def test_orders_on_standard_input() -> None:
    """What programs in other languages use."""
    try:
        java()
        class_path("2.3.2")
    except Unavailable as missing:
        pytest.skip(str(missing))
    command = [sys.executable, str(Path(__file__).parent / "nacos.py"), "play", "2.3.2", "--print-json", "--stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin
        assert program.stdout
        address = json.loads(program.stdout.readline())["address"]

        def order(**fields: object) -> dict[str, Any]:
            assert program.stdin
            assert program.stdout
            print(json.dumps(fields), file=program.stdin, flush=True)
            reply: dict[str, Any] = json.loads(program.stdout.readline())
            return reply

        assert order(do="auth", enabled=False) == {"ok": True}
        assert send(address, "GET", NOTHING).status == 404
        assert order(do="auth", enabled=True) == {"ok": True}
        assert order(do="ttl", seconds=5) == {"ok": True}
        assert order(do="rotate") == {"ok": True}
        assert order(do="kill") == {"ok": True}
        assert _ports_are_free(address)
        assert order(do="start") == {"ok": True}
        assert order(do="ttl") == {"ok": False, "message": "KeyError: 'seconds'"}
        assert not order(do="dance")["ok"]
        assert order(do="stop") == {"ok": True}
        assert program.wait(END_LIMIT) == 0
    assert _ports_are_free(address)


def test_a_killed_test_leaves_no_server() -> None:
    """Not even when it had no chance to clean up."""
    _prepared("2.3.2", ttl=600).stop()  # skips where there is no Java
    program = """
import time
from nacos import Nacos
server = Nacos("2.3.2")
server.start(wait=False)
print(server.pid, server.home, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    ) as test:
        assert test.stdout
        pid, home = test.stdout.readline().split()
        command = Path("/proc", pid, "cmdline")
        assert home in command.read_text(encoding="utf-8")
        test.kill()
    end = time.monotonic() + END_LIMIT
    try:
        while command.exists() and command.read_text(encoding="utf-8"):  # empty: dead, and nobody has noticed
            assert time.monotonic() < end, "the server outlives the program that started it"
            time.sleep(0.05)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_nothing_is_begun_for_a_program_that_has_ended() -> None:
    """It may be killed before the kernel has been told to watch it."""
    said = [
        subprocess.run(
            ends_with_us("KILL", "echo", "begun", parent=parent), capture_output=True, text=True, check=False
        )
        for parent in (os.getpid(), 1)
    ]
    assert [one.stdout for one in said] == ["begun\n", ""]


def test_missing_java_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception says what to install."""
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Unavailable, match="install a Java runtime"):
        Nacos("2.3.2")
