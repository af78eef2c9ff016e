"""What stands between a program and its servers: gateways, balancers, and tokens that not every node knows yet."""

from __future__ import annotations

import time
from typing import Any

import pytest

from conftest import Serve
from devserver import DevServer
from handle import PASSWORD, READ, READ_V3, USER, WRONG, Handle
from recorder import V1, V3
from shim import Shim

V1_USERS = "/nacos/v1/auth/users/login"
DATA = ["/nacos/v1/cs/*", "/nacos/v1/ns/*"]
# What a gateway says to a path that it does not publish.
ANSWERS: dict[str, dict[str, Any]] = {
    "a page with 400": {"kind": "gateway", "status": 400},
    "a page with 401": {"kind": "gateway", "status": 401},
    "a page with 403": {"kind": "gateway", "status": 403},
    "a page with 404": {"kind": "gateway", "status": 404},
    "a page with 405": {"kind": "gateway", "status": 405},
    "a page with 501": {"kind": "gateway", "status": 501},
    "a page with 503": {"kind": "gateway", "status": 503},
    "a redirect": {"kind": "gateway", "status": 302, "location": "http://127.0.0.1:9/portal"},
    "a portal": {"kind": "html"},
}
PUBLISH: dict[str, Any] = {
    "method": "POST",
    "path": "/v1/cs/configs",
    "form": [["dataId", "mine"], ["group", "DEFAULT_GROUP"], ["content", "a=1"]],
}
SECRETS = {name: name * 43 + "=" for name in "AQ"}  # Base64 of 32 bytes each
AWAY = 20.0  # seconds that a gateway finds no server behind it
BACK = 5.0  # seconds in which calls work again
SLOW = 3.0  # seconds that a busy machine may take beyond that


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("published", [[V1_USERS], [V1], [V3]], ids=["v1 users", "v1", "v3"])
def test_a_gateway_publishes_one_login(shim: Shim, serve: Serve, published: list[str], answer: dict[str, Any]) -> None:
    """The others are answered by the gateway, which is no Nacos: that decides nothing."""
    server = serve(generation="3.x")
    server.fault("all", **answer, except_=[*published, *DATA])
    handle = Handle.open(shim, server.address)
    handle.reads(0.3).assert_all_read()
    server.revoke()
    handle.reads(0.3).assert_all_read()
    assert server.logins() == 2
    assert sum(server.login_attempts().values()) <= 2 + 3  # it knows the second time


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_gateway_keeps_v3_for_itself(shim: Shim, serve: Serve, answer: dict[str, Any]) -> None:
    server = serve()
    server.fault("all", **answer, paths=["/nacos/v3/*"])
    handle = Handle.open(shim, server.address)
    assert handle.parallel_reads(8, 5).http == {"200": 40}
    assert server.logins() == 1


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_wrong_password_behind_a_gateway(shim: Shim, serve: Serve, answer: dict[str, Any]) -> None:
    """A Nacos has refused it: that counts, not what the gateway said before or would say next."""
    server = serve()
    server.fault("all", **answer, except_=[V1_USERS, *DATA])
    handle = Handle.open(shim, server.address, password=WRONG)
    assert handle.fail("get_token", "BAD_CREDENTIALS")["http_status"] == 403
    assert handle.parallel(4, 10).errors == {"BAD_CREDENTIALS": 40}
    assert server.login_attempts()[V1_USERS] == 1


@pytest.mark.parametrize("answer", [ANSWERS["a portal"], ANSWERS["a page with 404"]], ids=["a portal", "404"])
def test_what_is_no_nacos_gets_no_body(shim: Shim, serve: Serve, answer: dict[str, Any]) -> None:
    """Nor does its page ever pass for an answer."""
    server = serve()
    server.fault("all", **answer)
    handle = Handle.open(shim, server.address)
    handle.fail("get_token", "PROTOCOL")
    for request in (READ, PUBLISH, {**PUBLISH, "method": "PUT"}):
        failed = handle.fail("request", "PROTOCOL", **request, timeout_ms=3000)
        assert server.address in failed["message"]
    assert server.counts()["bodies"] == 0
    assert server.counts()["by_data_id"].get("mine") is None


@pytest.mark.parametrize(
    ("status", "retry_after", "away"), [(502, None, AWAY), (503, "1", 6.0), (504, None, 6.0)], ids=["502", "503", "504"]
)
def test_a_gateway_without_a_server_behind_it(
    shim: Shim, serve: Serve, status: int, retry_after: str | None, away: float
) -> None:
    server = serve()
    server.fault("all", "gateway", status=status, retry_after=retry_after, for_ms=round(away * 1000))
    began = time.monotonic()
    handle = Handle.open(shim, server.address)
    attempts: dict[str, int] = {}
    while time.monotonic() - began < away - 1:
        handle.ask("request", **READ, timeout_ms=500)
        attempts = server.login_attempts()
        time.sleep(0.1)
    assert max(attempts.values()) <= 1.5 * away + 2, attempts  # about one a second
    _wait_until_read(handle, began + away + BACK + SLOW)
    handle.reads(0.3).assert_all_read()


def test_a_gateway_loses_its_server_while_a_token_is_held(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.read()
    server.fault("all", "gateway", for_ms=3000)
    began = time.monotonic()
    while time.monotonic() - began < 2:
        assert handle.ask("request", **READ, timeout_ms=500).get("http_status") in (502, 200, 0)
        time.sleep(0.1)
    _wait_until_read(handle, began + 3 + BACK + SLOW)
    handle.reads(0.3).assert_all_read()
    assert (server.logins(), server.failed_logins()) == (1, 0)


def _wait_until_read(handle: Handle, limit: float) -> None:
    while handle.ask("request", **READ, timeout_ms=500).get("http_status") != 200:
        assert time.monotonic() < limit, "calls do not work in time"
        time.sleep(0.1)


@pytest.mark.parametrize("delay_ms", [60, 500, 900])
@pytest.mark.parametrize("generation", ["2.x", "rnacos"])
def test_a_fresh_token_counts_late(shim: Shim, serve: Serve, generation: str, delay_ms: int) -> None:
    """It is tried again after 50, 200 and 800 ms; another login would bring one that is even younger."""
    server = serve(generation=generation, token_delay_ms=delay_ms)
    handle = Handle.open(shim, server.address)
    handle.reads(2).assert_all_read()
    assert handle.parallel_reads(16, 5).http == {"200": 80}
    server.rotate_secret()
    handle.reads(2).assert_all_read()
    assert handle.ask("request", **PUBLISH).get("http_status") == 200
    assert server.logins() <= 4


def test_r_nacos_0_8_5_with_default_settings(shim: Shim, serve: Serve) -> None:
    """The place that it reads is found, once."""
    server = serve(generation="rnacos-0.8.5")
    handle = Handle.open(shim, server.address)
    assert handle.parallel_reads(16, 5).http == {"200": 80}
    assert handle.ask("request", **PUBLISH).get("http_status") == 200
    server.reset_counts()
    handle.reads(0.5).assert_all_read()
    counts = server.counts()
    assert (counts["logins"], counts["rejections"]) == (0, 0)
    server.revoke()
    assert handle.parallel_reads(16, 5).http == {"200": 80}
    assert server.logins() <= 2


def test_r_nacos_0_8_5_where_it_is_told(shim: Shim, serve: Serve) -> None:
    server = serve(generation="rnacos-0.8.5")
    handle = Handle.open(shim, server.address, carriage="query")
    handle.reads(0.3).assert_all_read()
    server.revoke()
    handle.reads(0.3).assert_all_read()
    assert server.logins() == 2


def test_r_nacos_0_8_5_is_upgraded(shim: Shim, serve: Serve) -> None:
    """0.8.8 reads a token in more places, among them every one that 0.8.5 reads."""
    server = serve(generation="rnacos-0.8.5")
    handle = Handle.open(shim, server.address)
    handle.reads(0.3).assert_all_read()
    for generation in ("rnacos", "2.x"):
        server.upgrade(generation)
        server.rotate_secret()
        handle.reads(0.5).assert_all_read()


@pytest.mark.parametrize("nodes", ["AAQ", "AQ"])
@pytest.mark.parametrize("spread", ["request", "connection"])
def test_several_secrets_behind_one_address(shim: Shim, serve: Serve, nodes: str, spread: str) -> None:
    """A token is good at some nodes only, for 15 s and longer: every call is answered, and logins stay few."""
    server = serve(secret=[SECRETS[node] for node in nodes], spread=spread)
    handle = Handle.open(shim, server.address)
    handle.reads(15, interval_ms=100).assert_all_read()
    assert server.logins() <= 5
    assert server.failed_logins() == 0


def test_the_secret_changes_node_by_node_behind_one_address(shim: Shim, serve: Serve) -> None:
    server = serve(secret=[SECRETS["A"]] * 3)
    handle = Handle.open(shim, server.address)
    handle.reads(0.3).assert_all_read()
    handle.start_reads(6, interval_ms=100)
    for node in range(3):
        time.sleep(1.5)
        server.rotate_secret(SECRETS["Q"], node=node)
    handle.end_reads().assert_all_read()
    handle.reads(0.5).assert_all_read()
    assert server.logins() <= 5


def test_a_compressed_refusal(shim: Shim, serve: Serve) -> None:
    """The caller asks for gzip; what the server says about a token is in it all the same."""
    server = serve(gzip="accepted")
    headers = [["Accept-Encoding", "gzip"]]
    handle = Handle.open(shim, server.address)
    handle.read()
    server.revoke()
    answer = handle.ask("request", **PUBLISH, headers=headers)
    assert (answer.get("http_status"), answer.get("replayed")) == (200, True), answer
    assert server.logins() == 2
    server.rotate_secret()
    handle.reads(0.2, headers=headers).assert_all_read()
    assert server.logins() == 3
    poor = Handle.open(shim, server.address, "poor", "poor", name="poor")
    assert poor.read(headers=headers)["http_status"] == 403
    tally = poor.parallel_reads(4, 5, headers=headers)
    assert tally.http == {"403": 20}
    assert server.logins() == 4  # a missing permission needs no other token


def test_refusals_compressed_unasked(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address, "poor", "poor")
    handle.get_token()
    server.set_gzip("always")
    assert handle.parallel_reads(4, 5).http == {"403": 20}
    assert server.logins() == 1


def test_a_gateway_guards_one_path(shim: Shim, serve: Serve) -> None:
    """With a 401 of its own, and no login works meanwhile: the token stays good for the other paths."""
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.reads(0.2).assert_all_read()
    server.fault("request", "gateway", status=401, paths=["/nacos/v1/guarded"])
    server.fault("login", "status", status=503)
    handle.ask("request", method="GET", path="/v1/guarded", timeout_ms=2000)
    handle.reads(1).assert_all_read()


def test_a_gateway_takes_the_words_out_of_refusals(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.reads(0.2).assert_all_read()
    server.fault("request", "rewrite", status=401, paths=["/nacos/v1/cs/*"])
    handle.reads(0.2).assert_all_read()
    server.revoke()
    handle.reads(1).assert_all_read()
    assert server.logins() == 2


SKILL: dict[str, Any] = {"method": "GET", "path": "/v3/client/ai/skills", "query": [["name", "s"]]}


@pytest.mark.parametrize("generation", ["3.2", "3.3"])
def test_a_wrong_password_where_anonymous_reads_work(shim: Shim, serve: Serve, generation: str) -> None:
    """Who sent nothing instead would be served as nobody, and never learn of it."""
    server = serve(generation=generation, anonymous_ai=True)
    handle = Handle.open(shim, server.address, password=WRONG)
    handle.fail("request", "BAD_CREDENTIALS", **SKILL)
    handle.fail("request", "BAD_CREDENTIALS", **READ_V3)
    handle.set_credentials(USER, PASSWORD)
    assert handle.ask("request", **SKILL).get("http_status") == 200
    _revoked_and_read(server, handle, SKILL)


def test_the_ai_registry_says_401(shim: Shim, serve: Serve) -> None:
    server = serve(generation="3.3")
    agents: dict[str, Any] = {"method": "GET", "path": "/v3/ai/ard/agents"}
    handle = Handle.open(shim, server.address)
    assert handle.ask("request", **agents).get("http_status") == 200
    _revoked_and_read(server, handle, agents)
    poor = Handle.open(shim, server.address, "poor", "poor", name="poor")
    answer = poor.ask("request", **agents)
    assert (answer.get("http_status"), answer.get("replayed")) == (403, False), answer


def _revoked_and_read(server: DevServer, handle: Handle, request: dict[str, Any]) -> None:
    """A refused token is replaced, and the request repeated."""
    server.revoke()
    answer = handle.ask("request", **request)
    assert (answer.get("http_status"), answer.get("replayed")) == (200, True), answer
