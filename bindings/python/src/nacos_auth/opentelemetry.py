"""OpenTelemetry: `instrument({"orders": client})` gives the figures of clients to the meter of your SDK."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from ._async_client import AsyncClient
from ._causes import Cause
from ._client import Client
from ._health import metrics
from ._library import library_version

__all__ = ["instrument"]

_FAMILY = re.compile(r"^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)$", re.MULTILINE)
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class _Family(NamedTuple):
    name: str
    help: str
    kind: str


def instrument(clients: Mapping[str, Client | AsyncClient], meter: Meter | None = None) -> None:
    """Observable instruments for all figures of docs/monitoring.md, read whenever the SDK collects.

    clients: by the name that becomes the attribute `client`; looked at in each collection, so that a dict may gain and
    lose clients. Those that have been closed have no figures, and no token without an end has a time left. meter: None
    is that of the global provider. Exporters to Prometheus make of the names those of docs/monitoring.md. Call it once.
    Closes nothing.
    """
    metrics(clients)  # which says what is wrong with them
    meter = get_meter("nacos_auth", library_version()) if meter is None else meter
    for found in _FAMILY.finditer(metrics({})):
        family = _Family(*found.groups())
        name, unit = _named(family)
        create = meter.create_observable_counter if family.kind == "counter" else meter.create_observable_gauge
        create(name, callbacks=[_reader(clients, family.name)], unit=unit, description=family.help)


def _named(family: _Family) -> tuple[str, str]:
    """Exporters to Prometheus append units and `_total` by themselves."""
    name, _, suffix = family.name.replace("nacos_auth_", "nacos_auth.", 1).rpartition("_")
    units = {"total": "", "seconds": "s"}
    return (name, units[suffix]) if suffix in units else (f"{name}_{suffix}" if name else suffix, "")


def _reader(
    clients: Mapping[str, Client | AsyncClient], family: str
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_: CallbackOptions) -> Iterator[Observation]:
        there = {name: client for name, client in dict(clients).items() if client.health().cause != Cause.CLOSED}
        for name, labels, value in _SAMPLE.findall(metrics(there)):
            if name == family and math.isfinite(float(value)):  # the SDK takes no other
                attributes = {
                    label: re.sub(r"\\.", lambda found: _ESCAPED.get(found[0], found[0]), text)
                    for label, text in _LABEL.findall(labels)
                }
                yield Observation(float(value), attributes)

    return read
