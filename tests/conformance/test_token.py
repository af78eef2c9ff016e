"""The cached token: one login serves everybody."""

from __future__ import annotations

import time

from conftest import Serve
from handle import USER, WRONG, Handle
from shim import Shim


def test_one_login_serves_many_calls(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    first = handle.get_token()
    assert first["length"] > 50
    assert first["generation"] > 0
    assert 17_000_000 < first["remaining_ms"] <= 18_000_000
    assert first["expired"] is False
    assert "token" not in first
    for _ in range(20):
        assert handle.get_token()["generation"] == first["generation"]
    tally = handle.parallel(4, 500)
    assert (tally.ok, tally.errors, tally.generations) == (2000, {}, 1)
    handle.parallel_reads(4, 10).assert_all_read()
    assert server.logins() == 1
    stats = handle.stats()
    assert (stats["logins"], stats["login_failures"], stats["replays"], stats["rejections"]) == (1, 0, 0, 0)


def test_the_token_is_told_on_request_only(shim: Shim, serve: Serve) -> None:
    handle = Handle.open(shim, serve().address)
    token = handle.get_token(reveal=True)
    assert token["token"].startswith("eyJ")
    assert len(token["token"]) == token["length"]
    assert "token" not in handle.get_token(reveal=False)


def test_64_callers_with_an_empty_cache_share_one_login(shim: Shim, serve: Serve) -> None:
    server = serve()
    server.fault("login", "delay", delay_ms=500)
    tally = Handle.open(shim, server.address).parallel(64, 3)
    assert (tally.ok, tally.errors, tally.generations) == (192, {}, 1)
    assert 400 < tally.max_ms < 20_000  # one after the other: 32 s
    assert server.logins() == 1


def test_64_callers_share_one_failure(shim: Shim, serve: Serve) -> None:
    server = serve()
    server.fault("login", "delay", delay_ms=500)
    handle = Handle.open(shim, server.address, USER, WRONG)
    tally = handle.parallel(64, 3)
    assert (tally.ok, tally.errors) == (0, {"BAD_CREDENTIALS": 192})
    assert handle.stats()["login_failures"] == 1
    assert server.failed_logins() == 1


def test_handles_of_the_same_account_share_one_login(shim: Shim, serve: Serve) -> None:
    server = serve()
    handles = [Handle.open(shim, server.address, name=f"handle {n}") for n in range(5)]
    generations = {handle.get_token()["generation"] for handle in handles}
    assert len(generations) == 1
    handles[0].ask("close")
    handles[1].ask("free")
    assert handles[2].get_token()["generation"] in generations
    assert server.logins() == 1


def test_two_users_have_two_tokens(shim: Shim, serve: Serve) -> None:
    server = serve()
    server.set_user("bob", "bob's own secret")
    alice = Handle.open(shim, server.address, name="alice")
    bob = Handle.open(shim, server.address, "bob", "bob's own secret", name="bob")
    tokens = {handle.get_token(reveal=True)["token"] for handle in (alice, bob)}
    assert len(tokens) == 2
    assert server.logins() == 2


def test_parallel_is_parallel(shim: Shim, serve: Serve) -> None:
    server = serve()
    server.fault("request", "delay", delay_ms=300)
    handle = Handle.open(shim, server.address)
    began = time.monotonic()
    handle.parallel_reads(32, 2).assert_all_read()
    assert 0.6 <= time.monotonic() - began < 15  # one after the other: 19.2 s
