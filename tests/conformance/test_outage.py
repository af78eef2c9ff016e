"""Servers that are down, slow, silent, or just back."""

from __future__ import annotations

import email.utils
import socket
import time

import pytest

from conftest import Serve
from devserver import DevServer
from handle import READ, Handle, read_of
from shim import Shim


def _closed_port() -> str:
    """An address that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _wait_until_up(server: DevServer) -> None:
    """After a restart: until it accepts connections again."""
    host, port = server.address.split(":")
    limit = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError:
            assert time.monotonic() < limit, f"{server.address} does not come back"
            time.sleep(0.05)
        else:
            return


def test_no_server_there(shim: Shim) -> None:
    address = _closed_port()
    handle = Handle.open(shim, address)
    for op, fields in (("get_token", {}), ("request", READ)):
        answer = handle.fail(op, "CONNECT", **fields, timeout_ms=3000)
        assert answer["retryable"] is True
        assert answer["http_status"] == 0
        assert address in answer["message"]


def test_down_and_back(shim: Shim, serve: Serve) -> None:
    """Without a token nothing can be done; a few seconds after the server is back it is."""
    server = serve()
    handle = Handle.open(shim, server.address)
    server.restart(down_ms=5000)
    handle.fail("get_token", "CONNECT", timeout_ms=1000)
    began = time.monotonic()
    while handle.ask("request", **READ, timeout_ms=1000).get("http_status") != 200:
        assert time.monotonic() - began < 30, "25 s after its return the server is still not used"
        time.sleep(0.1)
    handle.reads(0.5).assert_all_read()


def test_down_with_a_token_in_the_cache(shim: Shim, serve: Serve) -> None:
    """The token outlives the server; requests fail while it is down, and none after."""
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.reads(0.2).assert_all_read()
    server.restart(down_ms=3000)
    tally = handle.reads(0.5)
    assert set(tally.errors) <= {"CONNECT", "IO"}
    assert tally.errors
    _wait_until_up(server)
    handle.reads(0.5).assert_all_read()
    assert handle.get_token()["expired"] is False
    assert server.logins() == 1


def test_a_restart_that_is_back_at_once_goes_unnoticed(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    handle.start_reads(2.5, interval_ms=10)
    for _ in range(4):
        time.sleep(0.5)
        server.restart()
    handle.end_reads().assert_all_read()


@pytest.mark.parametrize("generation", ["1.4", "2.x", "3.x", "3.3"])
def test_a_server_that_knows_no_users_yet(shim: Shim, serve: Serve, generation: str) -> None:
    """The first seconds after a start: every login is refused; with a good token in hand nobody cares."""
    server = serve(generation=generation, ttl=4)
    handle = Handle.open(shim, server.address, reads=read_of(generation))
    handle.reads(0.2).assert_all_read()
    server.restart(warm_up_ms=2000)
    tally = handle.reads(8)
    assert tally.errors == {}, tally
    if generation != "1.4":  # which refuses every token while it starts
        tally.assert_all_read()
    handle.reads(1).assert_all_read()


def test_a_deadline_holds_while_the_login_is_slow(shim: Shim, serve: Serve) -> None:
    """And the login is not given up with its caller: the next one finds it done."""
    server = serve()
    server.fault("login", "delay", delay_ms=5000)
    handle = Handle.open(shim, server.address)
    for op, fields in (("get_token", {}), ("request", READ)):
        began = time.monotonic()
        answer = handle.fail(op, "TIMEOUT", **fields, timeout_ms=300)
        assert 0.25 < time.monotonic() - began < 4
        assert answer["retryable"] is True
    handle.get_token()
    assert server.logins() == 1


def test_a_deadline_holds_while_the_answer_is_slow(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address, request_timeout_ms=400)
    handle.get_token()
    for kind in ("hang", "drip"):
        server.fault("request", kind)
        for deadline, fields in ((0.2, {"timeout_ms": 200}), (0.4, {})):
            began = time.monotonic()
            handle.fail("request", "TIMEOUT", **READ, **fields)
            assert deadline - 0.05 < time.monotonic() - began < deadline + 5
        server.clear_faults()
    handle.read()


def test_leaving_while_a_login_hangs(shim: Shim, serve: Serve) -> None:
    """close, free and the end of the program wait for nobody."""
    server = serve()
    server.fault("login", "hang")
    first, second = (Handle.open(shim, server.address, name=name) for name in ("first", "second"))
    tally = first.parallel(8, 1, timeout_ms=300)
    assert tally.errors == {"TIMEOUT": 8}
    began = time.monotonic()
    for op in ("close", "free"):
        assert first.ask(op) == {"ok": True}
    second.fail("get_token", "TIMEOUT", timeout_ms=300)
    # The login that hangs ends after 30 s.
    assert time.monotonic() - began < 10
    assert shim.end() < 15  # of which most is the language's own


def test_told_to_come_back_later(shim: Shim, serve: Serve) -> None:
    server = serve()
    server.fault("login", "status", status=429, retry_after=60)
    handle = Handle.open(shim, server.address)
    answer = handle.fail("get_token", "THROTTLED")
    assert answer["http_status"] == 429
    assert answer["retryable"] is True
    assert 40_000 <= answer["retry_after_ms"] <= 73_000
    tally = handle.parallel(4, 25)
    assert tally.errors == {"THROTTLED": 100}
    assert server.failed_logins() == 1


def test_how_long_to_leave_a_server_alone(shim: Shim, serve: Serve) -> None:
    """Retry-After in seconds or as a date, up to an hour; what makes no sense is ignored."""
    server = serve()
    hour, ten_years = 3600.0, 3650 * 86_400.0
    # A text as it is, a number as a date so many seconds from now. A wish may be exceeded by a fifth; without one the
    # library waits for 30 s at the most.
    wishes: list[tuple[int, str | float, float, float]] = [
        (429, "40", 40, 48),
        (503, "40", 40, 48),
        (429, 40.0, 40, 48),
        (429, f"{ten_years:.0f}", hour, 1.2 * hour),
        (429, ten_years, hour, 1.2 * hour),
        (429, -hour, 0, 30),
        (429, "-5", 0, 30),
        (429, "1.5", 0, 30),
        (429, "soon", 0, 30),
        (429, "", 0, 30),
    ]
    for n, (status, wish, least, most) in enumerate(wishes):
        retry_after = wish if isinstance(wish, str) else email.utils.formatdate(time.time() + wish, usegmt=True)
        server.fault("login", "status", times=1, status=status, retry_after=retry_after)
        handle = Handle.open(shim, server.address, f"user {n}", name=f"handle {n}")
        answer = handle.fail("get_token", "THROTTLED" if status == 429 else "SERVER", timeout_ms=500)
        assert answer["http_status"] == status
        assert least * 1000 - 20_000 < answer["retry_after_ms"] <= most * 1000, f"{retry_after}: {answer}"
        if least:
            assert handle.parallel(4, 5).ok == 0
        assert server.failed_logins() == n + 1, retry_after


def test_a_dead_server_first_in_the_list(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, f"{_closed_port()},{server.address},{_closed_port()}")
    handle.reads(1, interval_ms=10).assert_all_read()
    server.revoke()
    handle.reads(1, interval_ms=10).assert_all_read()
    assert server.logins() == 2


def test_one_of_two_servers_goes_down(shim: Shim, serve: Serve) -> None:
    secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    one, two = serve(secret=secret), serve(secret=secret)
    handle = Handle.open(shim, f"{one.address},{two.address}")
    handle.reads(0.3).assert_all_read()
    handle.start_reads(4, interval_ms=10)
    for server in (one, two):
        time.sleep(0.3)
        server.restart(down_ms=600)
        time.sleep(0.8)
        _wait_until_up(server)  # the two must not be down together
    handle.end_reads().assert_all_read()
