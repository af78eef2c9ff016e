"""Whether a body of http.client has come, over TCP and TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from nacos_auth._http_client import is_due

HEAD = b"HTTP/1.1 200 X\r\n"
Serve = Callable[[Any], None]


@pytest.fixture(params=["tcp", "tls"])
def ask(request: pytest.FixtureRequest) -> Callable[[Serve], http.client.HTTPResponse]:
    """Gives the answer of a server that does as it is told with a connection."""
    authority = trustme.CA()
    contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(contexts[0])
    authority.configure_trust(contexts[1])

    def ask(serve: Serve) -> http.client.HTTPResponse:
        listener = socket.create_server(("127.0.0.1", 0))
        request.addfinalizer(listener.close)

        def run() -> None:
            connection, _ = listener.accept()
            served = contexts[0].wrap_socket(connection, server_side=True) if request.param == "tls" else connection
            with served:
                served.recv(4096)
                serve(served)

        threading.Thread(target=run, daemon=True).start()
        port = listener.getsockname()[1]
        if request.param == "tls":
            client: http.client.HTTPConnection = http.client.HTTPSConnection("127.0.0.1", port, context=contexts[1])
        else:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        request.addfinalizer(client.close)
        client.request("GET", "/")
        answer = client.getresponse()
        request.addfinalizer(answer.close)
        return answer

    return ask


def due(answer: http.client.HTTPResponse, seconds: float) -> bool:
    return is_due(answer.fp, seconds)


def test_a_body_that_comes_with_the_head(ask: Callable[[Serve], http.client.HTTPResponse]) -> None:
    answer = ask(lambda connection: connection.sendall(HEAD + b"Content-Length: 5\r\n\r\nhello"))
    assert due(answer, 5)
    assert answer.read1(100) == b"hello"
    assert due(answer, 0.1)  # its end
    assert answer.read1(100) == b""


def test_a_body_that_stops(ask: Callable[[Serve], http.client.HTTPResponse]) -> None:
    go_on = threading.Event()

    def serve(connection: Any) -> None:
        connection.sendall(HEAD + b"Content-Length: 10\r\n\r\nhello")
        go_on.wait(20)
        connection.sendall(b"world")

    answer = ask(serve)
    assert due(answer, 5)
    assert answer.read1(100) == b"hello"
    start = time.monotonic()
    assert not due(answer, 0.2)
    assert 0.1 < time.monotonic() - start < 5
    go_on.set()
    assert due(answer, 5)
    assert answer.read() == b"world"


def test_chunks(ask: Callable[[Serve], http.client.HTTPResponse]) -> None:
    go_on = threading.Event()

    def serve(connection: Any) -> None:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n to\r\n")
        go_on.wait(20)
        connection.sendall(b"3\r\nyou\r\n0\r\n\r\n")

    answer = ask(serve)
    assert due(answer, 5)
    assert answer.read1(100) == b"hello"
    assert due(answer, 5)
    assert answer.read1(100) == b" to"
    assert not due(answer, 0.2)
    go_on.set()
    assert due(answer, 5)
    assert answer.read() == b"you"


def test_a_connection_that_ends(ask: Callable[[Serve], http.client.HTTPResponse]) -> None:
    answer = ask(lambda connection: connection.sendall(HEAD + b"\r\nhello"))
    assert due(answer, 5)
    assert answer.read1(100) == b"hello"
    assert due(answer, 5)
    assert answer.read1(100) == b""
    assert is_due(None, 0)
