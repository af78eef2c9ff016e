"""What goes wrong, and as which exception it arrives."""

from __future__ import annotations

import pickle
import socket
import time
from pathlib import Path

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import Client

CONFIG = "/v1/cs/configs"


def test_request_timeout(server: DevServer, client: Client) -> None:
    client.token()
    server.control("/faults", on="request", kind="hang", times=0)
    start = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        client.get(CONFIG, timeout=0.3)
    assert 0.25 < time.monotonic() - start < 8  # 15 s without a time-out of its own
    error = caught.value
    assert isinstance(error, nacos_auth.NacosTimeoutError)
    assert (error.status, error.http_status, error.retryable) == ("TIMEOUT", None, True)


def test_token_timeout(server: DevServer, client: Client) -> None:
    server.control("/faults", on="login", kind="delay", delay_ms=3000, times=1)
    with pytest.raises(nacos_auth.NacosTimeoutError):
        client.token(timeout=0.1)
    assert client.token(timeout=60)  # the login went on and serves the next call
    assert server.counts()["logins"] == 1


def test_refused_connection_is_a_connection_error() -> None:
    with socket.socket() as reserved:  # bound and not listening: connections are refused
        reserved.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*reserved.getsockname())
        with Client(address, "nacos", "nacos") as client:
            with pytest.raises(ConnectionError) as caught:
                client.token()
            assert isinstance(caught.value, nacos_auth.NacosConnectionError)
            assert (caught.value.status, caught.value.retryable) == ("CONNECT", True)
            assert address in str(caught.value)


def test_throttled_login_says_when_to_come_back(server: DevServer, client: Client) -> None:
    server.control("/faults", on="login", kind="status", status=429, retry_after=120, times=0)
    for _ in range(2):  # the second is answered without asking the server
        with pytest.raises(nacos_auth.ThrottledError) as caught:
            client.token()
        assert caught.value.http_status == 429
    assert server.counts()["logins"] == 0
    assert caught.value.retry_after is not None
    assert 100 < caught.value.retry_after <= 144


def test_answers_are_not_errors(server: DevServer, client: Client) -> None:
    server.control("/faults", on="request", kind="status", status=503, times=1)
    answer = client.get(CONFIG)
    with pytest.raises(nacos_auth.HTTPStatusError) as caught:
        answer.raise_for_status()
    assert (caught.value.http_status, caught.value.retryable) == (503, True)
    assert str(caught.value) == "GET /v1/cs/configs was answered HTTP 503"


@pytest.mark.parametrize(
    ("server_addr", "options"),
    [
        ("", {}),
        ("127.0.0.1:99999", {}),
        ("127.0.0.1", {"connect_timeout": 0}),
        ("127.0.0.1", {"request_timeout": float("nan")}),
        ("127.0.0.1", {"token_in": "pigeon"}),
        ("127.0.0.1", {"anonymous": "always"}),
        ("127.0.0.1", {"ca_file": Path("/nowhere/ca.pem")}),
        ("127.0.0.1", {"context_path": "/na\0cos"}),
    ],
)
def test_wrong_configuration(server_addr: str, options: dict[str, object]) -> None:
    with pytest.raises(nacos_auth.InvalidArgumentError) as caught:
        Client(server_addr, "nacos", "nacos", **options)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)


def test_wrong_arguments(client: Client) -> None:
    with pytest.raises(nacos_auth.InvalidArgumentError, match="timeout"):
        client.token(timeout=0)
    with pytest.raises(nacos_auth.InvalidArgumentError, match="NUL"):
        client.get("/v1/cs/con\0figs")
    with pytest.raises(nacos_auth.InvalidArgumentError):
        client.post(CONFIG, data={"a": "b"}, body=b"c")
    with pytest.raises(nacos_auth.InvalidArgumentError, match="a value in params must be str"):
        client.get(CONFIG, params={"a": {"b": "c"}})  # type: ignore[dict-item]
    with pytest.raises(nacos_auth.InvalidArgumentError) as caught:
        client.get(CONFIG, params={"a": "\ud800"})
    assert caught.value.status == "INVALID_UTF8"


def test_errors_can_cross_processes(server: DevServer, client: Client) -> None:
    server.control("/faults", on="login", kind="status", status=429, retry_after=120, times=0)
    with pytest.raises(nacos_auth.ThrottledError) as caught:
        client.token()
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (type(twin), str(twin), vars(twin)) == (type(caught.value), str(caught.value), vars(caught.value))
    response = nacos_auth.Response("GET", "/", 500, nacos_auth.Headers([]), b"", 1, 0)
    with pytest.raises(nacos_auth.HTTPStatusError) as refused:
        response.raise_for_status()
    assert pickle.loads(pickle.dumps(refused.value)).response.status == 500


def test_text_follows_the_content_type() -> None:
    headers = nacos_auth.Headers([("Content-Type", 'text/plain; charset="ISO-8859-1"')])
    assert nacos_auth.Response("GET", "/", 200, headers, b"\xfc", 1, 0).text == "ü"
    unknown = nacos_auth.Headers([("Content-Type", "text/plain; charset=pigeon")])
    assert nacos_auth.Response("GET", "/", 200, unknown, "ü".encode(), 1, 0).text == "ü"
