"""The server of the programs in the documentation."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from snippets import DEVSERVER


class Server(NamedTuple):
    address: str
    control: str


@contextmanager
def started(*arguments: str) -> Iterator[Server]:
    """A server with the configurations `demo` and `app.yaml`."""
    command = [DEVSERVER, "--stdin", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    first = json.loads(process.stdout.readline())
    for name in ("demo", "app.yaml"):
        published = json.dumps({"data_id": name, "content": "hello"}).encode()
        url = f"http://{first['control']}/publish"
        urllib.request.urlopen(urllib.request.Request(url, published, method="POST"), timeout=60).close()
    yield Server(first["address"], first["control"])
    process.stdin.close()
    process.wait(60)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of one."""
    with started() as server:
        yield server.address


@pytest.fixture
def own_server() -> Iterator[str]:
    """The same for one test alone, which may change what is there."""
    with started() as server:
        yield server.address
