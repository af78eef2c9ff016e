"""The alerts, the dashboard and the page speak of the figures that there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import nacos_auth
import pytest
import yaml
from nacos_auth import Client
from prometheus_client.parser import text_string_to_metric_families

from conftest import MONITORING, ROOT, expressions, program

PAGE = (ROOT / "docs" / "monitoring.md").read_text()
# One that is down, so that all families have samples but the token's.
NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def text() -> Iterator[str]:
    with Client(NOBODY, "nacos", "nacos") as down, Client(NOBODY, token="t") as given:
        with pytest.raises(nacos_auth.NacosConnectionError):
            down.token()
        yield nacos_auth.metrics({"down": down, "given": given})


def declared(text: str) -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def labels(text: str) -> dict[str, set[str]]:
    """Of each family, without that of the client."""
    return {
        sample.name: {label for s in family.samples for label in s.labels} - {"client"}
        for family in text_string_to_metric_families(text)
        for sample in family.samples[:1]
    }


def test_the_page_lists_all_figures_with_their_types_and_labels(text: str) -> None:
    rows = re.findall(r"^\| `(nacos_auth_\w+)` \| (\w+) \|([^|]*)\|", PAGE, re.MULTILINE)
    assert {name: kind for name, kind, _ in rows} == declared(text)
    seen = labels(text)
    for name, _, cell in rows:
        assert set(re.findall(r"`(\w+)`", cell)) == seen[name], name


def test_the_page_lists_the_values_of_labels(text: str) -> None:
    for family in text_string_to_metric_families(text):
        if family.name in {"nacos_auth_build_info", "nacos_auth_health_cause"}:
            continue
        row = next(line for line in PAGE.splitlines() if re.match(rf"\| `{family.name}(_total)?` ", line))
        values = {value for sample in family.samples for label, value in sample.labels.items() if label != "client"}
        assert all(re.search(rf"\b{value}\b", row) for value in values), (family.name, values)


def test_alerts_and_dashboard_name_what_there_is(text: str) -> None:
    there = set(declared(text))
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    queries = [rule["expr"] for rule in rules] + expressions()
    used = {name for query in queries for name in re.findall(r"nacos_auth_\w+", query)}
    assert used <= there, used - there
    assert {rule["alert"] for rule in rules} == set(re.findall(r"^\| `(NacosAuth\w+)` ", PAGE, re.MULTILINE))


def test_the_dashboard_shows_every_figure(text: str) -> None:
    shown = {name for query in expressions() for name in re.findall(r"nacos_auth_\w+", query)}
    assert shown == set(declared(text))


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    assert dashboard["uid"]
    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 36
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])


def test_promtool_has_nothing_to_say(text: str) -> None:
    promtool = program("promtool")
    check = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=True)
    assert check.stderr == ""
    subprocess.run([promtool, "check", "rules", "alerts.yml"], cwd=MONITORING, check=True)
    subprocess.run([promtool, "test", "rules", "alerts.test.yml"], cwd=MONITORING, check=True)
