"""from_env, by the table that the tests of every language read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import nacos_auth
from devserver import DevServer
from nacos_auth import AsyncClient, Client, _environment

TABLE = Path(__file__).resolve().parents[3] / "tests" / "environment.txt"
SECRET = "s3cret"


@dataclass
class Case:
    variables: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    error: str | None = None


def unescaped(text: str) -> str:
    """As the environment holds it, where bytes that are not UTF-8 are halves of surrogate pairs."""
    return os.fsdecode(re.sub(rb"\\x(..)", lambda found: bytes.fromhex(found[1].decode()), text.encode()))


def read_table() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    case = Case()
    for line in TABLE.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        name, _, value = rest.partition("=")
        if word == "case":
            case = cases[rest] = Case()
        elif word == "set":
            case.variables[name] = unescaped(value)
        elif word == "gives":
            case.settings[name] = unescaped(value)
        else:
            assert word == "fails"
            case.error = rest
    return cases


CASES = read_table()


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("NACOS_") and not name.startswith("NACOS_AUTH_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("what", CASES)
def test_the_table_of_all_languages(what: str, clean: pytest.MonkeyPatch) -> None:
    case = CASES[what]
    for name, value in case.variables.items():
        clean.setenv(name, value)
    if case.error is None:
        given = {"token_in": "auto", **_environment.read(os.environ)}
        assert given == {"token_in": "auto", **case.settings}
        return
    for kind in (Client, AsyncClient):
        with pytest.raises(nacos_auth.InvalidArgumentError) as caught:
            kind.from_env()
        assert str(caught.value) == case.error
        assert (caught.value.status, caught.value.code) == ("INVALID_CONFIG", 103)
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
        own = traceback.StackSummary.from_list([one for one in frames if "/nacos_auth/" in one.filename])
        shown = str(caught.value) + "".join(own.format())
        assert SECRET not in shown.replace("http://nacos:s3cret@10.0.0.1:8848", "an address is no place for a secret")


def test_every_setting_of_the_table_is_an_argument(clean: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    class Recording(Client):
        __slots__ = ()

        def __init__(self, **settings: object) -> None:
            given.update(settings)

    for case in CASES.values():
        for name, value in case.variables.items():
            clean.setenv(name, value)
        if case.error is None:
            given.clear()
            Recording.from_env()
            assert {"token_in": "auto", **given} == {"token_in": "auto", **case.settings}
        for name in case.variables:
            clean.delenv(name)


def test_a_client_from_variables_serves(server: DevServer, clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("nacos\n")
    clean.setenv("NACOS_SERVER_ADDR", server.address)
    clean.setenv("NACOS_USERNAME", "nacos")
    clean.setenv("NACOS_PASSWORD_FILE", str(tmp_path / "password"))
    clean.setenv("NACOS_TOKEN_IN", "query")
    with Client.from_env() as client:
        assert client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}).status == 200


def test_nothing_is_read_unless_asked_for(server: DevServer) -> None:
    program = f"""
import nacos_auth
with nacos_auth.Client({server.address!r}, "nacos", "nacos") as client:
    print(client.get("/v1/cs/configs", params={{"dataId": "demo", "group": "DEFAULT_GROUP"}}).status)
"""
    misleading = {"NACOS_SERVER_ADDR": "127.0.0.1:1", "NACOS_PROXY": "http://127.0.0.1:1", "NACOS_TOKEN_IN": "nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **misleading, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "200\n"
