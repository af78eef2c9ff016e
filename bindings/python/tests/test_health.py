"""How a client is, for probes; and its figures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Callable, Iterator

import pytest

import nacos_auth
from devserver import REPOSITORY, DevServer
from nacos_auth import AsyncClient, BadCredentialsError, Cause, Client, ClosedError, InvalidArgumentError, NacosError

HEADER = (REPOSITORY / "include" / "nacos_auth.h").read_text()


def probe(client: Client) -> bool:
    """As docs/monitoring.md has it."""
    with contextlib.suppress(NacosError):
        client.token(wait=False)
    return client.health().ready


def test_before_the_first_login_nothing_is_known(client: Client, wait_until: Callable[..., None]) -> None:
    health = client.health()
    assert (health.status, health.error, health.cause, health.ready) == ("unknown", None, None, False)
    assert (health.failing_for, health.remaining, health.retry_in) == (0, 0, 0)
    wait_until(lambda: probe(client))
    health = client.health()
    assert (health.status, health.cause, health.token_state, health.refresh_state) == ("ok", None, "fresh", "idle")
    assert health.remaining > 0


def test_an_old_token_serves_while_logins_fail(
    server: DevServer, client: Client, wait_until: Callable[..., None]
) -> None:
    client.token()
    client.set_credentials("nacos", "s3cret-and-wrong")
    wait_until(lambda: probe(client) and client.health().status == "degraded")
    health = client.health()
    assert health.ready
    assert health.cause == Cause.WRONG_CREDENTIALS
    assert isinstance(health.error, BadCredentialsError)
    assert health.error.server == server.address
    assert "s3cret" not in repr(health)
    assert health.failing_for > 0
    assert health.remaining > 0
    assert health.retry_in > 0


def test_down_without_a_token(server: DevServer, wait_until: Callable[..., None]) -> None:
    with Client(server.address, "nobody", "wrong") as client:
        wait_until(lambda: not probe(client) and client.health().status == "down")
        assert isinstance(client.health().error, BadCredentialsError)
        client.set_credentials("nacos", "nacos")
        wait_until(lambda: probe(client))
    health = client.health()
    assert (health.status, health.cause) == ("down", Cause.CLOSED)
    assert isinstance(health.error, ClosedError)


def test_an_asynchronous_client(server: DevServer) -> None:
    async def main() -> str:
        async with AsyncClient(server.address, "nacos", "nacos") as client:
            assert client.health().status == "unknown"
            await client.token()
            assert 'nacos_auth_health{status="ok"} 1' in client.metrics()
            return client.health().status

    assert asyncio.run(main()) == "ok"


def test_a_forked_child_knows_what_its_parent_knew(client: Client) -> None:
    client.token()
    child = os.fork()
    if not child:
        os._exit(0 if client.health().status == "ok" and "} 1" in client.metrics() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def others(server: DevServer) -> Iterator[tuple[Client, AsyncClient]]:
    with Client(server.address, "nacos", "nacos") as client:
        other = AsyncClient(server.address, "poor", "poor")
        yield client, other
        asyncio.run(other.close())


def test_figures_of_several_clients(others: tuple[Client, AsyncClient]) -> None:
    client, other = others
    client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"})
    text = nacos_auth.metrics({'o"r\\d\ners': client, "ü": other})
    assert '\nnacos_auth_requests_total{client="o\\"r\\\\d\\ners"} 1\n' in text
    assert '\nnacos_auth_requests_total{client="ü"} 0\n' in text
    assert text.count("# TYPE nacos_auth_health gauge\n") == 1
    assert "nacos_auth_build_info{version=" in nacos_auth.metrics({})
    assert '\nnacos_auth_health{client="a",status="down"} 0\n' in nacos_auth.metrics({"a": client})


def test_wrong_arguments(client: Client) -> None:
    for clients in [{"": client, "a": client}, {"a\0b": client}, {"a": None}, {1: client}, {"\udc80": client}]:
        with pytest.raises(InvalidArgumentError):
            nacos_auth.metrics(clients)  # type: ignore[arg-type]


def test_the_content_type_is_that_of_the_header() -> None:
    declared = re.findall(r'#define NACOS_METRICS_CONTENT_TYPE "(.*)"', HEADER)
    assert declared == [nacos_auth.METRICS_CONTENT_TYPE]
