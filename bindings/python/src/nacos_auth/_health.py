"""How a client is, for probes; and the figures of clients as Prometheus text."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import CDLL, POINTER, byref, c_char_p, c_void_p
from typing import TYPE_CHECKING, Literal, NamedTuple

from ._arguments import invalid, text
from ._causes import Cause
from ._declarations import NativeHealth, OwnedError, OwnedHandle, OwnedMetrics
from ._errors import NacosError, take_error
from ._library import library
from ._state import REFRESH_STATES, TOKEN_STATES

if TYPE_CHECKING:
    from ._async_client import AsyncClient
    from ._client import Client

METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Under which the text of `metrics` is served."""

HealthStatus = Literal["unknown", "ok", "degraded", "down"]
HEALTH: dict[int, HealthStatus] = {0: "unknown", 1: "ok", 2: "degraded", 3: "down"}


class Health(NamedTuple):
    """What is known of a client's health."""

    status: HealthStatus
    """unknown (no login has ended yet), ok, degraded (calls work, and will not for long: an old token serves while
    logins fail, for one) or down (no token works, and no login brings one; or the client is closed)."""
    error: NacosError | None
    """What is wrong, which calls get or will get, with its cause, server and words; None if nothing is."""
    failing_for: float
    """Seconds since the first login failed of those that have failed since the last success; 0 if the last did not."""
    remaining: float
    """Seconds until the estimated expiry of the token, until when a degraded client works; 0 without one."""
    retry_in: float
    """Seconds until the next login after one that failed; 0 if none is waiting for its time."""
    token_state: str
    """As in `Stats`."""
    refresh_state: str
    """As in `Stats`."""

    @property
    def ready(self) -> bool:
        """Whether requests can be expected to succeed: for readiness probes."""
        return self.status in {"ok", "degraded"}

    @property
    def cause(self) -> Cause | str | None:
        """Why it is not well; None if it is, or if nothing is known."""
        return None if self.error is None else self.error.cause


def health_of(native: CDLL, handle: OwnedHandle) -> Health:
    health, reason, error = NativeHealth(), OwnedError(), OwnedError()
    status = native.nacos_auth_health(handle, byref(health), byref(reason), byref(error))
    if status:
        raise take_error(native, status, error)
    return Health(
        status=HEALTH.get(health.status, "unknown"),
        error=take_error(native, native.nacos_error_status(reason), reason) if reason else None,
        failing_for=health.failing_for_ms / 1000,
        remaining=health.remaining_ms / 1000,
        retry_in=health.retry_in_ms / 1000,
        token_state=TOKEN_STATES.get(health.token_state, "unknown"),
        refresh_state=REFRESH_STATES.get(health.refresh_state, "unknown"),
    )


def metrics_of(native: CDLL, handles: list[OwnedHandle], names: list[bytes] | None) -> str:
    metrics, error = OwnedMetrics(), OwnedError()
    auths = (c_void_p * len(handles))(*(handle.value for handle in handles))
    labels = (c_char_p * len(handles))(*names) if names is not None else POINTER(c_char_p)()
    status = native.nacos_auth_metrics(auths, labels, len(handles), byref(metrics), byref(error))
    if status:
        raise take_error(native, status, error)
    found: bytes = native.nacos_metrics_text(metrics)
    return found.decode()


def metrics(clients: Mapping[str, Client | AsyncClient]) -> str:
    """The figures of several clients as Prometheus text, served as `METRICS_CONTENT_TYPE`: each with a label `client`.

    clients: by the name that becomes the label. Closed ones have figures too. Waits for nothing.
    """
    from ._base import BaseClient  # noqa: PLC0415 # which has `metrics` of its own from here

    handles, names = [], []
    for name, client in dict(clients).items():  # which other threads may add to
        if not isinstance(client, BaseClient):
            raise invalid(f"clients[{name!r}] must be a Client or an AsyncClient, not {type(client).__name__}")
        names.append(text("the name of a client", name))
        handles.append(client._handle)
    return metrics_of(library(), handles, names)
