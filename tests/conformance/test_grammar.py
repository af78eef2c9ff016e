"""The lines themselves: what is well said is done, what is not is refused, and the shim goes on."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from handle import READ, Handle
from shim import ROOT, Answer, Shim

UNUSED = "127.0.0.1:9"
BAD_LINES = {
    "not JSON": '{"op":"hello"',
    "empty": "",
    "not an object": "[1]",
    "no op": "{}",
    "unknown op": '{"op":"sing"}',
    "op of a wrong type": '{"op":1}',
    "unknown handle": '{"op":"get_token","auth":"nobody"}',
    "unknown handle in parallel": '{"op":"parallel","threads":1,"each":1,"do":{"op":"stats","auth":"nobody"}}',
    "missing field": '{"op":"get_token"}',
    "missing field of init": '{"op":"init","auth":"a"}',
    "missing field inside do": '{"op":"loop","duration_ms":1,"interval_ms":1,"do":{"op":"request","auth":"known"}}',
    "unknown op inside do": '{"op":"parallel","threads":1,"each":1,"do":{"op":"sing"}}',
    "unknown field": '{"op":"hello","loudly":true}',
    "field of another op": '{"op":"stats","auth":"known","timeout_ms":1}',
    "text for a number": '{"op":"get_token","auth":"known","timeout_ms":"1"}',
    "number for a text": '{"op":"stats","auth":1}',
    "text for a flag": '{"op":"get_token","auth":"known","reveal":"yes"}',
    "pairs of one": '{"op":"request","auth":"known","method":"GET","path":"/a","query":[["a"]]}',
    "pairs of numbers": '{"op":"request","auth":"known","method":"GET","path":"/a","query":[["a",1]]}',
    "not Base64": '{"op":"request","auth":"known","method":"POST","path":"/a","body_base64":"*"}',
    "unknown carriage": '{"op":"init","auth":"a","server_addr":"a","username":"u","password":"p","carriage":"x"}',
}


def _assert_refused(answer: Answer) -> None:
    assert answer["ok"] is False
    assert answer["status"] == "SHIM", answer
    assert isinstance(answer["message"], str)
    assert answer["message"]


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_refused_and_the_next_one_served(shim: Shim, line: str) -> None:
    Handle.open(shim, UNUSED, name="known")
    shim.send_line(line)
    _assert_refused(shim.answer())
    assert shim.ask("hello")["ok"] is True


def test_hello_tells_the_library(shim: Shim) -> None:
    """Every language runs on the library that the header belongs to."""
    header = (ROOT / "include" / "nacos_auth.h").read_text(encoding="utf-8")
    version = re.search(r'NACOS_AUTH_VERSION "(.+)"', header)
    abi = re.search(r"NACOS_AUTH_ABI_VERSION (\d+)", header)
    assert version
    assert abi
    answer = shim.ask("hello")
    assert answer.pop("language")
    assert answer == {"ok": True, "version": version[1], "abi": int(abi[1])}


def test_answers_come_in_the_order_of_the_requests(shim: Shim) -> None:
    for name in ("a", "b"):
        Handle.open(shim, UNUSED, name=name)
    for _ in range(20):
        shim.send({"op": "hello"})
        shim.send({"op": "stats", "auth": "b"})
        shim.send_line("?")
    for _ in range(20):
        assert "version" in shim.answer()
        assert "logins" in shim.answer()
        assert shim.answer()["status"] == "SHIM"


def test_stats_of_a_new_handle_are_zero(shim: Shim) -> None:
    stats = Handle.open(shim, UNUSED).stats()
    for counter in ("logins", "login_failures", "replays", "rejections"):
        assert stats[counter] == 0


def test_a_name_is_taken_until_it_is_freed(shim: Shim) -> None:
    handle = Handle.open(shim, UNUSED)
    again: dict[str, Any] = {"auth": handle.name, "server_addr": UNUSED, "username": "u", "password": "p"}
    _assert_refused(shim.ask("init", **again))
    assert handle.ask("free") == {"ok": True}
    _assert_refused(handle.ask("stats"))
    assert shim.ask("init", **again) == {"ok": True}


def test_a_closed_handle_says_so_until_it_is_freed(shim: Shim) -> None:
    handle = Handle.open(shim, UNUSED)
    for _ in range(2):
        assert handle.ask("close") == {"ok": True}
    handle.fail("get_token", "CLOSED")
    handle.fail("request", "CLOSED", **READ)
    handle.fail("set_credentials", "CLOSED", username="u", password="p")
    handle.fail("report_rejected", "CLOSED", generation=1, http_status=403, body="token expired!")
    assert handle.stats()["logins"] == 0
    assert handle.ask("free") == {"ok": True}


ADDRESSES = ("", " , ;", "ftp://a", "http://", "a b", "a:b", "a:0", "a:99999", "a\r\nb", "http://a/path", "u:p@a")
NO_PEM = ("/nowhere/a.pem", "/", str(ROOT / "LICENSE"))
UNUSABLE: dict[str, list[dict[str, str]]] = {
    "server_addr": [{"server_addr": address} for address in ADDRESSES],
    "username": [{"username": name} for name in ("", "a\nb", "a\r\nX-Injected: 1", "a\x01")],
    "password": [{"password": ""}],
    "context_path": [{"context_path": path} for path in ("/a b", "/a//b", "/a?b", "/a#b", "/a\r\nb", "/ü")],
    "ca_file": [{"ca_file": file, "server_addr": "https://a"} for file in NO_PEM],
    "client_cert_file": [{"client_cert_file": file, "client_key_file": "/nowhere/key.pem"} for file in NO_PEM],
    "client_key_file": [{"client_cert_file": "/nowhere/cert.pem"}],
    "proxy": [{"proxy": proxy} for proxy in ("gopher://a", "http://", "a b")],
}


@pytest.mark.parametrize("setting", UNUSABLE)
def test_init_names_the_setting_that_is_wrong(shim: Shim, setting: str) -> None:
    for fields in UNUSABLE[setting]:
        given: dict[str, Any] = {"server_addr": UNUSED, "username": "u", "password": "p", **fields}
        answer = shim.ask("init", auth="a", **given)
        assert answer["status"] == "INVALID_CONFIG", f"{fields}: {answer}"
        assert setting in answer["message"], f"{fields}: {answer}"
        assert answer["message"].isprintable(), f"{fields}: {answer}"
        assert answer["retryable"] is False
        _assert_refused(shim.ask("stats", auth="a"))


@pytest.mark.parametrize("setting", ["server_addr", "username", "password", "context_path", "ca_file", "proxy"])
def test_a_nul_is_not_the_end_of_a_setting(shim: Shim, setting: str) -> None:
    """Where texts have a length, one that goes on behind a NUL is refused, not cut."""
    if shim.language in {"c", "c-async", "c-both"}:
        pytest.skip("a text of C ends at its NUL")
    given: dict[str, Any] = {"server_addr": UNUSED, "username": "u", "password": "p"}
    answer = shim.ask("init", auth="a", **{**given, setting: "a\0b"})
    if shim.language == "rust" and setting == "password":  # where it is a byte like any other
        assert answer == {"ok": True}
        return
    assert answer["status"] in {"INVALID_CONFIG", "INVALID_ARGUMENT"}, answer
    assert setting in answer["message"], answer


def test_a_failure_has_all_its_fields(shim: Shim) -> None:
    handle = Handle.open(shim, UNUSED)
    answer = handle.fail("request", "INVALID_ARGUMENT", method="GET", path="no-slash")
    kinds = {name: type(value) for name, value in answer.items()}
    assert kinds == {
        "ok": bool,
        "status": str,
        "http_status": int,
        "retryable": bool,
        "retry_after_ms": int,
        "message": str,
    }, json.dumps(answer)


def test_parallel_and_loop_count(shim: Shim) -> None:
    handle = Handle.open(shim, UNUSED)
    tally = handle.parallel(3, 5, "stats")
    assert (tally.ok, tally.errors, tally.http, tally.generations) == (15, {}, {}, 0)
    assert 0 <= tally.p50_ms <= tally.p99_ms <= tally.max_ms
    handle.ask("close")
    tally = handle.parallel(3, 5)
    assert (tally.ok, tally.errors) == (0, {"CLOSED": 15})
    tally = handle.reads(0.3, interval_ms=50)
    assert tally.ok == 0
    assert 1 <= tally.errors["CLOSED"] <= 7
