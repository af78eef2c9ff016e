"""Every generation of Nacos, and what is none."""

from __future__ import annotations

import pytest

from conftest import Serve
from handle import READ, READ_V3, WRONG, Handle, read_of
from recorder import V1, V3, Recorder
from shim import Shim

GENERATIONS = ("1.4", "2.0", "2.2", "2.3", "2.x", "3.x", "3.2", "3.3", "rnacos-0.8.5", "rnacos")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_reads_and_recovers_on_every_generation(shim: Shim, serve: Serve, generation: str) -> None:
    server = serve(generation=generation)
    handle = Handle.open(shim, server.address, reads=read_of(generation))
    answer = handle.read()
    assert answer["http_status"] == 200
    assert answer["body"]
    server.revoke()
    handle.reads(0.3).assert_all_read()
    if generation == "rnacos-0.8.5":  # which says of a token in the wrong place what it says of a wrong one
        assert 2 <= server.logins() <= 3
    else:
        assert server.logins() == 2
        assert handle.stats()["replays"] == 1


@pytest.mark.parametrize("generation", GENERATIONS)
def test_refuses_a_wrong_password_on_every_generation(shim: Shim, serve: Serve, generation: str) -> None:
    server = serve(generation=generation)
    handle = Handle.open(shim, server.address, password=WRONG)
    answer = handle.ask("get_token")
    # 3.x answers a wrong password 500, as it does a fault.
    assert answer["status"] in ({"BAD_CREDENTIALS", "SERVER"} if generation == "3.x" else {"BAD_CREDENTIALS"})
    assert answer["http_status"] in (403, 500)
    assert server.address in answer["message"]
    handle.parallel(4, 25)
    assert handle.stats()["login_failures"] == 1
    assert server.failed_logins() == 1


@pytest.mark.parametrize("generation", GENERATIONS)
def test_authentication_off(shim: Shim, serve: Serve, generation: str) -> None:
    server = serve(generation=generation, no_auth=True)
    handle = Handle.open(shim, server.address, reads=read_of(generation))
    handle.reads(1).assert_all_read()
    assert server.logins() <= 2
    server.set_auth(True)
    handle.reads(1).assert_all_read()


def test_upgraded_and_taken_back_while_running(shim: Shim, serve: Serve) -> None:
    """The other login API is found, and found again."""
    server = serve(generation="1.4")
    handle = Handle.open(shim, server.address)
    handle.read()
    for generation in ("2.x", "3.x", "2.2", "3.x", "rnacos"):
        server.upgrade(generation)
        server.rotate_secret()
        handle.reads(0.2).assert_all_read()
    assert (server.logins(), server.failed_logins()) == (6, 0)


def test_upgraded_from_3_0_to_3_3_while_running(shim: Shim, serve: Serve) -> None:
    """v1 goes away on the way, its login last."""
    server = serve(generation="3.x")
    handle = Handle.open(shim, server.address, reads=READ_V3)
    handle.read()
    for generation in ("3.2", "3.3", "3.x", "3.3"):
        server.upgrade(generation)
        server.rotate_secret()
        handle.reads(0.2).assert_all_read()
    server.set_compatibility(False)
    server.rotate_secret()
    handle.reads(0.2).assert_all_read()
    assert (server.logins(), server.failed_logins()) == (6, 0)


def test_the_login_moves_while_running(shim: Shim, recorder: Recorder) -> None:
    """A 3.x whose v1 is switched off, and back. Each move costs one question in vain."""
    handle = Handle.open(shim, recorder.address)
    for missing, asked in [(V3, [V3, V1]), (V3, [V1]), (V1, [V1, V3]), (V1, [V3]), (V3, [V3, V1])]:
        recorder.missing_logins = {missing}
        recorder.logins.clear()
        recorder.refusals = len(recorder.requests) and 1
        answer = handle.read()
        assert answer["http_status"] == 200
        assert [login.path for login in recorder.logins] == asked


def test_authentication_switched_on_and_off_under_load(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    for enabled in (False, True, False):
        server.set_auth(enabled)
        handle.reads(0.5).assert_all_read()
    assert server.logins() <= 2  # one for each time it was on, or took a login


def test_an_open_server_whose_logins_all_fail(shim: Shim, serve: Serve) -> None:
    """A fresh 2.4 without any user: requests need no token, and go without one."""
    server = serve(no_auth=True)
    server.fault("login", "status", status=500, body="caused: User alice not found;")
    handle = Handle.open(shim, server.address)
    handle.reads(1).assert_all_read()
    answer = handle.ask("get_token")
    assert answer["ok"] is False
    assert answer["http_status"] == 500


def test_the_console_port_of_nacos_3(shim: Shim, serve: Serve) -> None:
    server = serve()
    page = '{"status":500,"message":"caused: No static resource nacos/v3/auth/user/login.;"}'
    server.fault("login", "status", status=500, body=page)
    answer = Handle.open(shim, server.address).fail("get_token", "PROTOCOL")
    assert answer["http_status"] == 500
    assert "console" in answer["message"]
    assert "8848" in answer["message"]


@pytest.mark.parametrize("kind", ["html", "oversized", "redirect", "cut"])
def test_what_is_no_nacos(shim: Shim, serve: Serve, kind: str) -> None:
    server = serve()
    server.fault("login", kind)
    handle = Handle.open(shim, server.address)
    answer = handle.ask("get_token")
    expected = {"cut": {"PROTOCOL", "IO"}, "oversized": {"PROTOCOL", "TOO_LARGE"}}.get(kind, {"PROTOCOL"})
    assert answer["status"] in expected, answer
    assert server.address in answer["message"]
    assert len(answer["message"]) < 1000
    request = handle.ask("request", **READ, timeout_ms=1000)
    assert request["ok"] is False or request["http_status"] in (401, 403)


def test_a_wrong_context_path(shim: Shim, serve: Serve) -> None:
    server = serve()
    answer = Handle.open(shim, server.address, context_path="/other").ask("get_token")
    assert answer["status"] == "PROTOCOL", answer
    assert answer["http_status"] == 404
