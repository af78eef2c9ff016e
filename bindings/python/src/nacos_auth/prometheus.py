"""prometheus_client: `REGISTRY.register(NacosAuthCollector({"orders": client}))`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from ._async_client import AsyncClient
from ._causes import Cause
from ._client import Client
from ._health import metrics

__all__ = ["NacosAuthCollector"]


class NacosAuthCollector(Collector):
    """The figures of clients, read whenever the registry is; docs/monitoring.md lists them.

    One collector has all clients of a program: each by a name, which becomes the label `client`. A single client may
    have the name "", and no label then. Clients that have been closed leave by themselves. Closes nothing.
    """

    def __init__(self, clients: Mapping[str, Client | AsyncClient] | None = None) -> None:
        self._lock = Lock()
        self._clients = dict(clients or {})
        metrics(self._clients)  # which says what is wrong with them

    def add(self, name: str, client: Client | AsyncClient) -> None:
        """From now on `client` too, in the place of another of that name."""
        with self._lock:
            clients = {**self._clients, name: client}
            metrics(self._open(clients))
            self._clients = clients

    def remove(self, name: str) -> None:
        """That client no more, if there is one."""
        with self._lock:
            self._clients = {other: client for other, client in self._clients.items() if other != name}

    def describe(self) -> Iterable[Metric]:
        """So that the registry sees two collectors with the same figures, without a reading."""
        return text_string_to_metric_families(metrics({}))

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            self._clients = self._open(self._clients)
            clients = self._clients
        return text_string_to_metric_families(metrics(clients))

    @staticmethod
    def _open(clients: dict[str, Client | AsyncClient]) -> dict[str, Client | AsyncClient]:
        return {name: client for name, client in clients.items() if client.health().cause != Cause.CLOSED}
