"""What is public: names, their texts, and what calls take."""

from __future__ import annotations

import asyncio
import enum
import importlib
import inspect
import json
import os
import pydoc
import sys
import traceback
import typing
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import scripted

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Client, Sensitive, aiohttp_auth, httpx_auth, nacos_sdk, requests_auth

ADAPTERS = {
    "requests_auth": "NacosAuth",
    "httpx_auth": "NacosAuth",
    "aiohttp_auth": "NacosAuth",
    "nacos_sdk": "NacosClient",
}


def test_dir_shows_what_is_public() -> None:
    assert dir(nacos_auth) == sorted(nacos_auth.__all__)
    assert all(hasattr(nacos_auth, name) for name in nacos_auth.__all__)
    assert not [name for name in nacos_auth.__all__ if name.startswith("_") and name != "__version__"]
    for module, name in ADAPTERS.items():
        assert dir(importlib.import_module(f"nacos_auth.{module}")) == [name]
    everything: dict[str, Any] = {}
    exec("from nacos_auth import *", everything)
    assert set(everything) - {"__builtins__"} == set(nacos_auth.__all__)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python does not know X | None there")
def test_hints_can_be_read_at_run_time() -> None:
    """By what makes forms, commands, and schemas of functions and tuples."""
    for name in set(nacos_auth.__all__) - {
        "HTTPStatusError",  # whose answer is of a module that imports it
        "metrics",  # whose AsyncClient would import asyncio for everybody
    }:
        public = getattr(nacos_auth, name)
        if inspect.isclass(public):
            typing.get_type_hints(public)
            for method_name, method in inspect.getmembers(public, inspect.isfunction):
                if not method_name.startswith("_") or method_name == "__init__":
                    typing.get_type_hints(method)
        elif inspect.isfunction(public):
            typing.get_type_hints(public)


def test_help_shows_what_is_public() -> None:
    text = pydoc.plain(pydoc.render_doc(nacos_auth))
    for name in ("AsyncClient", "Client", "BadCredentialsError", "Diagnosis", "diagnose_async", "library_version"):
        assert name in text
    for name in ("import_module", "TYPE_CHECKING", "_LATER"):
        assert name not in text


CLASSES = [getattr(nacos_auth, name) for name in nacos_auth.__all__ if inspect.isclass(getattr(nacos_auth, name))]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_says_what_it_is(kind: type) -> None:
    assert vars(kind).get("__doc__")
    for name, method in vars(kind).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            assert method.__doc__, name


@pytest.fixture
def echo() -> Iterator[scripted.Server]:
    with scripted.running() as server:
        yield server


@pytest.fixture
def user(echo: scripted.Server) -> Iterator[Client]:
    with Client(echo.address, "nacos", "nacos") as client:
        yield client


class Group(enum.Enum):
    DEFAULT = "DEFAULT_GROUP"


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({"weight": 1.0, "healthy": True, "tenant": None, "port": 8080}, "weight=1.0&healthy=true&port=8080"),
        ({"a": ["b", "c"]}, "a=b&a=c"),
        ({"a": ("b", 1, 2.5, False, None, Group.DEFAULT)}, "a=b&a=1&a=2.5&a=false&a=DEFAULT_GROUP"),
        ({"a": [], "b": "c"}, "b=c"),
        ({"a": [Sensitive("secret"), "b"]}, "a=secret&a=b"),
        ([("a", ["b", "c"]), ("d", 1), ("a", "e")], "a=b&a=c&d=1&a=e"),
        ({"a": b"bytes", "b": range(2)}, "a=bytes&b=0&b=1"),
        ({}, ""),
        ({"a": "b", "c": "d"}, "a=b&c=d"),
        ({"a": "", "b.-_": "c.-_"}, "a=&b.-_=c.-_"),
        ({"a": "~*"}, "a=%7E*"),
        ({"a": "b=c"}, "a=b%3Dc"),
        ({"a": "b&c=d"}, "a=b%26c%3Dd"),
        ({"a=b": "c"}, "a%3Db=c"),
        ({"a&b": "c", "d": "e"}, "a%26b=c&d=e"),
        ({"a": "b#c?d/e"}, "a=b%23c%3Fd%2Fe"),
        ({"a": "%41"}, "a=%2541"),
        ({"a": "b\0c"}, "a=b%00c"),
        ({"ü": "é", "b": "c"}, "%C3%BC=%C3%A9&b=c"),
    ],
)
def test_what_params_and_forms_take(echo: scripted.Server, user: Client, params: Any, query: str) -> None:
    user.get("/ok", params=params)
    assert echo.seen[-1].path.partition("?")[2] == query
    user.post("/ok", data=params)
    assert echo.seen[-1].body.decode() == query


def test_a_query_of_the_path_comes_first(echo: scripted.Server, user: Client) -> None:
    for path, query in (("/ok?x=%20y", "x=%20y&a=b"), ("/ok", "a=b")):
        user.get(path, params={"a": "b"})
        assert echo.seen[-1].path.partition("?")[2] == query


@pytest.mark.parametrize("params", [{"a": "\ud800"}, {"\ud800": "a"}, {1: "a"}, {"accessToken": "a"}])
@pytest.mark.parametrize("more", [{}, {"b": 1}])
def test_params_that_are_refused(user: Client, params: Any, more: Any) -> None:
    """With or without one that is no text, which is handed over another way."""
    with pytest.raises(nacos_auth.InvalidArgumentError) as caught:
        user.get("/ok", params={**params, **more})
    assert "\ud800" not in str(caught.value)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    own = traceback.StackSummary.from_list([frame for frame in frames if "/nacos_auth/" in frame.filename])
    assert "ud800" not in "".join(own.format())


@pytest.mark.parametrize("value", [{"b": "c"}, {"b"}, [["b"]], [{"b": "secret"}], object(), [object()], iter("secret")])
def test_what_params_refuse(user: Client, value: Any) -> None:
    for name in ("params", "data"):
        given: dict[str, Any] = {name: {"a": value}}
        with pytest.raises(nacos_auth.InvalidArgumentError, match=f"a value in {name} must be str") as caught:
            user.post("/ok", **given)
        assert "secret" not in str(caught.value)
    with pytest.raises(nacos_auth.InvalidArgumentError, match="a value in headers must be str"):
        user.get("/ok", headers={"A": ["b"]})  # type: ignore[dict-item]


@pytest.mark.parametrize("method", ["post", "put", "patch"])
@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, {"ü": "\n"}]}, [], {}, "text", 0, False])
def test_json(echo: scripted.Server, user: Client, method: str, value: Any) -> None:
    getattr(user, method)("/ok", json=value)
    seen = echo.seen[-1]
    assert (seen.method, seen.headers["content-type"]) == (method.upper(), "application/json")
    assert json.loads(seen.body) == value


def test_json_of_asyncio_and_with_a_type_of_its_own(echo: scripted.Server, user: Client) -> None:
    async def main() -> None:
        async with AsyncClient(echo.address, "nacos", "nacos") as client:
            await client.patch("/ok", json={"a": 1})
            await client.request("PATCH", "/ok", json={"a": 1})

    asyncio.run(main())
    assert [seen.body for seen in echo.seen] == [b'{"a":1}'] * 2
    user.request("PUT", "/ok", json={"a": 1}, headers={"Content-TYPE": "application/merge-patch+json"})
    assert echo.seen[-1].headers["content-type"] == "application/merge-patch+json"
    user.post("/ok", json=None)
    assert "content-type" not in echo.seen[-1].headers


@pytest.mark.parametrize(
    "value", [object(), {"a": b"secret"}, float("nan"), {("secret", 1): 2}, "\ud800secret", Sensitive("secret")]
)
def test_what_json_cannot_express(user: Client, value: Any) -> None:
    with pytest.raises(nacos_auth.InvalidArgumentError, match="json") as caught:
        user.post("/ok", json=value)
    assert "secret" not in str(caught.value)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    own = traceback.StackSummary.from_list([frame for frame in frames if "/nacos_auth/" in frame.filename])
    assert "secret" not in "".join(own.format())


def test_one_body_only(user: Client) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(nacos_auth.InvalidArgumentError, match="json"):
        user.post("/ok", json=circle)
    for others in ({"data": {"a": "b"}}, {"body": b"a"}):
        with pytest.raises(nacos_auth.InvalidArgumentError, match="exclude each other"):
            user.post("/ok", json={}, **others)


@pytest.mark.parametrize("body", [iter([b"a"]), open, ["a"], 1])
def test_bodies_that_could_not_be_sent_again_are_refused(user: Client, body: Any) -> None:
    with pytest.raises(nacos_auth.InvalidArgumentError, match="body must be bytes or str"):
        user.post("/ok", body=body)


def test_a_list_of_servers(server: DevServer) -> None:
    for servers in ([server.address], (server.address, "127.0.0.1:1"), ["127.0.0.1:1", f"http://{server.address}"]):
        with Client(servers, "nacos", "nacos") as client:
            assert client.get("/v1/cs/configs", params={"dataId": "a", "group": "b"}).status == 404
        assert nacos_auth.diagnose(servers, "nacos", "nacos").findings
    wrong: Any
    for wrong in ([], [1], [None], 1, b"127.0.0.1", {"127.0.0.1"}, iter(["127.0.0.1"]), [["127.0.0.1"]]):
        with pytest.raises(nacos_auth.InvalidArgumentError, match="server_addr"):
            Client(wrong, "nacos", "nacos")


def test_adapters_know_all_of_a_list() -> None:
    with Client(["https://one:1", "two;three:3", "[::1]:4"], "nacos", "nacos") as client:
        bearer = nacos_auth._adapter.Bearer(client, "this", Client)
        for url in ("https://one/", "http://two/", "http://three:8080/", "http://[::1]/"):
            assert bearer.is_for(url)
        assert not bearer.is_for("http://one/")


def test_settings_count_before_the_environment(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NACOS_") and not name.startswith("NACOS_AUTH_")]:
        monkeypatch.delenv(name)

    class Recording(Client):
        __slots__ = ()

        def __init__(self, **settings: object) -> None:
            given.update(settings)

    given: dict[str, object] = {}

    def made(**settings: Any) -> dict[str, object]:
        given.clear()
        Recording.from_env(**settings)
        return dict(given)

    assert made(server_addr="a", username="b", password="c") == {"server_addr": "a", "username": "b", "password": "c"}
    monkeypatch.setenv("NACOS_SERVER_ADDR", "server")
    with pytest.raises(nacos_auth.InvalidArgumentError, match=r"^NACOS_USERNAME: not set"):
        made(password="c")
    monkeypatch.setenv("NACOS_USERNAME", "user")
    monkeypatch.setenv("NACOS_PASSWORD", "password")
    monkeypatch.setenv("NACOS_PROXY", "http://proxy")
    monkeypatch.setenv("NACOS_CA_FILE", "ca")
    account = {"username": "user", "password": "password"}
    rest = {"server_addr": "server", "proxy": "http://proxy", "ca_file": "ca"}
    assert made() == {**rest, **account}
    assert made(password="other") == {**rest, "username": "user", "password": "other"}
    assert made(password_file="file") == {**rest, "username": "user", "password_file": "file"}
    assert made(token="other") == {**rest, "token": "other"}
    assert made(credentials=print) == {**rest, "credentials": print}
    assert made(proxy=None, request_timeout=5) == {**rest, **account, "proxy": None, "request_timeout": 5}
    assert "ca_file" not in made(ca_pem=b"pem")
    assert made(server_addr=["a", "b"])["server_addr"] == ["a", "b"]
    monkeypatch.delenv("NACOS_PROXY")
    monkeypatch.delenv("NACOS_CA_FILE")
    monkeypatch.setenv("NACOS_CLIENT_CERT_FILE", "cert")
    with pytest.raises(nacos_auth.InvalidArgumentError, match=r"^NACOS_CLIENT_KEY_FILE: not set"):
        made()
    assert made(client_key_file="key")["client_cert_file"] == "cert"
    # An error names where the value came from.
    with pytest.raises(nacos_auth.InvalidArgumentError, match=r"^NACOS_CLIENT_CERT_FILE"):
        Client.from_env(client_key_file="/absent")
    monkeypatch.delenv("NACOS_CLIENT_CERT_FILE")
    with pytest.raises(nacos_auth.InvalidArgumentError, match=r"^ca_file"):
        Client.from_env(ca_file="/absent")
    with pytest.raises(TypeError, match="sever_addr"):
        Client.from_env(sever_addr="a")  # type: ignore[call-arg]
    monkeypatch.setenv("NACOS_PASSWORD", "nacos")
    with Client.from_env(server_addr=server.address, username="nacos") as client:
        assert client.token()


def wrong_clients() -> list[Any]:
    return [AsyncClient("127.0.0.1", "nacos", "nacos"), AsyncClient, Client, "127.0.0.1:8848", None]


@pytest.mark.parametrize("wrong", wrong_clients(), ids=str)
def test_adapters_name_the_client_that_they_want(wrong: Any) -> None:
    wants = r"wants a nacos_auth\.Client, not"
    with pytest.raises(nacos_auth.InvalidArgumentError, match=wants):
        requests_auth.NacosAuth(wrong)
    if wrong is not None:
        with pytest.raises(nacos_auth.InvalidArgumentError, match=wants):
            nacos_sdk.NacosClient("127.0.0.1", auth=wrong)
    if not isinstance(wrong, AsyncClient):
        with pytest.raises(nacos_auth.InvalidArgumentError, match=r"wants a nacos_auth\.Client or a nacos_auth\.Async"):
            httpx_auth.NacosAuth(wrong)
        with pytest.raises(nacos_auth.InvalidArgumentError, match=r"wants a nacos_auth\.AsyncClient, not"):
            aiohttp_auth.NacosAuth(wrong)


def test_aiohttp_and_httpx_name_the_other_client() -> None:
    with Client("127.0.0.1", "nacos", "nacos") as client:
        blocking: Any = client
        with pytest.raises(nacos_auth.InvalidArgumentError, match=r"wants a nacos_auth\.AsyncClient, not Client"):
            aiohttp_auth.NacosAuth(blocking)

        async def main() -> None:
            async with httpx.AsyncClient(auth=httpx_auth.NacosAuth(client)) as session:
                await session.get("http://127.0.0.1/")

        with pytest.raises(TypeError, match=r"needs the NacosAuth of a nacos_auth\.AsyncClient"):
            asyncio.run(main())
    other = AsyncClient("127.0.0.1", "nacos", "nacos")
    with (
        httpx.Client(auth=httpx_auth.NacosAuth(other)) as session,
        pytest.raises(TypeError, match=r"needs the NacosAuth of a nacos_auth\.Client"),
    ):
        session.get("http://127.0.0.1/")
