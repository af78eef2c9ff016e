"""What each language puts on the wire, and what it makes of the answer."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from conftest import Serve
from handle import PASSWORD, USER, Handle
from recorder import TOKEN, Recorder
from shim import Shim

TRICKY = "a b+c&d=e/f?g#h%41ü€😀"


def test_a_login_carries_the_credentials_in_its_body_only(shim: Shim, recorder: Recorder) -> None:
    Handle.open(shim, recorder.address).get_token()
    assert len(recorder.logins) == 1
    login = recorder.logins[0]
    assert login.method == "POST"
    assert login.path in ("/nacos/v1/auth/login", "/nacos/v3/auth/user/login")
    assert login.query == []
    assert login.form == [("username", USER), ("password", PASSWORD)]
    assert login.header("content-type") == ["application/x-www-form-urlencoded"]
    assert not login.header("authorization")
    assert not login.header("accesstoken")
    assert not login.header("cookie")


def test_a_login_with_a_token_in_hand_carries_none(shim: Shim, recorder: Recorder) -> None:
    """The server would look at it first, and refuse the login for it."""
    for carriage in ("bearer", "header", "query"):
        handle = Handle.open(shim, recorder.address, carriage, name=carriage, carriage=carriage)
        handle.read()
        recorder.refusals = 1
        assert handle.read()["replayed"] is True
    assert len(recorder.logins) == 6
    for login in recorder.logins:
        assert login.query == []
        assert [name for name, _ in login.form] == ["username", "password"]
        assert not login.header("authorization")
        assert not login.header("accesstoken")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(shim: Shim, serve: Serve, recorder: Recorder, status: int) -> None:
    """Neither password nor token goes where a server points."""
    server = serve()
    there = f"http://{recorder.address}/nacos/v1/auth/login"
    server.fault("login", "redirect", status=status, location=there)
    answer = Handle.open(shim, server.address).fail("get_token", "PROTOCOL")
    assert answer["http_status"] == status
    assert "redirect" in answer["message"]
    server.clear_faults()
    handle = Handle.open(shim, server.address, "poor", "poor", name="poor")
    server.fault("request", "redirect", status=status, location=there)
    assert handle.read()["http_status"] == status
    assert (recorder.logins, recorder.requests) == ([], [])


@pytest.mark.parametrize("carriage", ["bearer", "header", "query"])
def test_the_token_rides_in_one_place(shim: Shim, recorder: Recorder, carriage: str) -> None:
    handle = Handle.open(shim, recorder.address, carriage=carriage)
    handle.read()
    seen = recorder.requests[0]
    assert seen.header("authorization") == ([f"Bearer {TOKEN}"] if carriage == "bearer" else [])
    assert seen.header("accesstoken") == ([TOKEN] if carriage == "header" else [])
    own = [("dataId", "demo"), ("group", "DEFAULT_GROUP")]
    assert seen.query == own + ([("accessToken", TOKEN)] if carriage == "query" else [])


@pytest.mark.parametrize("carriage", ["header", "query"])
def test_a_gateway_may_have_authorization_for_itself(shim: Shim, recorder: Recorder, carriage: str) -> None:
    handle = Handle.open(shim, recorder.address, carriage=carriage)
    handle.ask("request", method="GET", path="/v1/a", headers=[["Authorization", "Basic Zm9v"]])
    assert recorder.requests[0].header("authorization") == ["Basic Zm9v"]


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": [["Authorization", "Bearer mine"]]},
        {"headers": [["ACCESSTOKEN", "mine"]]},
        {"query": [["accessToken", "mine"]]},
        {"path": "/v1/a?accessToken=mine"},
        {"method": "POST", "form": [["accessToken", "mine"]]},
        {"headers": [["X-Split", "a\r\nb"]]},
        {"path": "/v1//a"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_would_spoil_a_request_is_refused(shim: Shim, recorder: Recorder, fields: dict[str, Any]) -> None:
    handle = Handle.open(shim, recorder.address)
    handle.fail("request", "INVALID_ARGUMENT", **{"method": "GET", "path": "/v1/a", **fields})
    assert recorder.requests == []


@pytest.mark.parametrize(("context_path", "prefix"), [(None, "/nacos"), ("", ""), ("/", ""), ("/a/b", "/a/b")])
def test_the_context_path_is_where_it_all_begins(
    shim: Shim, recorder: Recorder, context_path: str | None, prefix: str
) -> None:
    fields: dict[str, Any] = {} if context_path is None else {"context_path": context_path}
    Handle.open(shim, recorder.address, **fields).ask("request", method="GET", path="/v1/cs/configs")
    assert recorder.logins[0].path in (f"{prefix}/v1/auth/login", f"{prefix}/v3/auth/user/login")
    assert recorder.requests[0].path == f"{prefix}/v1/cs/configs"


def test_query_and_headers_arrive_as_given(shim: Shim, recorder: Recorder) -> None:
    query = [["dataId", TRICKY], ["empty", ""], ["twice", "1"], ["twice", "2"]]
    headers = [["X-One", "1"], ["X-Many", "a"], ["X-Many", "b"], ["Long-Pulling-Timeout", "30000"]]
    answer = Handle.open(shim, recorder.address).ask(
        "request", method="GET", path="/v1/cs/configs", query=query, headers=headers
    )
    assert answer["ok"] is True, answer
    seen = recorder.requests[0]
    # A map of a language keeps no order between names, but the order within one.
    assert sorted(seen.query) == sorted((name, value) for name, value in query)
    assert [value for name, value in seen.query if name == "twice"] == ["1", "2"]
    assert seen.header("x-one") == ["1"]
    assert seen.header("x-many") == ["a", "b"]
    assert seen.header("long-pulling-timeout") == ["30000"]
    assert seen.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_form_arrives_as_given(shim: Shim, recorder: Recorder, method: str) -> None:
    form = [["content", TRICKY], ["empty", ""], ["Listening-Configs", "a\x02b\x01"]]
    handle = Handle.open(shim, recorder.address)
    assert handle.ask("request", method=method, path="/v1/cs/configs", form=form)["http_status"] == 200
    seen = recorder.requests[0]
    assert seen.method == method
    assert sorted(seen.form) == sorted((name, value) for name, value in form)
    assert seen.header("content-type") == ["application/x-www-form-urlencoded"]


def test_a_body_arrives_byte_by_byte(shim: Shim, recorder: Recorder) -> None:
    handle = Handle.open(shim, recorder.address)
    raw = bytes(range(256)) * 300
    json_header = [["Content-Type", "application/json"]]
    fields: dict[str, Any] = {"method": "POST", "path": "/v1/a"}
    assert handle.ask("request", **fields, body='{"a":"ü"}', headers=json_header)["ok"] is True
    assert handle.ask("request", **fields, body_base64=base64.b64encode(raw).decode())["ok"] is True
    first, second = recorder.requests
    assert first.body == '{"a":"ü"}'.encode()
    assert first.header("content-type") == ["application/json"]
    assert second.body == raw


ANSWERS = {"none": b"", "text": "ü€😀\n".encode(), "nul": b"\x00text", "raw": b"\xff\x00" * 40_000}


@pytest.mark.parametrize("body", ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_arrives_byte_by_byte(shim: Shim, recorder: Recorder, body: bytes) -> None:
    recorder.body = body
    answer = Handle.open(shim, recorder.address).read()
    assert answer["http_status"] == 200
    got = base64.b64decode(answer["body_base64"]) if "body_base64" in answer else answer["body"].encode()
    assert got == body
    headers = Counter((name.lower(), value) for name, value in answer["headers"])
    assert headers["x-answer", "one"] == headers["x-answer", "two"] == 1
    assert headers["content-length", str(len(body))] == 1
