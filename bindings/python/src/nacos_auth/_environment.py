"""Settings from environment variables, each named after its setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from ._arguments import token_place
from ._causes import Cause
from ._errors import InvalidArgumentError

_PREFIX = "NACOS_"
_SETTINGS = (
    "server_addr",
    "username",
    "password",
    "password_file",
    "token",
    "context_path",
    "ca_file",
    "client_cert_file",
    "client_key_file",
    "tls_server_name",
    "proxy",
    "token_in",
)
EXCLUSIVE = (("token", "username"), ("token", "password"), ("token", "password_file"), ("password", "password_file"))
_GIVEN_INSTEAD = (
    *(("credentials", account) for account in ("username", "password", "password_file", "token")),
    *((f"{name}_pem", f"{name}_file") for name in ("ca", "client_cert", "client_key")),
)
"""Of which the first are in no environment."""
_NOTHING: Mapping[str, Any] = {}
_TOGETHER = (("client_cert_file", "client_key_file"), ("client_key_file", "client_cert_file"))


def read(environ: Mapping[str, str], given: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
    """The settings that are set, and those given, which count first.

    Raises `InvalidArgumentError`, for what is missing or contradictory.
    """
    settings = {name: environ[variable(name)] for name in _SETTINGS if environ.get(variable(name))}
    chosen = {name for name, value in given.items() if value is not None}
    for one, other in EXCLUSIVE + _GIVEN_INSTEAD:
        for instead, left in ((one, other), (other, one)):
            if instead in chosen:
                settings.pop(left, None)
    settings = {name: value for name, value in settings.items() if name not in given}
    problem = _problem(settings, chosen)
    if problem:
        del settings, environ, given  # a traceback that shows variables must not find secrets
        raise InvalidArgumentError(problem, status="INVALID_CONFIG", code=103, cause=Cause.INVALID_CONFIG)
    return {**settings, **given}


def name_the_variable(message: str, names: Iterable[str] = _SETTINGS) -> str:
    """An error that begins with the name of one of these settings begins with that of its variable instead."""
    for name in sorted(names, key=len, reverse=True):
        if message.startswith(name):
            return variable(name) + message[len(name) :]
    return message


def variable(setting: str) -> str:
    return _PREFIX + setting.upper()


def _problem(settings: Mapping[str, str], given: Set[str]) -> str | None:
    """settings: those of the environment. given: the names of the others."""
    for name, value in settings.items():
        if not _is_unicode(value):
            return f"{variable(name)}: not valid UTF-8"
    names = settings.keys() | given
    if "server_addr" not in names:
        return 'NACOS_SERVER_ADDR: not set; write it like "10.0.0.1:8848" or "https://host:443"'
    for one, other in EXCLUSIVE:
        if one in settings and other in settings:
            return f"{variable(one)} and {variable(other)}: they exclude each other; unset one of them"
    if "token" not in names and "credentials" not in names:
        if "username" not in names:
            return "NACOS_USERNAME: not set; set it with NACOS_PASSWORD or NACOS_PASSWORD_FILE, or set NACOS_TOKEN"
        if "password" not in names and "password_file" not in names:
            return "NACOS_PASSWORD: not set; set it, or NACOS_PASSWORD_FILE to the name of a file that holds it"
    for one, other in _TOGETHER:
        if one in settings and other not in names and other.replace("_file", "_pem") not in names:
            return f"{variable(other)}: not set; it goes with {variable(one)}: set both or neither"
    if not _is_place(settings.get("token_in", "auto")):
        return "NACOS_TOKEN_IN: not known; write auto, authorization, header or query"
    return None


def _is_unicode(value: str) -> bool:
    """Bytes that are none stand in the environment as halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_place(value: str) -> bool:
    try:
        token_place(value)
    except InvalidArgumentError:
        return False
    return True
