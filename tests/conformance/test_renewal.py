"""Tokens that end: by their age, by a new secret. No caller may notice."""

from __future__ import annotations

import time

import pytest

from conftest import Serve
from handle import Handle
from shim import Shim


def test_a_short_life_is_renewed_before_it_ends(shim: Shim, serve: Serve) -> None:
    """Four lives of 3 s each in a row: nobody waits for a rejection, but where a busy machine brings a renewal late."""
    server = serve(ttl=3)
    handle = Handle.open(shim, server.address)
    began = time.monotonic()
    tally = handle.reads(12.5)
    tally.assert_all_read()
    assert tally.ok > 50
    counts = server.counts()
    assert counts["login_failures"] == 0
    assert 2 * counts["rejections"] < counts["logins"]
    assert 4 <= counts["logins"] <= time.monotonic() - began  # a second apart at least
    assert 3 <= tally.generations <= counts["logins"]
    assert handle.stats()["logins"] == counts["logins"]


def test_64_callers_across_the_ends_of_three_lives(shim: Shim, serve: Serve) -> None:
    server = serve(ttl=3)
    server.fault("request", "delay", delay_ms=100)
    handle = Handle.open(shim, server.address)
    began = time.monotonic()
    tally = handle.parallel_reads(64, 100)  # each takes 0.1 s: 10 s
    tally.assert_all_read()
    assert tally.ok == 6400
    assert 3 <= tally.generations <= server.logins() <= 2 + time.monotonic() - began  # a second apart at least


def test_a_new_secret_under_load(shim: Shim, serve: Serve) -> None:
    """A login more, a replay at least, and no caller sees a 403."""
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    handle.start_reads(4, interval_ms=10)
    while server.counts()["requests"] < 10:  # in the middle of it
        time.sleep(0.05)
    server.rotate_secret()
    tally = handle.end_reads()
    tally.assert_all_read()
    assert tally.generations == 2
    assert server.logins() == 2
    stats = handle.stats()
    assert stats["replays"] >= 1
    assert stats["rejections"] == server.counts()["rejections"] == stats["replays"]


OLD, NEW = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE=", "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE="


@pytest.mark.parametrize("restarts", [False, True], ids=["in place", "with restarts"])
def test_a_new_secret_node_by_node(shim: Shim, serve: Serve, restarts: bool) -> None:
    """Three nodes, which disagree for a while about every token."""
    nodes = [serve(secret=OLD) for _ in range(3)]
    handle = Handle.open(shim, ",".join(node.address for node in nodes))
    handle.get_token()
    handle.start_reads(2.5, interval_ms=10)
    for node in nodes:
        time.sleep(0.6)
        if restarts:
            node.restart(down_ms=300)
        node.rotate_secret(NEW)
    tally = handle.end_reads()
    tally.assert_all_read()
    assert tally.ok > 50
    # Each node gives it one token; twice if it was slow to answer, and another one asked.
    assert 2 <= tally.generations <= sum(node.logins() for node in nodes) <= 2 * len(nodes)


def test_a_new_token_of_a_node_that_goes_down(shim: Shim, serve: Serve) -> None:
    """The first node with the new secret issues a token and is gone; the others refuse it and issue another."""
    nodes = [serve(secret=OLD) for _ in range(3)]
    handle = Handle.open(shim, ",".join(node.address for node in nodes))
    handle.reads(0.1).assert_all_read()
    first = max(nodes, key=lambda node: node.counts()["requests"])
    first.rotate_secret(NEW)
    refused = handle.get_token()["generation"]
    handle.ask("report_rejected", generation=refused, http_status=403, body="token invalid!")
    assert handle.get_token()["generation"] != refused
    first.restart(down_ms=2000)
    handle.reads(1).assert_all_read()


def test_64_callers_whose_token_is_refused_share_one_login(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    server.revoke()
    server.fault("login", "delay", delay_ms=300)
    tally = handle.parallel_reads(64, 3)
    tally.assert_all_read()
    assert tally.ok == 192
    assert tally.generations == 1
    assert server.logins() == 2
    assert 1 <= handle.stats()["replays"] <= 64


def test_an_answer_says_whether_it_was_replayed(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    assert handle.read()["replayed"] is False
    server.revoke()
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (200, True)
    assert handle.read()["replayed"] is False


def test_a_refused_post_is_sent_again_with_its_body(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    form = [["dataId", "posted"], ["group", "DEFAULT_GROUP"], ["content", "a=1&b=ü"]]
    handle.get_token()
    server.revoke()
    answer = handle.ask("request", method="POST", path="/v1/cs/configs", form=form)
    assert (answer["http_status"], answer["body"], answer["replayed"]) == (200, "true", True)
    query = [["dataId", "posted"], ["group", "DEFAULT_GROUP"]]
    answer = handle.ask("request", method="GET", path="/v1/cs/configs", query=query)
    assert answer["body"] == "a=1&b=ü"
    assert answer["replayed"] is False


def test_the_token_cache_of_the_server_makes_no_storm(shim: Shim, serve: Serve) -> None:
    """Every login gives the same token with less life left, until its last tenth."""
    server = serve(ttl=5, token_cache=True)
    began = time.monotonic()
    tally = Handle.open(shim, server.address).reads(12)
    tally.assert_all_read()
    assert server.logins() <= 1 + time.monotonic() - began  # a second apart at least
