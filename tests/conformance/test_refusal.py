"""What no login cures, or only one with other credentials."""

from __future__ import annotations

import time

import pytest

from conftest import Serve
from handle import PASSWORD, READ, USER, WRONG, Handle, read_of
from shim import Shim


@pytest.mark.parametrize("generation", ["1.4", "2.x", "3.x", "3.2", "3.3"])
def test_a_missing_permission_is_passed_on(shim: Shim, serve: Serve, generation: str) -> None:
    server = serve(generation=generation)
    handle = Handle.open(shim, server.address, "poor", "poor", reads=read_of(generation))
    answer = handle.read()
    assert answer["http_status"] == 403
    assert answer["replayed"] is False
    assert "authorization failed" in answer["body"]
    tally = handle.parallel_reads(8, 10)
    assert (tally.ok, tally.errors, tally.http) == (80, {}, {"403": 80})
    counts = server.counts()
    assert (counts["logins"], counts["login_failures"]) == (1, 0)
    assert counts["permission_rejections"] == counts["requests"] == 81
    stats = handle.stats()
    assert (stats["replays"], stats["rejections"]) == (0, 81)


def test_a_wrong_password_is_tried_once(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address, USER, WRONG)
    answer = handle.fail("get_token", "BAD_CREDENTIALS")
    assert answer["http_status"] == 403
    assert answer["retryable"] is False
    assert answer["retry_after_ms"] > 1_000  # of 17 s and more
    assert server.address in answer["message"]
    tally = handle.parallel(4, 25)
    assert (tally.ok, tally.errors) == (0, {"BAD_CREDENTIALS": 100})
    assert tally.p50_ms < 1000  # from memory
    assert handle.stats()["login_failures"] == 1
    assert server.failed_logins() == 1


def test_the_right_password_helps_at_once(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address, USER, WRONG)
    handle.fail("get_token", "BAD_CREDENTIALS")
    handle.set_credentials(USER, PASSWORD)
    began = time.monotonic()
    handle.get_token()
    assert time.monotonic() - began < 15  # a wrong one is tried again after 17 s and more
    handle.reads(0.2).assert_all_read()
    assert (server.logins(), server.failed_logins()) == (1, 1)


def test_other_credentials_mean_another_token(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    before = handle.get_token()["generation"]
    handle.set_credentials("poor", "poor")
    assert handle.read()["http_status"] == 403
    assert handle.get_token()["generation"] != before
    handle.set_credentials(USER, PASSWORD)
    assert handle.read()["http_status"] == 200


def test_unusable_credentials_leave_the_old_ones(shim: Shim, serve: Serve) -> None:
    handle = Handle.open(shim, serve().address)
    handle.fail("set_credentials", "INVALID_ARGUMENT", username="", password="p")
    handle.fail("set_credentials", "INVALID_ARGUMENT", username="u", password="")
    handle.reads(0.1).assert_all_read()


@pytest.mark.parametrize(
    ("status", "body", "advice", "logins"),
    [
        (403, "token expired!", "replay", 1),
        (403, '{"status":403,"message":"Code: 401, Message: token invalid!."}', "replay", 1),
        (403, '{"code":10001,"message":"access denied","data":"Code: 401, Message: token expired!."}', "replay", 1),
        (401, '{"errorCode":"UNAUTHENTICATED","message":"Code: 401, Message: token invalid!."}', "replay", 1),
        (403, '{"code":10001,"data":"Code: 403, Message: authorization failed!."}', "return", 0),
        (403, "authorization failed!", "return", 0),
        (403, "<html>Forbidden</html>", "replay_if_idempotent", 1),
        (200, "token expired!", "return", 0),
        (404, "config data not exist", "return", 0),
        (503, "", "return", 0),
    ],
)
def test_advice_for_answers_of_another_http_stack(
    shim: Shim, serve: Serve, status: int, body: str, advice: str, logins: int
) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    generation = handle.get_token()["generation"]
    answer = handle.ask("report_rejected", generation=generation, http_status=status, body=body)
    assert answer == {"ok": True, "advice": advice}
    after = handle.get_token()["generation"]
    assert (after != generation) == bool(logins)
    assert server.logins() == 1 + logins
    assert handle.stats()["replays"] == logins


def test_a_late_report_costs_no_login(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    old = handle.get_token()["generation"]
    for _ in range(10):
        answer = handle.ask("report_rejected", generation=old, http_status=403, body="token expired!")
        assert answer["advice"] == "replay"
        assert handle.get_token()["generation"] != old
    assert server.logins() == 2


def test_refused_without_a_reason_costs_one_login(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    server.fault("request", "status", status=403, body="<html>Forbidden</html>", content_type="text/html")
    tally = handle.reads(1, interval_ms=10)
    assert tally.errors == {}
    assert tally.http == {"403": tally.ok}
    assert server.logins() <= 2
    server.clear_faults()
    handle.reads(0.2).assert_all_read()


def test_a_token_refused_without_a_word(shim: Shim, serve: Serve) -> None:
    """A server that hides its messages: one login shows whether the token was the reason, and then not again soon."""
    server = serve()
    silent = '{"timestamp":"2026-01-01T00:00:00.000+00:00","status":403,"error":"Forbidden","path":"/nacos"}'
    handle = Handle.open(shim, server.address)
    before = handle.get_token()["generation"]
    server.fault("request", "status", times=1, status=403, body=silent, content_type="application/json")
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (200, True)
    assert handle.get_token()["generation"] != before
    server.fault("request", "status", status=403, body=silent, content_type="application/json")
    tally = handle.parallel_reads(4, 25)
    assert (tally.errors, tally.http) == ({}, {"403": 100})
    assert server.logins() == 2


def test_a_post_refused_without_a_word_is_not_sent_again(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    server.reset_counts()
    server.fault("request", "status", times=1, status=403, body="")
    form = [["dataId", "mine"], ["group", "DEFAULT_GROUP"], ["content", "a=1"]]
    answer = handle.ask("request", method="POST", path="/v1/cs/configs", form=form)
    assert (answer["http_status"], answer["replayed"]) == (403, False)
    counts = server.counts()
    assert counts["requests"] == 1
    assert counts["logins"] <= 1


def test_a_500_that_means_an_expired_token(shim: Shim, serve: Serve) -> None:
    """1.4.8 in the very instant of expiry. Any other 500 is the caller's."""
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.read()
    server.fault("request", "status", times=1, status=500, body="Server failed,JWT expired at 2026-01-01T00:00:00Z")
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (200, True)
    server.fault("request", "status", times=1, status=500, body="Server failed,token invalid!")
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (500, False)
    assert server.logins() == 2


def test_tokens_that_are_refused_as_soon_as_they_are_given(shim: Shim, serve: Serve) -> None:
    """Servers that do not share a secret or a clock: two logins, and then an error that says so."""
    server = serve()
    handle = Handle.open(shim, server.address)
    server.fault("request", "status", status=403, body="token expired!")
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (403, True)
    tally = handle.parallel_reads(8, 10)
    assert set(tally.errors) == {"FORBIDDEN"}
    answer = handle.fail("request", "FORBIDDEN", **READ)
    assert answer["http_status"] == 403
    assert answer["retry_after_ms"] > 0
    assert server.address in answer["message"]
    assert "secret" in answer["message"]
    assert server.logins() == 2
