"""The server of the programs in the documentation."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from snippets import DEVSERVER, post


@contextmanager
def started() -> Iterator[str]:
    process = subprocess.Popen([DEVSERVER, "--stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    address = str(json.loads(process.stdout.readline())["address"])
    login = json.loads(post(f"http://{address}/nacos/v1/auth/login", username="nacos", password="nacos"))
    for name in ("demo", "app.yaml"):
        form = {"dataId": name, "group": "DEFAULT_GROUP", "content": "hello", "accessToken": login["accessToken"]}
        assert post(f"http://{address}/nacos/v1/cs/configs", **form) == "true"
    yield address
    process.stdin.close()
    process.wait(60)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with the configurations `demo` and `app.yaml`."""
    with started() as address:
        yield address


@pytest.fixture
def own_server() -> Iterator[str]:
    """The same for one test alone, which may change what is there."""
    with started() as address:
        yield address
