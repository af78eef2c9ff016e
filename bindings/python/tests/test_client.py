"""The main ways through a client, against the devserver."""

from __future__ import annotations

import copy
import pickle
import time
import traceback
from collections.abc import Callable

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import Advice, Client, Response

CONFIG = "/v1/cs/configs"
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}


def test_token_is_accepted_and_one_login_serves_all(server: DevServer, client: Client) -> None:
    token = client.token()
    assert server.status_with(token) == 200
    with Client(server.address, "nacos", "nacos") as twin:
        assert twin.token() == token
    info = client.token_info()
    assert (info.value, info.generation, info.expired) == (token, client.generation, False)
    assert 0 < info.remaining <= 18000
    assert server.counts()["logins"] == 1


def test_publish_and_read(client: Client) -> None:
    content = "a=1&b=2 + ü 100%\n"
    form = {**DEMO, "dataId": "a b/ü", "content": content}
    assert client.post(CONFIG, data=form).raise_for_status().text == "true"
    read = client.get(CONFIG, params={"dataId": "a b/ü", "group": "DEFAULT_GROUP"})
    assert (read.status, read.text, read.replays, read.generation) == (200, content, 0, client.generation)
    assert client.delete(CONFIG, params={"dataId": "a b/ü", "group": "DEFAULT_GROUP"}).status == 200
    missing = client.get(CONFIG, params={"dataId": "a b/ü", "group": "DEFAULT_GROUP"})
    with pytest.raises(nacos_auth.HTTPStatusError) as caught:
        missing.raise_for_status()
    assert (caught.value.http_status, caught.value.status, caught.value.response) == (404, "HTTP", missing)


def test_body_and_query_in_the_path(client: Client) -> None:
    answer = client.post(
        CONFIG,
        body="dataId=raw&group=DEFAULT_GROUP&content=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.text == "true"
    assert client.get(CONFIG + "?dataId=raw&group=DEFAULT_GROUP").content == b"x"


def test_headers_in_any_case(client: Client) -> None:
    headers = client.get(CONFIG, params=DEMO).headers
    assert headers["content-TYPE"] == dict(headers)["content-type"]
    assert "absent" not in headers
    assert [name.lower() for name, _ in headers.multi_items()].count("content-type") == 1


@pytest.mark.parametrize("token_in", ["auto", "authorization", "header", "query"])
def test_places_of_the_token(server: DevServer, token_in: nacos_auth._arguments.TokenIn) -> None:
    with Client(server.address, "nacos", "nacos", token_in=token_in) as client:
        assert client.get(CONFIG, params=DEMO).status == 200


def test_stats(client: Client) -> None:
    assert client.stats().token_state == "none"
    client.get(CONFIG, params=DEMO)
    stats = client.stats()
    assert (stats.logins, stats.requests, stats.replays, stats.rejections) == (1, 1, 0, 0)
    assert (stats.token_state, stats.refresh_state, stats.generation) == ("fresh", "idle", client.generation)


def test_expiry_is_not_seen(start_server: Callable[..., DevServer], wait_until: Callable[..., None]) -> None:
    server = start_server("--ttl", "2")
    with Client(server.address, "nacos", "nacos") as client:
        tokens, end = set(), time.monotonic() + 5
        while time.monotonic() < end:
            token = client.token()
            tokens.add(token)
            assert client.get(CONFIG, params=DEMO).status == 200
            time.sleep(0.02)
        assert len(tokens) >= 2
        assert client.stats().logins >= 2
        # On a busy machine one may end between the two calls.
        wait_until(lambda: server.status_with(client.token()) == 200)


def test_rotation_is_replayed_and_moves_the_cached_token(server: DevServer, client: Client) -> None:
    old, generation = client.token(), client.generation
    server.control("/secret")
    assert client.token() == old  # nothing has told the client yet
    answer = client.get(CONFIG, params=DEMO)
    assert (answer.status, answer.replays) == (200, 1)
    assert answer.generation == client.generation > generation
    assert client.token() != old
    assert server.status_with(client.token()) == 200


@pytest.mark.parametrize("generation", ["1.4", "2.x", "3.x", "rnacos", "rnacos-0.8.5"])
def test_every_generation_of_servers(start_server: Callable[..., DevServer], generation: str) -> None:
    server = start_server("--generation", generation)
    with Client(server.address, "nacos", "nacos") as client, Client(server.address, "nacos", "wrong") as wrong:
        client.token()
        server.control("/secret")
        answer = client.get(CONFIG, params=DEMO)
        assert (answer.status, answer.replays) == (200, 1)
        with pytest.raises(nacos_auth.BadCredentialsError):
            wrong.token()


def test_rejection_seen_by_another_http_client(server: DevServer, client: Client) -> None:
    info = client.token_info()
    server.control("/secret")
    status, body = server.answer_to(client.token())
    assert status == 403
    assert client.report_rejected(info.generation, status, body).advice is Advice.REPLAY
    assert server.status_with(client.token()) == 200
    assert client.report_rejected(client.generation, 403, "authorization failed!").advice is Advice.RETURN
    assert server.counts()["logins"] == 2


def test_missing_permission_costs_no_login(server: DevServer) -> None:
    with Client(server.address, "poor", "poor") as client:
        for _ in range(5):
            answer = client.get(CONFIG, params=DEMO)
            assert (answer.status, answer.replays) == (403, 0)
        assert client.stats().rejections_permission == 5
    assert server.counts()["logins"] == 1


def test_wrong_password_then_right(server: DevServer) -> None:
    with Client(server.address, "nacos", "wrong") as client:
        with pytest.raises(nacos_auth.BadCredentialsError) as caught:
            client.token()
        assert caught.value.status == "BAD_CREDENTIALS"
        assert caught.value.http_status in {403, 500}
        assert server.address in str(caught.value)
        client.set_credentials("nacos", "nacos")
        assert server.status_with(client.token()) == 200
        client.set_credentials("poor", "poor")  # the cached token of the former account is gone at once
        assert client.get(CONFIG, params=DEMO).status == 403


def test_cached_token_does_not_cross_the_boundary(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    token = client.token()
    native = nacos_auth._library.library()
    for name in nacos_auth._declarations.FUNCTIONS:
        if not name.endswith("_free"):  # of the login's cancel, by the thread that made the call
            monkeypatch.setattr(native, name, None)
    try:
        assert client.token() is token
    finally:
        monkeypatch.undo()


def test_no_secret_in_any_text(server: DevServer) -> None:
    password = "correct horse battery staple"
    server.control("/user", username="writer", password=password, permitted=True)
    with Client(server.address, "writer", password) as client:
        token = client.token()
        closed = Client(server.address, "writer", password)
        closed.close()
        server.control("/faults", on="all", kind="reset", times=0)
        client.report_rejected(client.generation, 403, "token expired!")
        texts = [repr(client), repr(client.stats())]
        for call in (
            client.token,
            lambda: client.get(CONFIG),
            lambda: closed.set_credentials("writer", password),
            lambda: closed.set_token(token),
            lambda: client.set_credentials("writer", password + "\0"),
            lambda: client.set_token(token + "\ud800"),
            lambda: Client(server.address, "writer", password + "\0"),
            lambda: Client(server.address, "writer", password, connect_timeout=-1),
            lambda: Client(server.address, token=token, username="writer"),
        ):
            with pytest.raises(nacos_auth.NacosError) as caught:
                call()
            frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            own = [frame for frame in frames.stack if "/nacos_auth/" in frame.filename]
            assert own
            texts += [str(caught.value), repr(caught.value), "".join(traceback.StackSummary.from_list(own).format())]
        server.clear_faults()
        client.set_credentials("writer", password)
        texts += [repr(client.token_info()), repr(client.get(CONFIG))]
        assert server.status_with(client.token()) == 200
    for text in texts:
        assert password not in text
        assert token not in text


def test_closed(server: DevServer) -> None:
    with Client(server.address, "nacos", "nacos") as client:
        client.token()
    client.close()
    for call in (client.token, client.token_info, lambda: client.get(CONFIG)):
        with pytest.raises(nacos_auth.ClosedError) as caught:
            call()
        assert caught.value.status == "CLOSED"
    assert client.stats().logins == 1


def test_cannot_be_pickled_or_copied(client: Client) -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="each process"):
            attempt(client)


def test_from_env(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NACOS_SERVER_ADDR", server.address)
    monkeypatch.setenv("NACOS_USERNAME", "nacos")
    monkeypatch.delenv("NACOS_PASSWORD", raising=False)
    with pytest.raises(nacos_auth.InvalidArgumentError, match="NACOS_PASSWORD"):
        Client.from_env()
    monkeypatch.setenv("NACOS_PASSWORD", "nacos")
    with Client.from_env() as client:
        assert client.get(CONFIG, params=DEMO).status == 200


def test_what_is_in_an_answer_stays(server: DevServer) -> None:
    """It is read when it is asked for, whatever has become of the client."""
    with Client(server.address, "nacos", "nacos") as client:
        answers = [client.get(CONFIG, params=DEMO) for _ in range(3)]
    names = [name for name in Response.__slots__ if name != "_native"]
    copies = [copy.copy(answers[0]), copy.deepcopy(answers[1]), pickle.loads(pickle.dumps(answers[2]))]
    for answer in (*answers, *copies):
        assert answer.server == server.address
        assert (answer.attempts, answer.replays, answer.is_truncated) == (1, 0, False)
        assert answer.generation > 0
        assert answer.headers["content-type"]
        assert [getattr(answer, name) for name in names if name != "headers"] == [
            getattr(answers[0], name) for name in names if name != "headers"
        ]
    with pytest.raises(AttributeError, match="absent"):
        answers[0].absent  # type: ignore[attr-defined] # noqa: B018
