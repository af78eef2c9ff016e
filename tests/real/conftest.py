"""Two processes at a time: a real server needs a core and 400 MB."""

from __future__ import annotations

import pytest

from by_server import ByServer


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByServer:
    return ByServer(config, log)
