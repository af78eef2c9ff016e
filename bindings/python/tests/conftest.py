from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from devserver import REPOSITORY, DevServer
from nacos_auth import Client, _base

os.environ.setdefault("NACOS_AUTH_LIBRARY", str(REPOSITORY / "target" / "release" / "libnacos_auth.so"))


@pytest.fixture(autouse=True)
def no_client_left() -> Iterator[None]:
    """A client that lives on after its test logs in, and logs, in the midst of another."""
    before = set(_base._clients)
    yield

    def left() -> list[str]:
        return [
            repr(client)
            for number, client in _base._clients.items()
            if number not in before and client._handle and not client._is_closed
        ]

    if left():
        gc.collect()
    assert left() == []


@pytest.fixture
def start_server() -> Iterator[Callable[..., DevServer]]:
    """Starts servers with the given arguments, all ended after the test."""
    with ExitStack() as servers:
        yield lambda *arguments: servers.enter_context(DevServer(*arguments))


@pytest.fixture
def server(start_server: Callable[..., DevServer]) -> DevServer:
    return start_server()


@pytest.fixture
def client(server: DevServer) -> Iterator[Client]:
    with Client(server.address, "nacos", "nacos") as client:
        yield client


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Waits for a condition, and fails after a limit."""

    def wait(condition: Callable[[], bool], limit: float = 60) -> None:
        end = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < end, "the condition did not come true in time"
            time.sleep(0.01)

    return wait
