"""Answers that no Nacos gives, to a login and to a request: an error that quotes little and harms nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Serve
from handle import PASSWORD, READ, Handle
from recorder import GRANT, Recorder
from shim import Shim

PROTOCOL, REFUSED = "PROTOCOL", "BAD_CREDENTIALS"
A_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln"  # a shim that shows it fails


def _grant(token: object, **more: object) -> bytes:
    return json.dumps({"accessToken": token, **more}).encode()


# Status and body of the answer, and what the caller is told.
BAD_LOGINS: dict[str, tuple[int, bytes, str]] = {
    "empty": (200, b"", PROTOCOL),
    "a page": (200, b"<html><body>Please sign in</body></html>" * 500, PROTOCOL),
    "binary": (200, bytes(range(256)) * 20, PROTOCOL),
    "a byte that is no UTF-8": (200, b'{"accessToken":"abc\xff"}', PROTOCOL),
    "UTF-16": (200, GRANT.decode().encode("utf-16"), PROTOCOL),
    "cut": (200, _grant(A_TOKEN)[:40], PROTOCOL),
    "two answers": (200, GRANT + GRANT, PROTOCOL),
    "NaN": (200, b'{"accessToken":"abc","tokenTtl":NaN}', PROTOCOL),
    "deeply nested": (200, b"[" * 50_000, PROTOCOL),
    "100 KB": (200, _grant("x" * 100_000), PROTOCOL),
    "a token with CR and LF": (200, _grant(A_TOKEN + "\r\nX-Injected: 1"), PROTOCOL),
    "a token with NUL": (200, _grant(A_TOKEN + "\0"), PROTOCOL),
    "a token with a space": (200, _grant(A_TOKEN + " x"), PROTOCOL),
    "a token that is no ASCII": (200, _grant(A_TOKEN + "ü"), PROTOCOL),
    "a number": (200, b"42", PROTOCOL),
    "a text": (200, b'"' + A_TOKEN.encode() + b'"', PROTOCOL),
    "a list": (200, b"[" + GRANT + b"]", PROTOCOL),
    "null": (200, b"null", PROTOCOL),
    "a token that is a number": (200, _grant(42), PROTOCOL),
    "a token that is an object": (200, _grant({"value": A_TOKEN}), PROTOCOL),
    "a token that is null": (200, _grant(None), REFUSED),
    "an empty token": (200, _grant("", tokenTtl=18000), REFUSED),
    "a message instead": (200, b'{"code":500,"message":"\\r\\n\\u001b[31mno"}', REFUSED),
    "the password": (403, f"{PASSWORD} is no password".encode(), REFUSED),
    "201 without a token": (201, b"{}", REFUSED),
    "418": (418, b"teapot " * 1000, PROTOCOL),
    "304": (304, b"", PROTOCOL),
}


def test_answers_that_hold_no_token(shim: Shim, recorder: Recorder) -> None:
    for name, (status, body, expected) in BAD_LOGINS.items():
        recorder.login_status, recorder.login_body = status, body
        handle = Handle.open(shim, recorder.address, name, name=name)
        answer = handle.ask("get_token")
        assert (answer["ok"], answer.get("status")) == (False, expected), f"{name}: {answer}"
        assert answer["http_status"] in (status, 0), name
        assert recorder.address in answer["message"], name
        assert answer["message"].isprintable(), f"{name}: {answer}"
        assert len(answer["message"]) <= 200 + 150, f"{name}: {answer}"
        assert answer["retry_after_ms"] > 0, name
        assert handle.parallel(4, 5).errors == {expected: 20}, name
        handle.ask("free")
        # The first pause is half a second at least, and each is twice as long as the one before.
        assert len([login for login in recorder.logins if ("username", name) in login.form]) <= 5, name


# What `tokenTtl` says, and the seconds that the library reckons with.
LIVES: dict[str, tuple[bytes, int]] = {
    "a number": (b"18000", 18_000),
    "a text": (b'"18000"', 18_000),
    "missing": (b"", 300),
    "0": (b"0", 300),
    "-1": (b"-1", 300),
    "null": (b"null", 300),
    "a word": (b'"soon"', 300),
    "a list": (b"[18000]", 300),
    "an object": (b"{}", 300),
    "true": (b"true", 300),
    "100.5": (b"100.5", 100),
    "1e18": (b"1e18", 86_400),
    "1e308": (b"1e308", 86_400),
    "2 to the 63": (b"9223372036854775808", 86_400),
    "more than 64 bits": (b"9" * 40, 86_400),
}


def test_lives_of_every_kind(shim: Shim, recorder: Recorder) -> None:
    for name, (ttl, seconds) in LIVES.items():
        recorder.login_body = b'{"accessToken":"t"' + (b',"tokenTtl":' + ttl if ttl else b"") + b"}"
        handle = Handle.open(shim, recorder.address, name, name=name)
        remaining = handle.get_token()["remaining_ms"]
        assert seconds * 1000 - 30_000 < remaining <= seconds * 1000, f"{name}: {remaining}"
        assert handle.read()["http_status"] == 200
    assert len(recorder.logins) == len(LIVES)


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"kind": "cut"}, "IO"), ({"kind": "oversized"}, "TOO_LARGE"), ({"kind": "reset"}, "IO")],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_an_answer_to_a_request_that_is_none(shim: Shim, serve: Serve, fault: dict[str, Any], status: str) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.read()
    server.reset_counts()
    server.fault("request", **fault)
    answer = handle.fail("request", status, **{**READ, "method": "DELETE", "query": [["dataId", "a"], ["group", "b"]]})
    assert answer["http_status"] == 0
    assert server.address in answer["message"]
    assert len(answer["message"]) < 500
    server.clear_faults()
    handle.reads(0.1).assert_all_read()
    assert server.logins() == 0


def test_a_refusal_without_end(shim: Shim, serve: Serve) -> None:
    """1 GiB: its first words are what counts, and not much of it is kept."""
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.read()
    server.fault("request", "oversized", times=1, status=403, body="token expired! ")
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (200, True)
    server.fault("request", "oversized", times=1, status=403, body="authorization failed! ")
    answer = handle.read()
    assert (answer["http_status"], answer["replayed"]) == (403, False)
    assert len(answer["body"]) <= 64 * 1024
    assert server.logins() == 2


def test_what_is_no_refusal_is_handed_on(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    for status, body in [(200, "<html>Please sign in</html>"), (500, "caused: \x00\r\n;"), (404, ""), (503, "{")]:
        server.fault("request", "status", times=1, status=status, body=body)
        answer = handle.read()
        assert (answer["http_status"], answer["replayed"]) == (status, False)
        assert answer.get("body", body) == body
    assert server.logins() == 1
