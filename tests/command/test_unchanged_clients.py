"""Clients that renew no token, unchanged, through `nacos-auth exec` and `nacos-auth proxy`, while tokens end and the
secret changes: none of them sees a failure."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEVSERVER = os.environ.get("NACOS_DEVSERVER", str(ROOT / "target" / "debug" / "nacos-devserver"))
COMMAND = os.environ.get("NACOS_AUTH_COMMAND", str(ROOT / "target" / "debug" / "nacos-auth"))
CLIENTS = ROOT / "tests" / "command" / "clients"
INSTALLED = ROOT / "build" / "clients"
PYTHON = INSTALLED / "python" / "bin" / "python"
NODE = INSTALLED / "node"

LIFE = 3  # seconds
LIVES = 5
SECONDS = LIFE * LIVES + 2

PROGRAMS = {
    "nacos-sdk-python": [str(PYTHON), str(CLIENTS / "sdk.py"), str(SECONDS)],
    "nacos-sdk-python-logs-in": [str(PYTHON), str(CLIENTS / "sdk.py"), str(SECONDS), "nacos", "nacos"],
    "node-sdk": ["node", str(CLIENTS / "sdk.cjs"), str(SECONDS)],
    "node-sdk-with-password": ["node", str(CLIENTS / "sdk.cjs"), str(SECONDS), "nacos", "nacos"],
}


@dataclass
class Server:
    address: str
    control: str

    def order(self, name: str) -> None:
        with urllib.request.urlopen(f"http://{self.control}/{name}", data=b"{}", timeout=10) as answer:
            assert json.load(answer)["ok"]

    def logins(self) -> int:
        with urllib.request.urlopen(f"http://{self.control}/counts", timeout=10) as answer:
            return int(json.load(answer)["logins"])


@pytest.fixture
def server() -> Iterator[Server]:
    command = [DEVSERVER, "--stdin", "--ttl", str(LIFE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Server(said["address"], said["control"])
        process.stdin.close()


def environment(server: Server) -> dict[str, str]:
    ours = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    # The Node SDK shares one connection among all processes that use this port, until the first of them ends.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        node = {"NODE_PATH": str(NODE / "node_modules"), "NODE_CLUSTER_CLIENT_PORT": str(free.getsockname()[1])}
    return {**os.environ, **ours, **node, "HOME": str(INSTALLED)}


def needs(name: str) -> None:
    if name.startswith("node") and (shutil.which("node") is None or not NODE.exists()):
        pytest.skip("no Node SDK: node and npm are missing")
    if "python" in name and not PYTHON.exists():
        pytest.skip(f"no nacos-sdk-python in {PYTHON}")


def assert_well(process: subprocess.Popen[str], server: Server) -> None:
    """It saw five lives of a token and a new secret, and no failure."""
    time.sleep(SECONDS / 2)
    server.order("secret")
    out, errors = process.communicate(timeout=SECONDS + 60)
    found = re.search(r"^ok (\d+) failed (\d+)$", out, re.MULTILINE)
    assert found, out + errors
    assert (process.returncode, int(found[2])) == (0, 0), errors
    assert int(found[1]) >= SECONDS * 2, "hardly anything was tried"
    assert LIVES <= server.logins() <= 4 * LIVES


@pytest.mark.parametrize("name", PROGRAMS)
def test_through_exec(server: Server, name: str, tmp_path: Path) -> None:
    needs(name)
    command = [COMMAND, "exec", "--listen", "127.0.0.1:0", "--", *PROGRAMS[name]]
    process = subprocess.Popen(
        command, env=environment(server), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert_well(process, server)


def test_a_script_with_curl_through_exec(server: Server) -> None:
    command = [COMMAND, "exec", "--check", "1s", "--", str(CLIENTS / "script.sh"), str(SECONDS), "socket"]
    process = subprocess.Popen(
        command, env=environment(server), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert_well(process, server)


def test_a_script_with_the_token_file(server: Server) -> None:
    """A secret that changes shows only when somebody uses the token: the file has another one within --check."""
    command = [COMMAND, "exec", "--", str(CLIENTS / "script.sh"), str(SECONDS), "both"]
    said = subprocess.run(command, env=environment(server), capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"^ok (\d+) failed 0$", said.stdout, re.MULTILINE)
    assert found, said.stdout + said.stderr
    assert int(found[1]) >= SECONDS * 2


@pytest.mark.parametrize("name", ["nacos-sdk-python-logs-in", "node-sdk"])
def test_through_a_proxy(server: Server, name: str, tmp_path: Path) -> None:
    needs(name)
    proxy = subprocess.Popen(
        [COMMAND, "proxy", "--listen", "127.0.0.1:0"],
        env=environment(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert proxy.stdout is not None
        said = proxy.stdout.readline()
        address = re.search(r"127\.0\.0\.1:\d+", said)
        assert address, said
        process = subprocess.Popen(
            PROGRAMS[name],
            env={**environment(server), "NACOS_AUTH_ADDR": address[0]},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert_well(process, server)
    finally:
        proxy.terminate()
        assert proxy.wait(20) == 0
