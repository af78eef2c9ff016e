"""What each number of seconds means, wherever one is given; the table is in the README."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Client, _arguments

CONFIG = "/v1/cs/configs"
DAY = 86_400_000
DURATIONS: list[tuple[Any, int | None]] = [
    (None, 0),  # the default
    (0, None),
    (0.0, None),
    (-0.0, None),
    (-1, None),
    (-math.inf, None),
    (-(10**400), None),
    (math.nan, None),
    (5e-324, 1),
    (0.0001, 1),
    (0.001, 1),
    (0.0011, 2),
    (1, 1000),
    (1.5, 1500),
    (Fraction(1, 3), 334),
    (86400, DAY),
    (86400.5, DAY),
    (1e300, DAY),
    (10**400, DAY),
    (math.inf, DAY),
    (True, None),
    ("5", None),
]


@pytest.mark.parametrize(("seconds", "milliseconds"), DURATIONS)
def test_a_duration(seconds: Any, milliseconds: int | None) -> None:
    if milliseconds is None:
        with pytest.raises(nacos_auth.InvalidArgumentError, match="timeout"):
            _arguments.milliseconds("timeout", seconds)
    else:
        assert _arguments.milliseconds("timeout", seconds) == milliseconds


@pytest.mark.parametrize(("seconds", "milliseconds"), DURATIONS)
def test_wherever_one_is_given(server: DevServer, seconds: Any, milliseconds: int | None) -> None:
    """That the library takes what it is given, for the calls that it does not end; and the same of AsyncClient."""
    with Client(server.address, "nacos", "nacos") as client:
        client.token()

        async def request() -> None:
            async with AsyncClient(server.address, "nacos", "nacos") as other:
                await other.get(CONFIG, timeout=seconds)

        async def token() -> None:
            async with AsyncClient(server.address, "nacos", "nacos") as other:
                await other.token(timeout=seconds)

        calls: list[Callable[[], object]] = [
            lambda: client.get(CONFIG, timeout=seconds),
            lambda: client.token_info(seconds),
            lambda: asyncio.run(request()),
            lambda: asyncio.run(token()),
            lambda: Client(server.address, "nacos", "nacos", request_timeout=seconds).get(CONFIG),
            lambda: Client(server.address, "nacos", "nacos", connect_timeout=seconds).get(CONFIG),
        ]
        for call in calls:
            if milliseconds is None:
                with pytest.raises(nacos_auth.InvalidArgumentError, match="timeout"):
                    call()
            elif 0 < milliseconds < 1000:
                with suppress(nacos_auth.TransportError):
                    call()
            else:
                call()


@pytest.mark.parametrize(("seconds", "is_taken"), [(given, taken is not None) for given, taken in DURATIONS])
def test_the_life_of_a_token(seconds: Any, is_taken: bool) -> None:
    with Client("127.0.0.1", token="first") as client:
        if not is_taken:
            with pytest.raises(nacos_auth.InvalidArgumentError, match="ttl"):
                client.set_token("second", ttl=seconds)
            return
        client.set_token("second", ttl=seconds)
        if seconds is None or seconds >= 1:
            assert client.token() == "second"
        if seconds is None or seconds == math.inf:
            assert client.token_info().remaining == pytest.approx(unlimited(), rel=0.01)


def unlimited() -> float:
    with Client("127.0.0.1", token="first") as client:
        return client.token_info().remaining


@pytest.mark.parametrize("seconds", [None, 0, 0.0, 1e-9, 5, math.inf, 10**400])
def test_closing(server: DevServer, seconds: Any) -> None:
    client = Client(server.address, "nacos", "nacos", on_event=print)
    assert client.close(seconds) is True
    with pytest.raises(nacos_auth.ClosedError):
        client.token()
    asyncio.run(AsyncClient(server.address, "nacos", "nacos", on_event=print).close(seconds))


@pytest.mark.parametrize("seconds", [-1, -1e-9, -math.inf, math.nan, "5", True])
def test_closing_in_no_time(server: DevServer, seconds: Any) -> None:
    with Client(server.address, "nacos", "nacos") as client:
        with pytest.raises(nacos_auth.InvalidArgumentError, match="timeout"):
            client.close(seconds)
        with pytest.raises(nacos_auth.InvalidArgumentError, match="timeout"):
            asyncio.run(AsyncClient(server.address, "nacos", "nacos").close(seconds))
        assert client.token()  # it is open still


def test_without_one_a_call_has_the_time_of_its_client(server: DevServer) -> None:
    with Client(server.address, "nacos", "nacos", request_timeout=0.4) as client:
        client.token(5)
        server.control("/faults", on="request", kind="hang", times=0)
        start = time.monotonic()
        with pytest.raises(nacos_auth.NacosTimeoutError):
            client.get(CONFIG, timeout=None)
        assert 0.3 < time.monotonic() - start < 8
