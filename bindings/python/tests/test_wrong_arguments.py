"""Every argument of every method, given what it is not: a `NacosError` that names it, and shows no value."""

from __future__ import annotations

import asyncio
import inspect
import math
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Client

CONFIG = "/v1/cs/configs"
SECRET = "correct-horse-battery-staple"
BESIDE = "troubador-and-three"
"""What is secret in the arguments beside the wrong one."""


class Odd:
    """Of no use to anybody."""

    def __repr__(self) -> str:
        return SECRET


WRONG: dict[str, Any] = {
    "None": None,
    "int": 5,
    "zero": 0,
    "negative": -1,
    "huge": 10**400,
    "huge negative": -(10**400),
    "float": 1.5,
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "bool": True,
    "bytes": SECRET.encode(),
    "no UTF-8": SECRET.encode() + b"\xff",
    "bytearray": bytearray(SECRET.encode()),
    "memoryview": memoryview(SECRET.encode()),
    "list": [SECRET],
    "tuple": (SECRET, SECRET),
    "pairs": [(SECRET, SECRET + "\ud800")],
    "no pairs": [(SECRET,), SECRET],
    "dict": {SECRET: SECRET + "\ud800"},
    "dict of odd": {"a": Odd(), SECRET: 1},
    "dict with odd names": {5: SECRET},
    "surrogate": SECRET + "\ud800",
    "NUL": SECRET + "\0",
    "object": Odd(),
    "class": Odd,
    "function": lambda: SECRET,
}
_QUERY = {"path": f"{CONFIG}?a={BESIDE}", "params": {"b": BESIDE}, "headers": {"x-secret": BESIDE}}
_BODY = {**_QUERY, "data": {"c": BESIDE}}
METHODS: dict[str, dict[str, Any]] = {
    "token": {},
    "token_info": {},
    "request": {"method": "GET", **_QUERY},
    "get": _QUERY,
    "post": _BODY,
    "put": _BODY,
    "patch": _BODY,
    "delete": _QUERY,
    "set_credentials": {"username": "nacos", "password": BESIDE},
    "set_token": {"token": BESIDE},
    "report_rejected": {"generation": 1, "http_status": 403},
    "close": {},
}
SETTINGS = list(nacos_auth.CallSettings.__annotations__)
PLAIN = {"retry", "stats", "health", "metrics", "from_env"}  # take nothing of their own


def names_of(function: Callable[..., object]) -> list[str]:
    names = [name for name in inspect.signature(function).parameters if name not in {"self", "settings"}]
    return names + (SETTINGS if "settings" in inspect.signature(function).parameters else [])


EVERY = [(method, name) for method in METHODS for name in names_of(getattr(Client, method))]


def examine(error: BaseException | None, name: str, value: object) -> None:
    """That it, and all that hangs together with it, may be shown to anybody."""
    assert error is not None
    assert isinstance(error, (nacos_auth.NacosError, TypeError)), repr(error)
    assert not isinstance(error, nacos_auth.InternalError), repr(error)
    if value is not None and isinstance(error, (TypeError, nacos_auth.InvalidArgumentError)):
        words = {name, name.replace("_", " "), *ALSO.get(name, ())}
        assert any(word in str(error) for word in words), f"{error} does not name {name}"
    link: BaseException | None = error
    while link is not None:
        frames = traceback.TracebackException.from_exception(link, capture_locals=True).stack
        own = "".join(traceback.StackSummary.from_list([f for f in frames if "/nacos_auth/" in f.filename]).format())
        texts = [str(link), repr(link), repr(link.args), own if name in SECRETS else ""]
        assert SECRET not in "\n".join(texts), texts
        assert BESIDE not in "\n".join([*texts, own]), own
        link = link.__cause__ or link.__context__


# What may hold a secret: no variable of the package may show it either, in a traceback with variables.
SECRETS = {
    "password",
    "token",
    "client_key_pem",
    "proxy",
    "path",
    "params",
    "headers",
    "data",
    "body",
    "json",
    "refused_token",
}
ALSO = {"server_addr": ("server", "address"), "refused_before": ("refused",), "client_cert_file": ("client_key",)}


def test_every_method_is_tried() -> None:
    for kind in (Client, AsyncClient):
        public = {name for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))}
        assert public == METHODS.keys() | PLAIN


@pytest.fixture
def quick(server: DevServer) -> Iterator[Client]:
    with Client(server.address, "nacos", "nacos", request_timeout=5) as client:
        client.token()
        yield client


@pytest.mark.parametrize(("method", "name"), EVERY)
def test_wrong_arguments(server: DevServer, quick: Client, method: str, name: str) -> None:
    seen = 0
    for value in WRONG.values():
        client = quick if method not in {"close", "set_credentials", "set_token"} else Client(server.address, token="t")
        client._forget()  # a token that is at hand is given out without a look at the arguments
        try:
            getattr(client, method)(**{**METHODS[method], name: value})
        except Exception as error:
            examine(error, name, value)
            seen += 1
    assert seen > 3


@pytest.mark.parametrize(("method", "name"), EVERY)
def test_wrong_arguments_async(server: DevServer, method: str, name: str) -> None:
    async def main() -> int:
        seen = 0
        async with AsyncClient(server.address, "nacos", "nacos", request_timeout=5) as quick:
            await quick.token()
            for value in WRONG.values():
                client = quick
                if method in {"close", "set_credentials", "set_token"}:
                    client = AsyncClient(server.address, token="t")
                client._forget()
                try:
                    result = getattr(client, method)(**{**METHODS[method], name: value})
                    if inspect.isawaitable(result):
                        await result
                except Exception as error:
                    examine(error, name, value)
                    seen += 1
        return seen

    assert asyncio.run(main()) > 3


@pytest.mark.parametrize("method", [name for name, given in METHODS.items() if "path" in given])
@pytest.mark.parametrize("further", [{}, {"wait": False}, {"timeout": 0}, {"json": object()}, {"body": 5}])
def test_what_fails_shows_no_secret(method: str, further: dict[str, Any]) -> None:
    given = {**METHODS[method], **further}
    with Client("127.0.0.1:1", token=BESIDE) as client, pytest.raises((nacos_auth.NacosError, TypeError)) as failure:
        getattr(client, method)(**given)
    examine(failure.value, "", None)

    async def main() -> None:
        async with AsyncClient("127.0.0.1:1", token=BESIDE) as client:
            await getattr(client, method)(**given)

    with pytest.raises((nacos_auth.NacosError, TypeError)) as failure:
        asyncio.run(main())
    examine(failure.value, "", None)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", names_of(Client))
def test_wrong_settings_of_a_client(kind: type[Client | AsyncClient], name: str) -> None:
    given: dict[str, Any] = {"server_addr": "127.0.0.1:1", "username": "nacos", "password": SECRET}
    if name in {"password_file", "token", "credentials"}:
        del given["password"]
    if name in {"token", "credentials"}:
        del given["username"]
    seen = 0
    for value in WRONG.values():
        try:
            client = kind(**{**given, name: value})
        except Exception as error:
            examine(error, name, value)
            seen += 1
        else:
            client._close(None)
    assert seen > 3


EXAMINED = [
    "server_addr",
    "username",
    "password",
    *names_of(nacos_auth.diagnose)[3:],
    *sorted(nacos_auth.ClientSettings.__optional_keys__ - {"logger", "on_event"}),
]


@pytest.mark.parametrize("in_a_task", [False, True])
@pytest.mark.parametrize("name", dict.fromkeys(EXAMINED))
def test_wrong_arguments_of_an_examination(name: str, in_a_task: bool) -> None:
    given: dict[str, Any] = {"server_addr": "127.0.0.1:1", "username": "nacos", "password": SECRET, "timeout": 2}
    if name in {"password_file", "token", "credentials"}:
        del given["password"]
    if name in {"token", "credentials"}:
        del given["username"]
    if name == "method":
        given["path"] = CONFIG
    seen = 0
    for value in WRONG.values():
        try:
            if in_a_task:
                asyncio.run(nacos_auth.diagnose_async(**{**given, name: value}))
            else:
                nacos_auth.diagnose(**{**given, name: value})
        except Exception as error:
            examine(error, name, value)
            seen += 1
    assert seen > 3


def test_a_wrong_name_of_a_setting_is_a_type_error(quick: Client) -> None:
    for call in (quick.get, quick.post):
        with pytest.raises(TypeError, match="patience"):
            call(CONFIG, patience=SECRET)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="patience"):
        nacos_auth.diagnose("127.0.0.1:1", "nacos", "nacos", patience=SECRET)  # type: ignore[call-arg]
