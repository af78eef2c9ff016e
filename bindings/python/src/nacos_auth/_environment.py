"""Settings from environment variables, each named after its setting."""

from __future__ import annotations

from collections.abc import Mapping

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
_TOGETHER = (("client_cert_file", "client_key_file"), ("client_key_file", "client_cert_file"))


def read(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that are set. Raises `InvalidArgumentError`, for what is missing or contradictory."""
    settings = {name: environ[variable(name)] for name in _SETTINGS if environ.get(variable(name))}
    problem = _problem(settings)
    if problem:
        del settings, environ  # a traceback that shows variables must not find secrets
        raise InvalidArgumentError(problem, status="INVALID_CONFIG", code=103, cause=Cause.INVALID_CONFIG)
    return settings


def name_the_variable(message: str) -> str:
    """An error that begins with the name of a setting begins with that of its variable instead."""
    for name in sorted(_SETTINGS, key=len, reverse=True):
        if message.startswith(name):
            return variable(name) + message[len(name) :]
    return message


def variable(setting: str) -> str:
    return _PREFIX + setting.upper()


def _problem(settings: Mapping[str, str]) -> str | None:
    for name, value in settings.items():
        if not _is_unicode(value):
            return f"{variable(name)}: not valid UTF-8"
    if "server_addr" not in settings:
        return 'NACOS_SERVER_ADDR: not set; write it like "10.0.0.1:8848" or "https://host:443"'
    for one, other in EXCLUSIVE:
        if one in settings and other in settings:
            return f"{variable(one)} and {variable(other)}: they exclude each other; unset one of them"
    if "token" not in settings:
        if "username" not in settings:
            return "NACOS_USERNAME: not set; set it with NACOS_PASSWORD or NACOS_PASSWORD_FILE, or set NACOS_TOKEN"
        if "password" not in settings and "password_file" not in settings:
            return "NACOS_PASSWORD: not set; set it, or NACOS_PASSWORD_FILE to the name of a file that holds it"
    for one, other in _TOGETHER:
        if one in settings and other not in settings:
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
