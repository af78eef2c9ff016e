"""A real Prometheus, with the alerts and the queries that are handed out: a changed password is told before any 403."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from devserver import DevServer
from nacos_auth import Client, NacosError
from nacos_auth.prometheus import NacosAuthCollector
from prometheus_client import CollectorRegistry, start_http_server

from conftest import MONITORING, expressions, program

LIFE = 120
DEMO = {"dataId": "demo", "group": "DEFAULT_GROUP"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def sooner(rules: str) -> str:
    """The alerts for tokens that live two minutes, in which a login fails for seconds before they end."""
    rules = re.sub(r"nacos_auth_login_failing_seconds > \d+", "nacos_auth_login_failing_seconds > 2", rules)
    rules = re.sub(r"nacos_auth_token_seconds_remaining < \d+", "nacos_auth_token_seconds_remaining < 5", rules)
    return re.sub(r"for: 1m", "for: 2s", rules)


class Prometheus:
    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, what: str) -> Any:
        with urllib.request.urlopen(self._url + what, timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.ask("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return found

    def firing(self) -> dict[str, dict[str, str]]:
        alerts = self.ask("alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert["labels"] for alert in alerts if alert["state"] == "firing"}


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    port = free_port()
    (folder / "alerts.yml").write_text(sooner((MONITORING / "alerts.yml").read_text()))
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yml]\n"
        f"scrape_configs: [{{job_name: orders, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    )
    command = [
        program("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            server = Prometheus(port)
            end = time.monotonic() + 60
            while True:
                try:
                    if server.query("nacos_auth_build_info"):
                        break
                except OSError:
                    pass
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.2)
            yield server
        finally:
            process.terminate()


@pytest.mark.long
def test_a_changed_password_is_told_before_the_first_403(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    http, thread = start_http_server(0, "127.0.0.1", registry)
    with DevServer("--ttl", str(LIFE)) as server, Client(server.address, "nacos", "nacos") as client:
        registry.register(NacosAuthCollector({"orders": client}))
        with prometheus(tmp_path, http.server_port) as watcher:
            refused: list[str] = []
            raised: dict[str, int] = {}  # each alert, and how many refusals a caller had seen by then

            def call() -> None:
                """As a program does all the time."""
                try:
                    status = client.get("/v1/cs/configs", params=DEMO).status
                except NacosError as error:
                    refused.append(error.status)
                else:
                    if status != 200:
                        refused.append(str(status))

            call()
            assert refused == []
            while not watcher.query('nacos_auth_health{status="ok"} == 1'):
                time.sleep(0.2)
            server.control("/password", username="nacos", password="a new one")
            end = time.monotonic() + LIFE + 60
            while "NacosAuthDown" not in raised:
                assert time.monotonic() < end, (raised, refused)
                call()
                for name in watcher.firing():
                    raised.setdefault(name, len(refused))
                    if name == "NacosAuthLoginsFailing" and raised[name] == 0 and len(raised) == 1:
                        without = [query for query in expressions() if not watcher.query(query)]
                        assert without == [], "queries of the dashboard that give nothing"
                time.sleep(0.3)
            assert raised["NacosAuthLoginsFailing"] == 0, (raised, refused)
            assert raised["NacosAuthTokenExpiring"] == 0, (raised, refused)
            assert watcher.firing()["NacosAuthDown"]["cause"] == "wrong-credentials"

            client.set_credentials("nacos", "a new one")
            while set(watcher.firing()) & {"NacosAuthDown", "NacosAuthLoginsFailing"}:
                assert time.monotonic() < end + 60, watcher.firing()
                call()
                time.sleep(0.3)
    http.shutdown()
    http.server_close()
    thread.join(30)
