"""The figures as prometheus_client and OpenTelemetry have them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import nacos_auth
from devserver import DevServer
from nacos_auth import Client, InvalidArgumentError
from nacos_auth.opentelemetry import instrument
from nacos_auth.prometheus import NacosAuthCollector

ODD = 'a "name"\\ of\ntwo lines'


@pytest.fixture
def clients(server: DevServer) -> Iterator[dict[str, Client]]:
    with Client(server.address, "nacos", "nacos") as one, Client(server.address, "poor", "poor") as other:
        one.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"})
        yield {ODD: one, "other": other}


def test_the_text_is_what_the_official_parser_reads(clients: dict[str, Client]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(nacos_auth.metrics(clients))}
    assert families["nacos_auth_logins"].type == "counter"
    assert all(family.documentation and family.type in {"counter", "gauge"} for family in families.values())
    samples = families["nacos_auth_requests"].samples
    assert {sample.labels["client"]: sample.value for sample in samples} == {ODD: 1, "other": 0}


def test_a_registry_has_the_same_figures(clients: dict[str, Client]) -> None:
    registry = CollectorRegistry(auto_describe=True)
    collector = NacosAuthCollector(clients)
    registry.register(collector)
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(NacosAuthCollector())

    def requests(name: str) -> float | None:
        return registry.get_sample_value("nacos_auth_requests_total", {"client": name})

    def stable(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(s.name, frozenset(s.labels.items())): s.value for s in samples if "seconds" not in s.name}

    assert stable(generate_latest(registry).decode()) == stable(nacos_auth.metrics(clients))
    assert registry.get_sample_value("nacos_auth_health", {"client": ODD, "status": "ok"}) == 1
    clients["other"].close()
    assert (requests(ODD), requests("other")) == (1, None)
    collector.remove(ODD)
    assert requests(ODD) is None
    collector.add("again", clients[ODD])
    assert requests("again") == 1
    assert registry.get_sample_value("nacos_auth_build_info", {"version": nacos_auth.library_version()}) == 1


def test_wrong_clients_are_refused_at_once(clients: dict[str, Client]) -> None:
    for wrong in ({"": clients[ODD], "a": clients[ODD]}, {"a": None}):
        with pytest.raises(InvalidArgumentError):
            NacosAuthCollector(wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError):
            instrument(wrong)  # type: ignore[arg-type]
    collector = NacosAuthCollector(clients)
    with pytest.raises(InvalidArgumentError):
        collector.add("", clients[ODD])
    assert len(list(collector.collect())) > 10


def test_opentelemetry_has_the_same_figures(clients: dict[str, Client]) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    instrument(clients, provider.get_meter("test"))

    def figures() -> dict[tuple[str, str, str], float]:
        data = reader.get_metrics_data()
        assert data is not None
        found: dict[tuple[str, str, str], float] = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            for point in metric.data.data_points:
                attributes = dict(point.attributes or {})
                key = (metric.name, str(attributes.get("client")), str(attributes.get("result")))
                found[key] = max(found.get(key, 0), getattr(point, "value", 0))
        return found

    seen = figures()
    assert seen["nacos_auth.requests", ODD, "None"] == 1
    assert seen["nacos_auth.logins", ODD, "success"] == 1
    assert seen["nacos_auth.token_seconds_remaining", ODD, "None"] > 0
    clients["other"].close()
    assert ("nacos_auth.requests", "other", "None") in seen
    assert ("nacos_auth.requests", "other", "None") not in figures()
    provider.shutdown()


class Interrupted(Client):
    """In the middle of its reading something happens: the handler of a signal, a finalizer, another thread's turn."""

    happens: list[Callable[[], object]] = []  # noqa: RUF012

    def health(self) -> nacos_auth.Health:
        if self.happens:
            self.happens.pop()()
        return super().health()


@pytest.fixture
def interrupted(server: DevServer) -> Iterator[Interrupted]:
    with Interrupted(server.address, "nacos", "nacos") as client:
        yield client
        Interrupted.happens.clear()


def test_a_handler_or_finalizer_in_the_middle_of_a_reading_waits_for_nothing(
    clients: dict[str, Client], interrupted: Interrupted
) -> None:
    collector = NacosAuthCollector({**clients, "interrupted": interrupted})

    def happen() -> None:
        list(collector.collect())
        collector.remove("other")
        collector.add("other", clients[ODD])

    Interrupted.happens.append(happen)
    reading = threading.Thread(target=lambda: list(collector.collect()), daemon=True)
    reading.start()
    reading.join(20)
    assert not reading.is_alive()
    (requests,) = (family for family in collector.collect() if family.name == "nacos_auth_requests")
    assert {sample.labels["client"]: sample.value for sample in requests.samples} == {
        ODD: 1,
        "interrupted": 0,
        "other": 1,  # the client that has come meanwhile
    }


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_reads_that_was_forked_in_the_middle_of_a_reading(interrupted: Interrupted) -> None:
    inside, go_on = threading.Event(), threading.Event()
    collector = NacosAuthCollector({"interrupted": interrupted})

    def happen() -> None:
        inside.set()
        go_on.wait(60)

    Interrupted.happens.append(happen)
    reading = threading.Thread(target=lambda: list(collector.collect()))
    reading.start()
    assert inside.wait(60)
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)
            os._exit(0 if len(list(collector.collect())) > 10 else 1)
        finally:
            os._exit(2)
    go_on.set()
    reading.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_clients_may_come_and_go_during_a_reading(clients: dict[str, Client]) -> None:
    ended, every, interval = threading.Event(), dict(clients), sys.getswitchinterval()

    def come_and_go() -> None:
        while not ended.is_set():
            for number in range(50):
                every[f"client {number}"] = clients[ODD]
            for number in range(50):
                del every[f"client {number}"]

    thread = threading.Thread(target=come_and_go)
    sys.setswitchinterval(1e-5)
    thread.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert "nacos_auth_requests" in nacos_auth.metrics(every)
    finally:
        sys.setswitchinterval(interval)
        ended.set()
        thread.join()
