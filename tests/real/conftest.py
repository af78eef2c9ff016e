"""Two processes at a time: a real server needs a core and 400 MB."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from by_server import ByServer

LIBRARY = Path(__file__).resolve().parents[2] / "target" / "release" / "libnacos_auth.so"
os.environ.setdefault("NACOS_AUTH_LIBRARY", str(LIBRARY))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByServer:
    return ByServer(config, log)
