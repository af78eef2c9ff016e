"""What the pages on the doctor show is what it says."""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import Server, started
from snippets import COMMAND, ROOT, build, environment, named, output, token_of

READ = "/v1/cs/configs?dataId=app.yaml&group=DEFAULT_GROUP"
SECRETS = [argument for letter in b"ab" for argument in ("--secret", base64.b64encode(bytes([letter]) * 32).decode())]


def control(server: Server, path: str, **fields: object) -> None:
    request = urllib.request.Request(f"http://{server.control}{path}", json.dumps(fields).encode(), method="POST")
    urllib.request.urlopen(request, timeout=60).close()


def ended(server: Server) -> dict[str, str]:
    control(server, "/ttl", seconds=1)
    token = token_of(server.address)
    control(server, "/ttl", seconds=18000)
    time.sleep(3)  # Nacos 2 takes a token for a second more
    return {"NACOS_TOKEN": token}


def of_another_secret(server: Server) -> dict[str, str]:
    token = token_of(server.address)
    control(server, "/secret")
    return {"NACOS_TOKEN": token}


def none(_: Server) -> dict[str, str]:
    return {}


# The name of what a page shows, the server's arguments, what happens before, the environment, the program's arguments.
CASES = {
    "healthy": ([], none, {}, [READ]),
    "wrong-password": ([], none, {"NACOS_PASSWORD": "wrong"}, []),
    "token-expired": ([], ended, {}, []),
    "other-secret": ([], of_another_secret, {}, []),
    "no-permission": ([], none, {"NACOS_USERNAME": "poor", "NACOS_PASSWORD": "poor"}, [READ]),
    "secrets-differ": (SECRETS, none, {}, []),
    "authentication-off": (["--no-auth"], none, {}, []),
    "connection-refused": ([], none, {"NACOS_SERVER_ADDR": "127.0.0.1:1"}, []),
}


def shown(page: str) -> dict[str, str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return dict(re.findall(r'^```text title="(.*?)"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL))


def plain(text: str) -> str:
    """Without what is different each time: addresses, numbers of milliseconds and seconds, where lines are broken."""
    text = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", " ".join(text.split()))
    return re.sub(r"\b\d+ (ms|s ago|connections|took)\b", r"N \1", text)


@pytest.fixture(scope="module")
def doctor(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("doctor")
    build(named("doctor.c"), "127.0.0.1:8848", folder)
    return [str(folder / "main")]


@pytest.mark.parametrize("case", CASES)
def test_the_pages_show_what_the_doctor_says(case: str, doctor: list[str], tmp_path: Path) -> None:
    arguments, prepare, settings, asked = CASES[case]
    with started(*arguments) as server:
        env = {**environment(server.address), **prepare(server), **settings}
        said = output([*doctor, *asked], tmp_path, env)
        token = env.pop("NACOS_TOKEN", "")
        (tmp_path / "token").write_text(token, encoding="utf-8")
        options = ["--token-file", "token"] if token else []
        request = ["GET", *asked] if asked else []
        assert plain(output([str(COMMAND), "doctor", *options, *request], tmp_path, env)) == plain(said)
    for page in ("docs/doctor.md", "docs/zh/doctor.md"):
        assert plain(shown(page)[case]) == plain(said), page


def test_the_pages_show_nothing_else() -> None:
    for page in ("docs/doctor.md", "docs/zh/doctor.md"):
        assert list(shown(page)) == list(CASES)
