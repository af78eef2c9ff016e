"""The question that people come with, answered from one end to the other.

A program that logs in once works for a while and is then answered 403. The doctor says in one run what it is, the page
has the server's words, and the few lines on it are the cure.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEVSERVER = os.environ.get("NACOS_DEVSERVER", str(ROOT / "target" / "debug" / "nacos-devserver"))
COMMAND = os.environ.get("NACOS_AUTH_COMMAND", str(ROOT / "target" / "debug" / "nacos-auth"))
LIBRARY = os.environ.get("NACOS_AUTH_LIBRARY", str(ROOT / "target" / "release" / "libnacos_auth.so"))
LIFE = 3  # seconds
READ = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"


@pytest.fixture(scope="module", params=["1.4", "2.0", "2.3", "2.x", "3.x"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    command = [DEVSERVER, "--stdin", "--generation", request.param, "--ttl", str(LIFE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield str(json.loads(process.stdout.readline())["address"])
        process.stdin.close()


def read(server: str, token: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://{server}/nacos{READ}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status), str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_the_question(server: str, tmp_path: Path) -> None:
    login = urllib.request.Request(f"http://{server}/nacos/v1/auth/login", data=b"username=nacos&password=nacos")
    with urllib.request.urlopen(login, timeout=10) as answer:
        token = str(json.load(answer)["accessToken"])
    assert read(server, token) == (200, "hello")
    time.sleep(LIFE + 2)
    status, body = read(server, token)
    assert status == 403
    words = str(json.loads(body)["message"])

    # The doctor, in one run.
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    environment = {**os.environ, "NACOS_SERVER_ADDR": server, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    began = time.monotonic()
    said = subprocess.run(
        [COMMAND, "doctor", "--token-file", str(file), "GET", READ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert time.monotonic() - began < 10
    text = " ".join(said.stdout.split())
    assert "cause token-expired" in text and re.search(r"which ended \d+ s ago, of user \"nacos\"", text), said.stdout
    assert words in text
    assert token not in said.stdout

    # The page has the same words.
    page = (ROOT / "docs" / "403.md").read_text(encoding="utf-8")
    assert f"`{words}`" in page
    assert "(doctor.md)" in page

    # Its few lines are the cure.
    cure = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    assert len(cure.strip().splitlines()) <= 5
    cure = cure.replace("127.0.0.1:8848", server) + CURED.replace("@", server)
    environment.update(NACOS_AUTH_LIBRARY=LIBRARY, PYTHONPATH=str(ROOT / "bindings" / "python" / "src"))
    cured = subprocess.run(
        [sys.executable, "-c", cure], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert cured.stdout.split() == ["hello"] * (2 * LIFE), cured.stdout + cured.stderr


# Longer than a token lives.
CURED = f"""
import time, urllib.request
for _ in range({2 * LIFE}):
    headers = {{"Authorization": f"Bearer {{client.token()}}"}}
    request = urllib.request.Request("http://@/nacos{READ}", headers=headers)
    print(urllib.request.urlopen(request, timeout=10).read().decode())
    time.sleep(1)
"""
