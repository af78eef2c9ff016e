"""Other HTTP libraries with our token: they see neither its expiry nor a changed secret."""

from __future__ import annotations

import asyncio
import copy
import gzip
import io
import logging
import pickle
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import nacos  # type: ignore[import-untyped]
import pytest
import requests
import scripted
import urllib3
from requests.adapters import HTTPAdapter

import nacos_auth
from devserver import DevServer
from nacos_auth import Advice, Advised, AsyncClient, Client, aiohttp_auth, httpx_auth, nacos_sdk, requests_auth

DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}
FORM = {**DEMO, "content": "x"}
sdk_warns = pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")
# One reading of a configuration each, giving the HTTP status.
Read = Callable[[], int]


@pytest.fixture
def short(start_server: Callable[..., DevServer]) -> DevServer:
    return start_server("--ttl", "3")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the SDK leaves snapshots in the working directory


def url(server: DevServer) -> str:
    return f"http://{server.address}/nacos/v1/cs/configs"


def over_expiry_and_rotation(server: DevServer, read: Read) -> None:
    start, rotated = time.monotonic(), False
    while time.monotonic() < start + 5:
        assert read() == 200
        if not rotated and time.monotonic() > start + 1:
            server.control("/secret")
            rotated = True
        time.sleep(0.02)
    counts = server.counts()
    # That of the rotation, which was repeated, and that of a renewal that a busy machine brings late; most are not.
    assert 1 <= counts["rejections"] <= 2
    assert 3 <= counts["logins"] <= 5


async def over_expiry_and_rotation_async(server: DevServer, read: Callable[[], Any]) -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(
        None, over_expiry_and_rotation, server, lambda: asyncio.run_coroutine_threadsafe(read(), loop).result(60)
    )


def test_requests(short: DevServer) -> None:
    with Client(short.address, "nacos", "nacos") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        over_expiry_and_rotation(short, lambda: session.get(url(short), params=DEMO, timeout=60).status_code)


def test_httpx(short: DevServer) -> None:
    with Client(short.address, "nacos", "nacos") as client, httpx.Client(auth=httpx_auth.NacosAuth(client)) as http:
        over_expiry_and_rotation(short, lambda: http.get(url(short), params=DEMO).status_code)


def test_httpx_async(short: DevServer) -> None:
    async def main() -> None:
        async with (
            AsyncClient(short.address, "nacos", "nacos") as client,
            httpx.AsyncClient(auth=httpx_auth.NacosAuth(client)) as http,
        ):

            async def read() -> int:
                return (await http.get(url(short), params=DEMO)).status_code

            await over_expiry_and_rotation_async(short, read)

    asyncio.run(main())


def test_aiohttp(short: DevServer) -> None:
    async def main() -> None:
        async with (
            AsyncClient(short.address, "nacos", "nacos") as client,
            aiohttp.ClientSession(middlewares=[aiohttp_auth.NacosAuth(client)]) as http,
        ):

            async def read() -> int:
                async with http.get(url(short), params=DEMO) as answer:
                    await answer.read()
                    return answer.status

            await over_expiry_and_rotation_async(short, read)

    asyncio.run(main())


@sdk_warns
def test_nacos_sdk(short: DevServer, tmp_path: Path) -> None:
    sdk = nacos_sdk.NacosClient(short.address, username="nacos", password="nacos", logDir=str(tmp_path))
    assert sdk.publish_config(*DEMO.values(), "ours")

    def read() -> int:
        assert sdk.get_config(*DEMO.values(), no_snapshot=True) == "ours"
        return 200

    over_expiry_and_rotation(short, read)


@sdk_warns
def test_the_plain_nacos_sdk_fails_after_a_rotation(server: DevServer, tmp_path: Path) -> None:
    plain = nacos.NacosClient(server.address, username="nacos", password="nacos", logDir=str(tmp_path))
    with Client(server.address, "nacos", "nacos") as client:
        ours = nacos_sdk.NacosClient(server.address, auth=client, logDir=str(tmp_path))
        for sdk in (plain, ours):
            assert sdk.publish_config(*DEMO.values(), "x")
        server.control("/secret")
        with pytest.raises(nacos.NacosException, match="privilege"):
            plain.get_config(*DEMO.values(), no_snapshot=True)
        assert ours.get_config(*DEMO.values(), no_snapshot=True) == "x"


@sdk_warns
def test_nacos_sdk_without_a_user_is_as_it_was(server: DevServer, tmp_path: Path) -> None:
    server.control("/auth", enabled=False)
    sdk = nacos_sdk.NacosClient(server.address, logDir=str(tmp_path))
    assert sdk.publish_config(*DEMO.values(), "x")
    assert server.counts()["logins"] == 0


@sdk_warns
def test_nacos_sdk_logs_no_token(server: DevServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Client(server.address, "nacos", "nacos") as client:
        sdk = nacos_sdk.NacosClient(server.address, auth=client, logDir=str(tmp_path))
        log = logging.getLogger("nacos.client")
        log.addHandler(caplog.handler)
        caplog.set_level(logging.DEBUG, "nacos.client")
        sdk.publish_config(*DEMO.values(), "x")
        log.removeHandler(caplog.handler)
        assert "Authorization" in caplog.text
        assert client.token() not in caplog.text


@pytest.fixture
def send(server: DevServer, client: Client) -> Iterator[Callable[..., requests.Response]]:
    with requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        yield lambda method="GET", **options: session.request(method, url(server), timeout=60, **options)


def test_bodies_are_sent_again_if_they_can_be(
    server: DevServer, client: Client, send: Callable[..., requests.Response]
) -> None:
    form = b"dataId=demo&group=DEFAULT_GROUP&content=again"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    def generator() -> Iterator[bytes]:
        yield form

    for body, status in ((form, 200), (io.BytesIO(form), 200), (generator(), 403)):
        client.token()
        server.control("/secret")
        answer = send("POST", data=body, headers=kind)
        assert (answer.status_code, bool(answer.history)) == (status, status == 200)
    assert send(params=DEMO).text == "again"


def test_httpx_bodies(server: DevServer, client: Client) -> None:
    def generator() -> Iterator[bytes]:
        yield b"dataId=demo&group=DEFAULT_GROUP&content=again"

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with httpx.Client(auth=httpx_auth.NacosAuth(client)) as http:
        for body, status in (({"data": FORM}, 200), ({"content": generator(), "headers": kind}, 403)):
            client.token()
            server.control("/secret")
            assert http.post(url(server), **body).status_code == status


def test_aiohttp_bodies(server: DevServer) -> None:
    async def generator() -> AsyncIterator[bytes]:
        yield b"dataId=demo&group=DEFAULT_GROUP&content=again"

    async def main() -> None:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        async with (
            AsyncClient(server.address, "nacos", "nacos") as client,
            aiohttp.ClientSession(middlewares=[aiohttp_auth.NacosAuth(client)]) as http,
        ):
            for body, status in ((FORM, 200), (generator(), 403)):
                await client.token()
                server.control("/secret")
                async with http.post(url(server), data=body, headers=kind) as answer:
                    assert answer.status == status

    asyncio.run(main())


def test_missing_permission_comes_back(server: DevServer) -> None:
    with Client(server.address, "poor", "poor") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        for _ in range(3):
            answer = session.get(url(server), params=DEMO, timeout=60)
            assert (answer.status_code, answer.history) == (403, [])
            assert answer.text  # read once, and still there
    assert server.counts()["logins"] == 1


def test_no_token_is_an_error(server: DevServer) -> None:
    with (
        Client(server.address, "nacos", "wrong") as client,
        httpx.Client(auth=httpx_auth.NacosAuth(client)) as http,
        pytest.raises(nacos_auth.BadCredentialsError),
    ):
        http.get(url(server), params=DEMO)


def test_the_token_is_for_the_servers_of_the_client_alone(server: DevServer) -> None:
    """The two servers differ in nothing but the name they are called by."""
    address = server.address.replace("127.0.0.1", "localhost")
    with Client(address, "nacos", "nacos") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        assert session.get(f"http://{address}/nacos/v1/cs/configs", params=DEMO, timeout=60).status_code == 200
        answer = session.get(url(server), params=DEMO, timeout=60)
        assert answer.status_code == 403
        assert "Authorization" not in answer.request.headers
        with httpx.Client(auth=httpx_auth.NacosAuth(client)) as http:
            assert "Authorization" not in http.get(url(server), params=DEMO).request.headers


@pytest.mark.parametrize("token_in", ["auto", "authorization", "header"])
def test_a_redirect_to_another_host_loses_the_token(server: DevServer, token_in: nacos_auth._arguments.TokenIn) -> None:
    elsewhere = url(server).replace("127.0.0.1", "localhost")
    for target, status in ((url(server), 200), (elsewhere, 403)):
        location = f"{target}?dataId=demo&group=DEFAULT_GROUP"
        server.control("/faults", on="request", kind="redirect", status=302, location=location, times=1)
        with Client(server.address, "nacos", "nacos", token_in=token_in) as client, requests.Session() as session:
            session.auth = requests_auth.NacosAuth(client)
            answer = session.get(url(server), params=DEMO, timeout=60)
            assert (answer.status_code, len(answer.history)) == (status, 1)
            assert ({"Authorization", "accessToken"} & set(answer.request.headers) != set()) is (status == 200)
    assert server.counts()["logins"] == 2  # one for each client, none for a redirect


@pytest.mark.parametrize("token_in", ["authorization", "header"])
def test_aiohttp_and_redirects(server: DevServer, token_in: nacos_auth._arguments.TokenIn) -> None:
    async def main() -> None:
        elsewhere = url(server).replace("127.0.0.1", "localhost")
        async with (
            AsyncClient(server.address, "nacos", "nacos", token_in=token_in) as client,
            aiohttp.ClientSession(middlewares=[aiohttp_auth.NacosAuth(client)]) as http,
        ):
            for target, status in ((url(server), 200), (elsewhere, 403)):
                location = f"{target}?dataId=demo&group=DEFAULT_GROUP"
                server.control("/faults", on="request", kind="redirect", status=302, location=location, times=1)
                async with http.get(url(server), params=DEMO) as answer:
                    assert (answer.status, len(answer.history)) == (status, 1)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("servers", "asked", "given"),
    [
        ("nacos", "http://nacos:8848/", True),
        ("nacos:1,other", "http://nacos:8080/", True),
        ("nacos:1,other", "http://OTHER/", True),
        ("nacos", "https://nacos/", True),
        ("https://nacos", "http://nacos/", False),
        ("nacos", "http://evil/", False),
        ("nacos", "http://evil/@nacos", False),
        ("nacos", "ftp://nacos/", False),
        ("[::1]:8848", "http://[::1]:8848/", True),
    ],
)
def test_who_gets_the_token(servers: str, asked: str, given: bool) -> None:
    with Client(servers, "nacos", "nacos") as client:
        assert nacos_auth._adapter.Bearer(client, "this", Client).is_for(asked) is given


def test_places_of_the_token(server: DevServer) -> None:
    with Client(server.address, "nacos", "nacos", token_in="header") as client:
        with httpx.Client(auth=httpx_auth.NacosAuth(client)) as http:
            answer = http.get(url(server), params=DEMO)
        assert answer.status_code == 200
        assert "accessToken" in answer.request.headers
    with (
        Client(server.address, "nacos", "nacos", token_in="query") as client,
        pytest.raises(nacos_auth.InvalidArgumentError, match="token_in"),
    ):
        httpx_auth.NacosAuth(client)


def test_httpx_wants_the_client_of_its_kind(server: DevServer, client: Client) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(auth=httpx_auth.NacosAuth(client)) as http:
            with pytest.raises(TypeError, match=r"nacos_auth\.AsyncClient"):
                await http.get(url(server))
        async with AsyncClient(server.address, "nacos", "nacos") as other:
            with httpx.Client(auth=httpx_auth.NacosAuth(other)) as sync, pytest.raises(TypeError, match="Client"):
                sync.get(url(server))

    asyncio.run(main())


def with_requests(server: DevServer, client: Client, timeout: float) -> int:
    with requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        return session.get(url(server), params=DEMO, timeout=timeout).status_code


def with_httpx(server: DevServer, client: Client, timeout: float) -> int:
    with httpx.Client(auth=httpx_auth.NacosAuth(client), timeout=timeout) as http:
        return http.get(url(server), params=DEMO).status_code


def with_nacos_sdk(server: DevServer, client: Client, timeout: float) -> int:
    sdk = nacos_sdk.NacosClient(server.address, auth=client)
    try:
        sdk.get_config(*DEMO.values(), timeout=timeout, no_snapshot=True)
    except nacos.NacosException:
        return 403
    return 200


ADAPTERS = pytest.mark.parametrize("read", [with_requests, with_httpx, with_nacos_sdk])


class Reports:
    """Takes the place of `report_rejected`, and answers what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Advised) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._answers = list(answers)
        monkeypatch.setattr(nacos_auth._base.BaseClient, "report_rejected", lambda _, *told, **more: self(told, more))

    def __call__(self, told: tuple[Any, ...], more: dict[str, Any]) -> Advised:
        self.calls.append((*told[1:], more["server"], more["retry_after"], more["refused_before"]))
        return self._answers.pop(0) if told[1] == 403 else Advised(Advice.RETURN, 0)


@sdk_warns
@ADAPTERS
def test_reports_are_complete_and_pauses_kept(
    server: DevServer, client: Client, monkeypatch: pytest.MonkeyPatch, read: Callable[..., int]
) -> None:
    reports = Reports(monkeypatch, Advised(Advice.REPLAY, 0.3), Advised(Advice.REPLAY_IF_IDEMPOTENT, 0.3))
    server.control("/faults", on="request", kind="status", status=403, body="no!", retry_after=7, times=2)
    start = time.monotonic()
    assert read(server, client, 20) == 200
    assert time.monotonic() - start > 0.5
    at = f"http://{server.address}"
    assert reports.calls == [(403, b"no!", at, "7", 0), (403, b"no!", at, "7", 1), (200, b"", at, None, 2)]


@sdk_warns
@ADAPTERS
def test_no_pause_is_longer_than_the_time_out_of_the_library(
    server: DevServer, client: Client, monkeypatch: pytest.MonkeyPatch, read: Callable[..., int]
) -> None:
    reports = Reports(monkeypatch, Advised(Advice.REPLAY, 30))
    server.control("/faults", on="request", kind="status", status=403, times=1)
    start = time.monotonic()
    assert read(server, client, 5) == 403
    assert time.monotonic() - start < 5
    assert len(reports.calls) == 1


@sdk_warns
@ADAPTERS
def test_a_request_is_repeated_twice_with_other_tokens(
    server: DevServer, client: Client, monkeypatch: pytest.MonkeyPatch, read: Callable[..., int]
) -> None:
    reports = Reports(monkeypatch, *[Advised(Advice.REPLAY, 0)] * 9)
    server.control("/faults", on="request", kind="status", status=403, times=0)
    assert read(server, client, 20) == 403
    assert len(reports.calls) == 3


def test_aiohttp_reports_and_waits(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(monkeypatch, Advised(Advice.REPLAY, 0.3))

    async def main() -> None:
        async with (
            AsyncClient(server.address, "nacos", "nacos") as client,
            aiohttp.ClientSession(middlewares=[aiohttp_auth.NacosAuth(client)]) as http,
        ):
            server.control("/faults", on="request", kind="status", status=403, body="no!", retry_after=7, times=1)
            start = time.monotonic()
            async with http.get(url(server), params=DEMO) as answer:
                assert answer.status == 200
            assert time.monotonic() - start > 0.25

    asyncio.run(main())
    at = f"http://{server.address}"
    assert reports.calls == [(403, b"no!", at, "7", 0), (200, b"", at, None, 1)]


def test_a_new_token_that_a_server_does_not_take_yet_gets_its_time(server: DevServer, client: Client) -> None:
    """As in a cluster, where servers learn of a secret one after the other."""
    client.token()
    server.control("/faults", on="request", kind="status", status=403, body="Invalid signature", times=2)
    with requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        answer = session.get(url(server), params=DEMO, timeout=60)
    assert (answer.status_code, len(answer.history)) == (200, 2)
    assert server.counts()["logins"] == 1  # not given up


@pytest.fixture
def scripted_server() -> Iterator[scripted.Server]:
    with scripted.running() as running:
        yield running


INVALID = scripted.words("token invalid!")


def test_a_prepared_request_is_sent_once_each_time(scripted_server: scripted.Server) -> None:
    """Once it has learnt of the new token, and also after one that was renewed in between."""
    with Client(scripted_server.address, "nacos", "nacos") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        prepared = session.prepare_request(requests.Request("GET", scripted_server.url()))
        sent = []
        for number in range(6):
            if number == 2:
                scripted_server.revoke()
            scripted_server.seen.clear()
            assert session.send(prepared, timeout=20).status_code == 200
            sent.append(len(scripted_server.seen))
        assert sent == [1, 1, 2, 1, 1, 1]


@pytest.mark.parametrize("token_in", ["authorization", "header"])
def test_a_prepared_request_keeps_its_token_over_a_redirect_to_another_host(
    scripted_server: scripted.Server, token_in: nacos_auth._arguments.TokenIn
) -> None:
    away = scripted.redirect(302, f"http://{scripted_server.elsewhere}/sso")
    with (
        Client(scripted_server.address, "nacos", "nacos", token_in=token_in) as client,
        requests.Session() as session,
    ):
        session.auth = requests_auth.NacosAuth(client)
        prepared = session.prepare_request(requests.Request("POST", scripted_server.url("/nacos/go"), data=FORM))
        for _ in range(3):
            scripted_server.scripts["/nacos/go"] = [away]
            scripted_server.scripts["/sso"] = [scripted.Answer(200)]
            assert session.send(prepared, timeout=20).status_code == 200
        answer = session.send(prepared, timeout=20, allow_redirects=False)
        assert answer.status_code == 200
        scripted_server.scripts["/nacos/go"] = [away]
        following = session.send(prepared, timeout=20, allow_redirects=False).next
        assert following is not None
        assert not {"Authorization", "accessToken"} & set(following.headers)
    assert scripted_server.tokens_elsewhere() == []
    assert scripted_server.sent().count("POST /nacos/go") == 5


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("refusal", [INVALID, scripted.Answer(403)], ids=["worded", "wordless"])
def test_retries_of_urllib3_take_the_new_token(
    scripted_server: scripted.Server, raises: bool, refusal: scripted.Answer
) -> None:
    """They repeat what was refused without asking."""
    retries = urllib3.Retry(3, status_forcelist=[403, 503], backoff_factor=0, raise_on_status=raises)
    with Client(scripted_server.address, "nacos", "nacos") as client, requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        session.auth = requests_auth.NacosAuth(client)
        prepared = session.prepare_request(requests.Request("GET", scripted_server.url()))
        assert session.send(prepared, timeout=20).status_code == 200
        scripted_server.refusal = refusal
        scripted_server.revoke()
        scripted_server.seen.clear()
        assert session.send(prepared, timeout=20).status_code == 200
        assert len(scripted_server.seen) == 2
        assert session.send(prepared, timeout=20).status_code == 200
        assert len(scripted_server.seen) == 3
        assert session.get(scripted_server.url(), timeout=20).status_code == 200
        scripted_server.scripts["/nacos/busy"] = [scripted.Answer(503)] * 2
        assert session.get(scripted_server.url("/nacos/busy"), timeout=20).status_code == 200
    assert scripted_server.logins == 2


def test_retries_of_urllib3_that_come_to_nothing(scripted_server: scripted.Server) -> None:
    retries = urllib3.Retry(2, status_forcelist=[403], backoff_factor=0)
    with Client(scripted_server.address, "nacos", "nacos") as client, requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        session.auth = requests_auth.NacosAuth(client)
        scripted_server.scripts["/nacos/no"] = [scripted.words("authorization failed!")] * 9
        with pytest.raises(requests.exceptions.RetryError):
            session.get(scripted_server.url("/nacos/no"), timeout=20)
        assert len(scripted_server.seen) == 3
        scripted_server.seen.clear()
        assert session.post(scripted_server.url("/nacos/no"), data=FORM, timeout=20).status_code == 403
        assert len(scripted_server.seen) == 1
    assert scripted_server.logins <= 2


def test_a_raw_body_of_requests(scripted_server: scripted.Server) -> None:
    """As urllib3 gives it, compressed if it came so."""
    body = gzip.compress(b"authorization failed!")
    with Client(scripted_server.address, "nacos", "nacos") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        for headers, content in (({"Content-Encoding": "gzip"}, body), ({}, b"authorization failed!")):
            scripted_server.scripts["/nacos/no"] = [scripted.Answer(403, content, headers)] * 4
            url = scripted_server.url("/nacos/no")
            with session.get(url, stream=True, timeout=20) as answer:
                assert answer.raw.read() == content
            with session.get(url, stream=True, timeout=20) as answer:
                assert b"".join(iter(partial(answer.raw.read, 5), b"")) == content
            with session.get(url, stream=True, timeout=20) as answer:
                assert answer.raw.read(decode_content=True) == b"authorization failed!"
            with session.get(url, stream=True, timeout=20) as answer:
                assert list(answer.iter_lines()) == [b"authorization failed!"]


def test_connections_are_used_again_after_a_refusal(scripted_server: scripted.Server) -> None:
    """One that was read to its end."""
    with (
        Client(scripted_server.address, "nacos", "nacos") as client,
        requests.Session() as session,
        httpx.Client(auth=httpx_auth.NacosAuth(client)) as http,
    ):
        session.auth = requests_auth.NacosAuth(client)
        for get in (session.get, http.get):
            get(scripted_server.url(), timeout=20)
            before = len(scripted_server.connections)
            for _ in range(3):
                scripted_server.scripts["/nacos/no"] = [scripted.words("authorization failed!")]
                assert get(scripted_server.url("/nacos/no"), timeout=20).status_code == 403
                scripted_server.scripts["/nacos/ok"] = [INVALID]
                get(scripted_server.url(), timeout=20)
            assert len(scripted_server.connections) == before


def test_httpx_keeps_the_callers_own_authorization(scripted_server: scripted.Server) -> None:
    """That of a gateway, say, for whose sake the token has another place."""
    with (
        Client(scripted_server.address, "nacos", "nacos", token_in="header") as client,
        httpx.Client(auth=httpx_auth.NacosAuth(client), follow_redirects=True) as http,
    ):
        gateway = {"Authorization": "Basic Zm9v"}
        scripted_server.scripts["/nacos/go"] = [scripted.redirect(302, "/nacos/ok")]
        answer = http.get(scripted_server.url("/nacos/go"), headers=gateway)
        assert answer.status_code == 200
        assert [seen.headers["authorization"] for seen in scripted_server.seen] == ["Basic Zm9v"] * 2
        scripted_server.scripts["/nacos/go"] = [
            scripted.redirect(302, f"http://{scripted_server.elsewhere}/sso"),
        ]
        http.get(scripted_server.url("/nacos/go"), headers=gateway)
        assert "authorization" not in scripted_server.seen[-1].headers
        assert scripted_server.tokens_elsewhere() == []


def test_the_history_of_httpx_has_all_that_came_before(scripted_server: scripted.Server) -> None:
    with (
        Client(scripted_server.address, "nacos", "nacos") as client,
        httpx.Client(auth=httpx_auth.NacosAuth(client), follow_redirects=True) as http,
    ):
        http.get(scripted_server.url())
        scripted_server.scripts["/nacos/create"] = [scripted.redirect(303, "/nacos/ok")]
        scripted_server.scripts["/nacos/ok"] = [INVALID]
        answer = http.post(scripted_server.url("/nacos/create"), data=FORM)
        assert [past.status_code for past in answer.history] == [303, 403]
        assert answer.history[1].json()["message"] == "token invalid!"
        scripted_server.scripts["/nacos/create"] = [scripted.redirect(303, "/nacos/ok")]
        answer = http.post(scripted_server.url("/nacos/create"), data=FORM)
        assert (answer.next_request, answer.status_code, len(answer.history)) == (None, 200, 1)
        scripted_server.scripts["/nacos/go"] = [scripted.redirect(302, f"http://{scripted_server.elsewhere}/sso")]
        answer = http.get(scripted_server.url("/nacos/go"), follow_redirects=False)
        assert answer.next_request is not None
        assert "Authorization" not in answer.next_request.headers


def test_a_hook_of_httpx_may_read_a_refusal(scripted_server: scripted.Server) -> None:
    with (
        Client(scripted_server.address, "nacos", "nacos") as client,
        httpx.Client(auth=httpx_auth.NacosAuth(client), event_hooks={"response": [httpx.Response.read]}) as http,
    ):
        http.get(scripted_server.url())
        scripted_server.revoke()
        assert http.get(scripted_server.url()).text == "hello"


@sdk_warns
@pytest.mark.parametrize("way", ["set_options", "environment"])
def test_logins_of_the_nacos_sdk_go_through_its_proxy(
    scripted_server: scripted.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The server is to be had through the proxy alone, which is the scripted one."""
    proxy = f"http://{scripted_server.address}"
    if way == "environment":
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
    sdk = nacos_sdk.NacosClient("nacos.invalid:8848", username="nacos", password="nacos", logDir=str(tmp_path))
    if way == "set_options":
        sdk.set_options(proxies={"http": proxy}, default_timeout=5)
    assert sdk.get_config("demo", "DEFAULT_GROUP", no_snapshot=True) == "hello"
    assert (scripted_server.logins, len(scripted_server.seen)) == (1, 1)


@sdk_warns
def test_a_time_out_of_the_nacos_sdk_bounds_logins(scripted_server: scripted.Server, tmp_path: Path) -> None:
    sdk = nacos_sdk.NacosClient(scripted_server.address, username="nacos", password="nacos", logDir=str(tmp_path))
    sdk.set_options(default_timeout=0.5)
    scripted_server.logins_go_on.clear()
    start = time.monotonic()
    assert sdk.auth is not None
    with sdk.auth, pytest.raises(nacos_auth.NacosTimeoutError):
        sdk.publish_config(*DEMO.values(), "x")
    assert time.monotonic() - start < 4


@sdk_warns
def test_the_nacos_sdk_asks_the_next_server(scripted_server: scripted.Server, tmp_path: Path) -> None:
    with scripted.running() as broken:
        broken.scripts["/nacos/v1/cs/configs"] = [scripted.Answer(500, b"caused: out of order")] * 9
        servers = f"{broken.address},{scripted_server.address}"
        scripted_server.good = broken.good  # of one cluster
        sdk = nacos_sdk.NacosClient(servers, username="nacos", password="nacos", logDir=str(tmp_path))
        assert sdk.get_config(*DEMO.values(), no_snapshot=True) == "hello"
        assert (len(broken.seen), len(scripted_server.seen)) == (1, 1)
        scripted_server.scripts["/nacos/v1/cs/configs"] = [scripted.Answer(404)]
        assert sdk.get_config(*DEMO.values(), no_snapshot=True) is None
        scripted_server.scripts["/nacos/v1/cs/configs"] = [scripted.Answer(503)]
        assert sdk.auth is not None
        with sdk.auth, pytest.raises(nacos.NacosException):
            sdk.get_config(*DEMO.values(), no_snapshot=True)


def test_the_time_outs_that_requests_knows() -> None:
    seconds = requests_auth._seconds
    assert [seconds(timeout) for timeout in (1, 2.5, (1, 2), (1, None), None, 0, "x")] == [
        1,
        2.5,
        2,
        None,
        None,
        None,
        None,
    ]
    assert seconds(urllib3.Timeout(total=3)) == 3
    assert seconds(urllib3.Timeout(total=3, read=1)) == 1
    assert seconds(urllib3.Timeout(connect=3)) is None


def test_aiohttp_and_a_server_that_is_away() -> None:
    """An OSError gets a name of aiohttp's."""

    async def main() -> None:
        async with (
            AsyncClient("127.0.0.1:1", "nacos", "nacos", request_timeout=1) as client,
            aiohttp.ClientSession(middlewares=[aiohttp_auth.NacosAuth(client)]) as http,
        ):
            with pytest.raises(aiohttp.ClientOSError, match=r"127\.0\.0\.1:1") as raised:
                await http.get("http://127.0.0.1:1/nacos/ok")
            assert isinstance(raised.value.__cause__, nacos_auth.NacosConnectionError)

    asyncio.run(main())


def test_a_prepared_request_may_be_copied(scripted_server: scripted.Server) -> None:
    with Client(scripted_server.address, "nacos", "nacos") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        prepared = session.prepare_request(requests.Request("GET", scripted_server.url()))
        for made in (prepared.copy(), copy.deepcopy(prepared), copy.copy(prepared)):
            assert session.send(made, timeout=20).status_code == 200
        assert len(scripted_server.seen) == 3


@pytest.mark.parametrize("token_in", ["authorization", "header"])
def test_an_answer_may_be_pickled(server: DevServer, token_in: Any) -> None:
    """As of every session of requests, also one that was repeated; who reads it needs nothing of this package."""
    with Client(server.address, "nacos", "nacos", token_in=token_in) as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        session.hooks["response"].append(_look_on)
        client.token()
        server.control("/secret")
        answer = session.get(url(server), params=DEMO)
        pickled = pickle.dumps(answer)
        made: requests.Response = pickle.loads(pickled)
        assert (made.status_code, made.content, len(made.history)) == (200, answer.content, len(answer.history))
        assert made.history
        assert dict(made.request.headers) == dict(answer.request.headers)
        assert made.request.headers["ACCEPT"] == "*/*"
        assert type(made.request.headers) is requests.structures.CaseInsensitiveDict
        assert made.request.hooks == {"response": [_look_on]}
        assert dict(pickle.loads(pickle.dumps(answer.request)).headers) == dict(answer.request.headers)
        assert b"nacos_auth" not in pickled
        with pytest.raises(TypeError, match="a Client cannot be pickled"):  # a session without it would send no token
            pickle.dumps(session)
        for copied in (copy.copy(answer), copy.deepcopy(answer)):
            assert copied.request.headers == answer.request.headers


def _look_on(answer: requests.Response, **_: Any) -> None:
    pass


def test_a_copied_request_is_repeated_with_a_new_token(server: DevServer) -> None:
    with Client(server.address, "nacos", "nacos") as client, requests.Session() as session:
        session.auth = requests_auth.NacosAuth(client)
        prepared = session.prepare_request(requests.Request("GET", url(server), params=DEMO))
        for made in (copy.copy(prepared), copy.deepcopy(prepared)):
            made.headers, made.hooks = copy.copy(made.headers), copy.deepcopy(made.hooks)
            server.control("/secret")
            assert session.send(made, timeout=20).status_code == 200
