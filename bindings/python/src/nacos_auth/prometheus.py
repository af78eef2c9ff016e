"""prometheus_client: `REGISTRY.register(NacosAuthCollector({"orders": client}))`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping

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
        named = dict(clients or {})
        metrics(named)  # which says what is wrong with them
        # No lock: the handler of a signal, a finalizer or a forked child would find it held. Each entry has a number
        # instead, so that putting in and taking out are single operations of a dict, and none takes out another's.
        self._numbers = itertools.count()
        self._entries = {next(self._numbers): entry for entry in named.items()}

    def add(self, name: str, client: Client | AsyncClient) -> None:
        """From now on `client` too, in the place of another of that name."""
        metrics({**self._open(), name: client})
        number = next(self._numbers)
        self._entries[number] = name, client
        self._remove(name, number)

    def remove(self, name: str) -> None:
        """That client no more, if there is one."""
        self._remove(name, math.inf)

    def describe(self) -> Iterable[Metric]:
        """So that the registry sees two collectors with the same figures, without a reading."""
        return text_string_to_metric_families(metrics({}))

    def collect(self) -> Iterable[Metric]:
        return text_string_to_metric_families(metrics(self._open()))

    def _remove(self, name: str, before: float) -> None:
        for number, (other, _) in dict(self._entries).items():
            if other == name and number < before:
                self._entries.pop(number, None)

    def _open(self) -> dict[str, Client | AsyncClient]:
        """By name, the latest of each. Those that are closed leave."""
        clients = {}
        for number, (name, client) in dict(self._entries).items():
            if client.health().cause == Cause.CLOSED:
                self._entries.pop(number, None)
            else:
                clients[name] = client
        return clients
