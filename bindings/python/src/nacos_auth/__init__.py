"""Keeps a program authenticated against a Nacos server.

    with nacos_auth.Client("127.0.0.1:8848", "nacos", "nacos") as client:
        print(client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"}).text)

`Client` is the door; everything raised is a `NacosError`.
"""

from typing import TYPE_CHECKING, Any

from . import _main_interpreter as _main_interpreter
from ._arguments import Anonymous, Body, CallSettings, Pairs, Sensitive, TokenIn, Value
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
from ._library import library_version
from ._response import Headers, Response
from ._state import Advice, Advised, Event, ExternalToken, Stats, Token

if TYPE_CHECKING:
    from ._async_client import AsyncClient

__version__ = "0.1.0"

__all__ = [
    "ABI_VERSION",
    "Advice",
    "Advised",
    "Anonymous",
    "AsyncClient",
    "BadCredentialsError",
    "Body",
    "CallSettings",
    "Cause",
    "Client",
    "ClosedError",
    "Credentials",
    "Event",
    "ExternalToken",
    "ForbiddenError",
    "HTTPStatusError",
    "Headers",
    "InternalError",
    "InvalidArgumentError",
    "LibraryError",
    "NacosConnectionError",
    "NacosError",
    "NacosTimeoutError",
    "NoCredentialsError",
    "Pairs",
    "ProtocolError",
    "Response",
    "Sensitive",
    "ServerError",
    "Stats",
    "ThrottledError",
    "Token",
    "TokenIn",
    "TransportError",
    "Value",
    "WouldBlockError",
    "__version__",
    "library_version",
]


if not TYPE_CHECKING:  # to whom every name would be one of this module

    def __getattr__(name: str) -> Any:
        """Imports what needs asyncio when it is asked for: that takes longer than all the rest."""
        if name == "AsyncClient":
            from ._async_client import AsyncClient  # noqa: PLC0415

            globals()[name] = AsyncClient
            return AsyncClient
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
