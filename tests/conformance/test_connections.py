"""Connections that the server closes: a caller does not notice, and nothing is done twice."""

from __future__ import annotations

from typing import Any

from conftest import Serve
from handle import PASSWORD, READ, USER, WRONG, Handle
from recorder import Recorder
from shim import Shim

PUBLISH: dict[str, Any] = {
    "method": "POST",
    "path": "/v1/cs/configs",
    "form": [["dataId", "mine"], ["group", "DEFAULT_GROUP"], ["content", "a=1"]],
}


def test_situation_54_the_server_closes_after_100_requests(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    server.reset_counts()
    tally = handle.parallel(1, 250, "request", **PUBLISH)
    assert (tally.ok, tally.errors, tally.http) == (250, {}, {"200": 250})
    counts = server.counts()
    assert (counts["requests"], counts["logins"]) == (250, 0)
    assert 3 <= counts["connections"] <= 4


def test_the_server_closes_what_is_idle(shim: Shim, recorder: Recorder) -> None:
    recorder.idle = 0.7
    handle = Handle.open(shim, recorder.address)
    for fields in (PUBLISH, READ, PUBLISH):
        recorder.wait_for_no_connection()
        answer = handle.ask("request", **fields)
        assert answer.get("http_status") == 200, answer
    assert [seen.method for seen in recorder.requests] == ["POST", "GET", "POST"]
    assert len(recorder.logins) == 1


def test_the_server_closes_after_every_failure(shim: Shim, serve: Serve) -> None:
    """As 3.x does after a 500, which is also its answer to a wrong password."""
    server = serve(generation="3.x")
    handle = Handle.open(shim, server.address, USER, WRONG)
    for name in ("nobody", "nobody else"):
        assert Handle.open(shim, server.address, name, WRONG, name=name).ask("get_token")["ok"] is False
    assert handle.ask("get_token")["ok"] is False
    handle.set_credentials(USER, PASSWORD)
    for _ in range(5):
        server.fault("request", "status", times=1, status=500, body="caused: a bad day;")
        assert handle.ask("request", **PUBLISH)["http_status"] == 500
        server.clear_faults()
        assert handle.ask("request", **PUBLISH)["http_status"] == 200
    assert (server.logins(), server.failed_logins(), server.counts()["requests"]) == (1, 3, 10)


def test_a_connection_that_breaks_in_a_request(shim: Shim, serve: Serve) -> None:
    """Nobody knows what the server has done by then: what may be done twice is sent again, a POST is not."""
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    server.reset_counts()
    server.fault("request", "reset", times=1)
    answer = handle.fail("request", "IO", **PUBLISH)
    assert (answer["retryable"], server.counts()["requests"]) == (True, 1)
    server.fault("request", "reset", times=1)
    assert handle.read()["http_status"] == 200
    assert server.counts()["requests"] == 3
