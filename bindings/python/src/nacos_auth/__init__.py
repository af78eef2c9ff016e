"""Keeps a program authenticated against a Nacos server.

    with nacos_auth.Client("127.0.0.1:8848", "nacos", "nacos") as client:
        print(client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}).text)

`Client` is the door; everything raised is a `NacosError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import _main_interpreter as _main_interpreter
from ._arguments import Anonymous, Body, CallSettings, Pairs, Params, Sensitive, TokenIn, Value, Values
from ._callbacks import Credentials
from ._causes import Cause
from ._client import Client
from ._declarations import ABI_VERSION
from ._errors import (
    BadCredentialsError,
    ClosedError,
    ForbiddenError,
    HTTPStatusError,
    InternalError,
    InvalidArgumentError,
    LibraryError,
    NacosConnectionError,
    NacosError,
    NacosTimeoutError,
    NoCredentialsError,
    ProtocolError,
    ServerError,
    ThrottledError,
    TransportError,
    WouldBlockError,
)
from ._health import METRICS_CONTENT_TYPE, Health, metrics
from ._library import library_version
from ._response import Headers, Response
from ._settings import ClientSettings
from ._state import Advice, Advised, Event, ExternalToken, Stats, Token

if TYPE_CHECKING:
    from ._async_client import AsyncClient, diagnose_async
    from ._diagnose import Diagnosis, Finding, Severity, diagnose

__version__ = "0.1.0"

__all__ = [
    "ABI_VERSION",
    "METRICS_CONTENT_TYPE",
    "Advice",
    "Advised",
    "Anonymous",
    "AsyncClient",
    "BadCredentialsError",
    "Body",
    "CallSettings",
    "Cause",
    "Client",
    "ClientSettings",
    "ClosedError",
    "Credentials",
    "Diagnosis",
    "Event",
    "ExternalToken",
    "Finding",
    "ForbiddenError",
    "HTTPStatusError",
    "Headers",
    "Health",
    "InternalError",
    "InvalidArgumentError",
    "LibraryError",
    "NacosConnectionError",
    "NacosError",
    "NacosTimeoutError",
    "NoCredentialsError",
    "Pairs",
    "Params",
    "ProtocolError",
    "Response",
    "Sensitive",
    "ServerError",
    "Severity",
    "Stats",
    "ThrottledError",
    "Token",
    "TokenIn",
    "TransportError",
    "Value",
    "Values",
    "WouldBlockError",
    "__version__",
    "diagnose",
    "diagnose_async",
    "library_version",
    "metrics",
]


if not TYPE_CHECKING:  # to whom every name would be one of this module
    _LATER = {
        "AsyncClient": "_async_client",
        "Diagnosis": "_diagnose",
        "Finding": "_diagnose",
        "Severity": "_diagnose",
        "diagnose": "_diagnose",
        "diagnose_async": "_async_client",
    }

    def __getattr__(name: str) -> Any:
        """Imports what needs asyncio or dataclasses when it is asked for: they take longer than all the rest."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_LATER[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return __all__
