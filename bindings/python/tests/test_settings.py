"""Settings of clients and of single calls; what answers, errors, events and log records tell beyond their text."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import trustme

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Cause, Client, Event, Response, Sensitive

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
FORM = {**DEMO, "content": "x"}
WaitUntil = Callable[..., None]


@pytest.fixture
def closed_port() -> Iterator[str]:
    with socket.socket() as reserved:  # bound and not listening: connections are refused
        reserved.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*reserved.getsockname())


def test_wait(server: DevServer, client: Client, wait_until: WaitUntil) -> None:
    server.control("/faults", on="login", kind="delay", delay_ms=500, times=1)
    for call in (partial(client.token, wait=False), partial(client.get, CONFIG, params=DEMO, wait=False)):
        start = time.monotonic()
        with pytest.raises(nacos_auth.WouldBlockError) as caught:
            call()
        assert time.monotonic() - start < 0.4
        assert isinstance(caught.value, BlockingIOError)
        assert (caught.value.status, caught.value.cause) == ("WOULD_BLOCK", Cause.WOULD_BLOCK)
    wait_until(lambda: client.generation > 0)  # a login has begun all the same
    assert client.token_info(wait=False).value == client.token(wait=False)
    assert client.get(CONFIG, params=DEMO, wait=False).status == 200


def test_wait_async(server: DevServer) -> None:
    server.control("/faults", on="login", kind="delay", delay_ms=500, times=1)

    async def main() -> None:
        async with AsyncClient(server.address, "nacos", "nacos") as client:
            coroutine = client.token(wait=False)
            with pytest.raises(nacos_auth.WouldBlockError):
                coroutine.send(None)  # ends without a turn of the loop
            token = await client.token()
            assert await client.token(wait=False) == token

    asyncio.run(main())


def test_replay(server: DevServer, client: Client) -> None:
    client.token()
    server.control("/secret")
    refused = client.get(CONFIG, params=DEMO, replay=False)
    assert (refused.status, refused.replays, refused.attempts) == (403, 0, 1)
    answer = client.get(CONFIG, params=DEMO)
    assert answer.status == 200
    server.control("/secret")
    answer = client.get(CONFIG, params=DEMO)
    assert (answer.status, answer.replays) == (200, 1)
    assert answer.attempts >= 2


def test_failover(server: DevServer, closed_port: str) -> None:
    with Client(server.address, "nacos", "nacos") as client:
        token = client.token()
    servers = f"{closed_port},{server.address}"
    caught = None
    for _ in range(40):  # which server comes first is drawn for each client
        with Client(servers, token=token) as client:  # without a login nobody has found out who is down
            try:
                client.get(CONFIG, params=DEMO, failover=False)
            except nacos_auth.NacosConnectionError as error:
                caught = error
            answer = client.get(CONFIG, params=DEMO)
        if caught is not None:
            break
    assert caught is not None
    assert (caught.server, caught.was_sent) == (closed_port, False)
    assert answer.server == server.address


def test_idempotent(server: DevServer, client: Client) -> None:
    client.get(CONFIG, params=DEMO)
    server.control("/faults", on="request", kind="reset", times=1)
    with pytest.raises(nacos_auth.NacosConnectionError) as caught:
        client.get(CONFIG, params=DEMO, idempotent=False)
    error = caught.value
    assert (error.status, error.cause, error.server, error.was_sent) == (
        "IO",
        Cause.CONNECTION_BROKEN,
        server.address,
        True,
    )
    server.control("/faults", on="request", kind="reset", times=1)
    answer = client.post(CONFIG, data=FORM, idempotent=True)
    assert (answer.status, answer.attempts, answer.replays) == (200, 2, 0)


def test_anonymous(server: DevServer) -> None:
    server.control("/auth", enabled=False)
    server.control("/faults", on="login", kind="status", status=404, times=0)
    with Client(server.address, "nacos", "nacos") as client:
        assert client.get(CONFIG, params=DEMO).generation == 0
        with pytest.raises(nacos_auth.NacosError):
            client.get(CONFIG, params=DEMO, anonymous=False)


def test_an_unknown_setting_is_a_type_error(client: Client) -> None:
    with pytest.raises(TypeError, match="patience"):
        client.get(CONFIG, patience=1)  # type: ignore[call-arg]


def test_sensitive(server: DevServer) -> None:
    secret = "correct horse battery staple"
    events: list[Event] = []
    with Client(server.address, "nacos", "nacos", on_event=events.append) as client:
        client.post(CONFIG, data=[*DEMO.items(), ("content", Sensitive(secret))])
        assert client.get(CONFIG, params=DEMO, headers={"X-Api-Key": Sensitive(secret)}).text == secret
        refusal = f'{{"status":403,"message":"authorization failed! key {secret} may not read"}}'
        server.control("/faults", on="request", kind="status", status=403, body=refusal, times=0)
        assert client.get(CONFIG, headers=[("X-Api-Key", Sensitive(secret))]).status == 403
    assert events[-1].kind == "permission_denied"
    texts = [repr(events), repr(Sensitive(secret)), str(Sensitive(secret))]
    wrong: list[dict[str, str | Sensitive]]
    wrong = [{"key": Sensitive(secret + "\ud800")}, {"one": Sensitive(secret), "other": "\ud800"}]
    for values in wrong:
        with pytest.raises(nacos_auth.InvalidArgumentError) as caught:
            client.get(CONFIG, params=values)
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        texts += [str(caught.value), "".join(traceback.StackSummary.from_list(frames.stack[1:]).format())]
    assert not any(secret in text for text in texts)


def test_a_value_may_hold_a_nul_and_be_empty(client: Client) -> None:
    for content in ("a\0b", Sensitive("a\0b")):
        client.post(CONFIG, data=[*DEMO.items(), ("content", content)]).raise_for_status()
        assert client.get(CONFIG, params=DEMO).text == "a\0b"
    assert client.get(CONFIG, params={**DEMO, "tenant": ""}).status == 200


def test_answers_tell_who_answered(server: DevServer, client: Client) -> None:
    answer = client.get(CONFIG, params=DEMO)
    assert (answer.server, answer.attempts, answer.is_truncated) == (server.address, 1, False)
    with pytest.raises(nacos_auth.HTTPStatusError) as caught:
        Response("GET", "/", 503, nacos_auth.Headers([]), b"", 1, 0, "a:1").raise_for_status()
    assert (caught.value.server, caught.value.was_sent) == ("a:1", True)
    server.control("/faults", on="request", kind="status", status=404, body="x" * 100_000, times=1)
    cut = client.get(CONFIG, params=DEMO)
    assert (cut.status, cut.is_truncated, len(cut.content)) == (404, True, 65536)


def test_errors_tell_why_where_and_whether_it_was_sent(server: DevServer, closed_port: str) -> None:
    with Client(closed_port, "nacos", "nacos") as client, pytest.raises(ConnectionError) as refused:
        client.get(CONFIG)
    with Client(server.address, "nacos", "wrong") as client, pytest.raises(nacos_auth.BadCredentialsError) as wrong:
        client.get(CONFIG)
    with Client(server.address, "nacos", "nacos") as client:
        client.token()
        server.control("/faults", on="request", kind="hang", times=0)
        with pytest.raises(TimeoutError) as late:
            client.post(CONFIG, data=FORM, timeout=0.3)
    with pytest.raises(nacos_auth.InvalidArgumentError) as here:
        client.get("/a\0b")
    told = [
        (getattr(error.value, "cause", ""), getattr(error.value, "server", ""), getattr(error.value, "was_sent", ""))
        for error in (refused, wrong, late, here)
    ]
    assert told == [
        (Cause.CONNECTION_REFUSED, closed_port, False),
        (Cause.WRONG_CREDENTIALS, server.address, False),
        (Cause.NO_ANSWER, server.address, True),
        (Cause.INVALID_ARGUMENT, None, False),
    ]
    assert told[2][0] == "no-answer"


def test_events_and_log_records_tell_why_and_where(
    server: DevServer, caplog: pytest.LogCaptureFixture, wait_until: WaitUntil
) -> None:
    caplog.set_level(logging.DEBUG, "nacos_auth.test")
    logger, events = logging.getLogger("nacos_auth.test"), list[Event]()
    with Client(server.address, "nacos", "wrong", on_event=events.append, logger=logger) as client:
        with pytest.raises(nacos_auth.BadCredentialsError):
            client.token()
        wait_until(lambda: events and events[-1].kind == "login_failed")
    started, failed = events[0], next(event for event in events if event.kind == "login_failed")
    assert (started.kind, started.cause) == ("login_started", None)
    assert (failed.cause, failed.server) == (Cause.WRONG_CREDENTIALS, server.address)
    told: list[Any] = [(vars(record)["nacos_cause"], vars(record)["nacos_server"]) for record in caplog.records]
    assert (Cause.WRONG_CREDENTIALS, server.address) in told
    assert told[0][0] is None


def test_retry_ends_a_pause(server: DevServer, client: Client) -> None:
    server.control("/faults", on="login", kind="status", status=429, retry_after=120, times=0)
    with pytest.raises(nacos_auth.ThrottledError):
        client.token()
    server.clear_faults()
    with pytest.raises(nacos_auth.ThrottledError):
        client.token()
    client.retry()
    assert server.status_with(client.token()) == 200
    client.close()
    with pytest.raises(nacos_auth.ClosedError):
        client.retry()


def test_close_tells_whether_a_function_still_runs(server: DevServer) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(event: Event) -> None:
        entered.set()
        leave.wait(60)

    client = Client(server.address, "nacos", "nacos", on_event=slow)
    client.token()
    assert entered.wait(60)
    start = time.monotonic()
    assert client.close(0.3) is False
    assert 0.2 < time.monotonic() - start < 20
    with pytest.raises(nacos_auth.ClosedError):
        client.token()
    leave.set()
    assert client.close() is True
    with Client(server.address, "nacos", "nacos") as other:
        assert other.close(0) is True


def test_max_response_size(server: DevServer) -> None:
    with Client(server.address, "nacos", "nacos", max_response_size=1000) as client:
        client.post(CONFIG, data={**DEMO, "content": "x" * 2000})
        with pytest.raises(nacos_auth.ProtocolError) as caught:
            client.get(CONFIG, params=DEMO)
        assert (caught.value.status, caught.value.cause) == ("TOO_LARGE", Cause.ANSWER_TOO_LARGE)


def test_user_agent() -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    seen.append(connection.recv(65536))

        thread = threading.Thread(target=serve)
        thread.start()
        address = "{}:{}".format(*listener.getsockname())
        with (
            Client(address, token="t", user_agent="my-program/1.0") as client,
            pytest.raises(nacos_auth.NacosConnectionError),
        ):
            client.get(CONFIG, idempotent=False)
        thread.join()
    assert b"user-agent: my-program/1.0\r\n" in seen[0].lower()


@pytest.fixture
def tls_port() -> Iterator[tuple[str, trustme.CA]]:
    """Speaks TLS as nacos.example, and wants a client certificate; the authority of both."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("nacos.example").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with suppress(OSError), context.wrap_socket(connection, server_side=True) as inside:
                        inside.recv(65536)
                        inside.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

        thread = threading.Thread(target=serve)
        thread.start()
        yield "https://{}:{}".format(*listener.getsockname()), authority
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_pem_and_server_name(tls_port: tuple[str, trustme.CA]) -> None:
    address, authority = tls_port
    own = authority.issue_cert("client.example")
    certificate, key = own.cert_chain_pems[0].bytes(), own.private_key_pem.bytes()
    settings: dict[str, Any] = {"token": "t", "ca_pem": authority.cert_pem.bytes()}
    with Client(address, **settings) as client, pytest.raises(nacos_auth.NacosConnectionError) as caught:
        client.get(CONFIG)
    assert (caught.value.status, caught.value.cause) == ("TLS", Cause.CERTIFICATE_NAME)
    settings["tls_server_name"] = "nacos.example"
    with (
        Client(address, **settings) as client,
        pytest.raises(nacos_auth.NacosConnectionError) as caught,
    ):
        client.get(CONFIG, idempotent=False)
    assert caught.value.cause == Cause.CLIENT_CERTIFICATE
    settings.update(client_cert_pem=certificate.decode(), client_key_pem=key)
    with Client(address, **settings) as client:
        assert client.get(CONFIG).text == "ok"


@pytest.mark.parametrize(
    "settings",
    [
        {"ca_pem": "no PEM"},
        {"ca_pem": b"a\0b"},
        {"client_key_pem": "a\0b"},
        {"client_key_pem": "my secret", "client_cert_pem": "no PEM"},
        {"ca_pem": "x", "ca_file": "y"},
        {"tls_server_name": "not a name"},
        {"user_agent": "a\nb"},
        {"max_response_size": 0},
        {"max_connections": -1},
        {"token_in": "bearer"},
    ],
)
def test_wrong_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(nacos_auth.InvalidArgumentError) as caught:
        Client("https://127.0.0.1", "nacos", "nacos", **settings)
    assert caught.value.cause in {Cause.INVALID_ARGUMENT, Cause.INVALID_CONFIG}
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
    assert "my secret" not in "".join(traceback.StackSummary.from_list(frames).format()) + str(caught.value)
