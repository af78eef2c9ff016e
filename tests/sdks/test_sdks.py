"""SDKs that know nothing of nacos-auth, unchanged, through exec and proxy, over five expiries and a new secret."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
INSTALLED = ROOT / "build" / "sdks"
PYTHON_SDK = "nacos-sdk-python==2.0.11"
NODE_SDK = "nacos@2.6.3"
TTL = 2
SECONDS = 13


class Server(NamedTuple):
    address: str
    control: str

    def call(self, path: str, method: str = "POST") -> dict[str, int]:
        request = urllib.request.Request(f"http://{self.control}{path}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            result: dict[str, int] = json.load(answer)
            return result


@pytest.fixture
def server() -> Iterator[Server]:
    command = [str(TARGET / "nacos-devserver"), "--stdin", "--ttl", str(TTL)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    first = json.loads(process.stdout.readline())
    yield Server(first["address"], first["control"])
    process.stdin.close()
    process.wait(60)


def settings(server: Server) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NACOS_")}
    names = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    return plain | names | {"NODE_PATH": str(INSTALLED / "node" / "node_modules")}


@contextmanager
def alone() -> Iterator[None]:
    """One test at a time: they run side by side."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{what} cannot be had: {done.stderr.strip()[-200:]}")


def python_client() -> list[str]:
    python = INSTALLED / "python" / "bin" / "python"
    with alone():
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(INSTALLED / "python")], check=True)
        install([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYTHON_SDK], PYTHON_SDK)
    return [str(python), str(HERE / "python_client.py")]


def node_client() -> list[str]:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no npm")
    folder = INSTALLED / "node"
    with alone():
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "node_modules" / "nacos").exists():
            install(
                [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), NODE_SDK], NODE_SDK
            )
    return [node, str(HERE / "node_client.js")]


@contextmanager
def proxy(server: Server) -> Iterator[str]:
    command = [str(TARGET / "nacos-auth"), "proxy", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, env=settings(server), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if "listening on" in line:
                break
        yield line.rsplit(" ", 1)[1].strip()
        process.terminate()
        process.communicate(timeout=60)


def check(client: subprocess.Popen[str], server: Server) -> None:
    time.sleep(SECONDS / 2)
    server.call("/secret")
    out, err = client.communicate(timeout=120)
    assert client.returncode == 0, err
    result = json.loads(out.splitlines()[-1])
    assert result["failures"] == [], result
    assert result["calls"] > 50, result
    assert result.get("heard", 1) > 0, result
    counts = server.call("/counts", "GET")
    assert counts["logins"] >= 6, counts
    assert counts["login_failures"] == 0, counts


@pytest.mark.parametrize("client", [python_client, node_client])
def test_an_sdk_survives_behind_the_proxy(server: Server, client: Callable[[], list[str]]) -> None:
    command = client()
    with proxy(server) as address:
        process = subprocess.Popen(
            [*command, address, str(SECONDS)],
            env=settings(server),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        check(process, server)


@pytest.mark.parametrize("client", [python_client, node_client])
def test_an_sdk_survives_inside_exec(server: Server, client: Callable[[], list[str]]) -> None:
    shell = ["sh", "-c", 'exec "$@" "$NACOS_AUTH_ADDR" "$0"', str(SECONDS), *client()]
    command = [str(TARGET / "nacos-auth"), "exec", "--listen", "127.0.0.1:0", "--", *shell]
    process = subprocess.Popen(command, env=settings(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(process, server)
