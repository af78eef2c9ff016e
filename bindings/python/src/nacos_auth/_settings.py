"""The settings of a client as C takes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypedDict

from ._arguments import (
    Anonymous,
    Body,
    Path,
    TokenIn,
    anonymous_mode,
    count,
    milliseconds,
    optional_text,
    path_text,
    pem,
    text,
    token_place,
)
from ._callbacks import Credentials
from ._declarations import AuthOptions
from ._state import Event


class PlainSettings(TypedDict, total=False):
    """Those that are no functions."""

    password_file: Path | None
    token: str | None
    context_path: str | None
    ca_file: Path | None
    client_cert_file: Path | None
    client_key_file: Path | None
    ca_pem: Body | None
    client_cert_pem: Body | None
    client_key_pem: Body | None
    tls_server_name: str | None
    proxy: str | None
    user_agent: str | None
    connect_timeout: float | None
    request_timeout: float | None
    max_connections: int | None
    max_operations: int | None
    max_response_size: int | None
    token_in: TokenIn
    anonymous: Anonymous


class ClientSettings(PlainSettings, total=False):
    """What `Client` and `diagnose` take by name; `Client` says what each is."""

    credentials: Callable[[], Credentials] | None
    logger: logging.Logger | None
    on_event: Callable[[Event], None] | None


class EverySetting(ClientSettings, total=False):
    """What `Client.from_env` takes."""

    server_addr: str | Sequence[str]
    username: str | None
    password: str | None


def auth_options(
    server_addr: str,
    username: str | None,
    password: str | None,
    *,
    password_file: Path | None = None,
    token: str | None = None,
    context_path: str | None = None,
    ca_file: Path | None = None,
    client_cert_file: Path | None = None,
    client_key_file: Path | None = None,
    ca_pem: Body | None = None,
    client_cert_pem: Body | None = None,
    client_key_pem: Body | None = None,
    tls_server_name: str | None = None,
    proxy: str | None = None,
    user_agent: str | None = None,
    connect_timeout: float | None = None,
    request_timeout: float | None = None,
    max_connections: int | None = None,
    max_operations: int | None = None,
    max_response_size: int | None = None,
    token_in: TokenIn = "auto",
    anonymous: Anonymous = "auto",
) -> AuthOptions:
    """Without the functions."""
    try:
        return AuthOptions(
            server_addr=text("server_addr", server_addr),
            context_path=optional_text("context_path", context_path),
            username=optional_text("username", username),
            password=optional_text("password", password),
            ca_file=path_text("ca_file", ca_file),
            client_cert_file=path_text("client_cert_file", client_cert_file),
            client_key_file=path_text("client_key_file", client_key_file),
            ca_pem=pem("ca_pem", ca_pem),
            client_cert_pem=pem("client_cert_pem", client_cert_pem),
            client_key_pem=pem("client_key_pem", client_key_pem),
            tls_server_name=optional_text("tls_server_name", tls_server_name),
            proxy=optional_text("proxy", proxy),
            user_agent=optional_text("user_agent", user_agent),
            connect_timeout_ms=milliseconds("connect_timeout", connect_timeout),
            request_timeout_ms=milliseconds("request_timeout", request_timeout),
            max_connections=count("max_connections", max_connections),
            max_operations=count("max_operations", max_operations),
            max_response_size=count("max_response_size", max_response_size, 64),
            token_in=token_place(token_in),
            anonymous=anonymous_mode(anonymous),
            password_file=path_text("password_file", password_file),
            token=optional_text("token", token),
        )
    finally:
        del password, proxy, token, client_key_pem  # a traceback that shows variables must not find them here
