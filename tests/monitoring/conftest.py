"""What is handed out for monitoring, and the library whose figures it is about."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
os.environ.setdefault("NACOS_AUTH_LIBRARY", str(ROOT / "target" / "release" / "libnacos_auth.so"))


def program(name: str) -> str:
    """prometheus or promtool, as tests/setup.sh has unpacked them."""
    found = shutil.which(name, path=f"{ROOT / 'build/tools/prometheus/usr/bin'}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"no {name}: HOST_LONG=1 tests/setup.sh unpacks Debian's")
    return found


def expressions() -> list[str]:
    """All queries of the dashboard, of everything, as Prometheus itself takes them."""
    dashboard: dict[str, Any] = json.loads((MONITORING / "grafana.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for variable in dashboard["templating"]["list"]:
        queries += re.findall(r"^label_values\((.*), \w+\)$", variable.get("definition", ""))
    return [re.sub(r"\$(job|instance|client)", ".*", query.replace("$__rate_interval", "15s")) for query in queries]
