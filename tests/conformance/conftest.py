"""What every test gets: a shim of each language, and devservers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import examples
from by_server import ByServer
from devserver import DevServer
from handle import PASSWORD, USER
from recorder import Recorder
from shim import ROOT, Shim, listed

LANGUAGES = ("c", "c-async", "c-both", "cpp", "python", "python-async", "go", "go-static", "rust")
# What is about how calls wait.
WAITING = {
    "test_answers.py",
    "test_connections.py",
    "test_outage.py",
    "test_refusal.py",
    "test_services.py",
    "test_tls.py",
    "test_token.py",
    "test_wire.py",
}
# The others are as the shim of the same language: how it is linked, how calls wait.
SHORT = {"go-static": {"test_token.py"}, "c-both": {"test_token.py"}, "c-async": WAITING, "python-async": WAITING}
Serve = Callable[..., DevServer]


def _made() -> str:
    """What make shims prints; tests/run.py keeps it in a file, for all parts that want it."""
    if "NACOS_MADE_SHIMS" in os.environ:
        return Path(os.environ["NACOS_MADE_SHIMS"]).read_text(encoding="utf-8")
    made = subprocess.run(["make", "-s", "shims"], cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise pytest.UsageError(f"make shims failed:\n{made.stderr}")
    return made.stdout


def _shims() -> Sequence[tuple[str, str, str]]:
    """The shims of the file that NACOS_SHIMS names, or all those of this repository."""
    if "NACOS_SHIMS" not in os.environ:
        lines = _made().splitlines()
        built = {line.split("\t")[0] for line in lines}
        missing = [f"{language}\t\tnot built, see make shims" for language in LANGUAGES if language not in built]
        file = ROOT / "build" / "shims.txt"
        file.write_text("\n".join([*lines, *missing]) + "\n", encoding="utf-8")
        os.environ["NACOS_SHIMS"] = str(file)  # for the workers of pytest-xdist
    shims = listed(Path(os.environ["NACOS_SHIMS"]))
    if not shims:
        raise pytest.UsageError(f"{os.environ['NACOS_SHIMS']} names no shim")
    return shims


SHIMS = _shims()


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == "real":
        examples.built()  # now, or the two processes would do it side by side, in the same folder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a shim that differs from another one in one thing only, the files that this one thing is about."""
    if os.environ.get("HOST_LONG"):
        return
    left_out = [
        item
        for item in items
        if any(f"[{language}" in item.name and item.path.name not in files for language, files in SHORT.items())
    ]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The tests wait most of the time. But a real server needs a core and 400 MB, a cluster 1.3 GB."""
    return {"not real": 8, "real": 2}.get(config.option.markexpr, 0)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByServer | None:
    return ByServer(config, log) if config.option.markexpr == "real" else None


@pytest.fixture(scope="session")
def shims() -> dict[str, str]:
    """The commands of all shims there are, by language."""
    return {language: command for language, command, _ in SHIMS if command}


@pytest.fixture(params=SHIMS, ids=[language for language, *_ in SHIMS])
def shim(request: pytest.FixtureRequest) -> Iterator[Shim]:
    """A shim, started for one test; at its end it must leave in good order and have told no secret."""
    language, command, reason = request.param
    if not command:
        pytest.skip(f"NO {language} SHIM: {reason}")
    shim = Shim(language, command)
    try:
        yield shim
        shim.end()
    finally:
        shim.kill()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts devservers that know USER, and stops them after the test."""
    servers: list[DevServer] = []

    def start(**options: Any) -> DevServer:
        server = DevServer(**options)
        servers.append(server)
        server.set_user(USER, PASSWORD)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.stop()
