"""`python -m nacos_auth`: why does a server refuse?"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from . import _environment
from ._causes import Cause
from ._diagnose import Diagnosis, Severity, diagnose
from ._errors import InvalidArgumentError, NacosError

_SETTINGS = {
    "server_addr": ("ADDRESS", "the servers, as host:port or https://host:port, separated by commas"),
    "username": ("NAME", "the user to log in as"),
    "password_file": ("FILE", "holds the password"),
    "context_path": ("PATH", 'what every path begins with, /nacos unless told; "" is none'),
    "ca_file": ("FILE", "PEM with the authorities to trust instead of the system's"),
    "client_cert_file": ("FILE", "PEM with the certificate to show to servers"),
    "client_key_file": ("FILE", "PEM with its key"),
    "tls_server_name": ("NAME", "what certificates have to be for, instead of the server's host"),
    "proxy": ("URL", "a proxy on the way to the servers; one with a password goes into NACOS_PROXY"),
    "token_in": ("PLACE", "where the token goes: auto, authorization, header or query"),
}
_SECRETS = ("password", "token")
_STATUS = {Severity.OK: 0, Severity.INFORMATION: 0, Severity.WARNING: 6, Severity.ERROR: 1}
_USAGE = 2
_INTERRUPTED = 130
_DESCRIPTION = """\
Finds out why a Nacos refuses: looks at servers, credentials, a token and a request, and says what is wrong and what
to do. What it prints holds no password, token or query. It makes at most two logins at each server, and none with
the token of --token-file."""
_EPILOG = """\
Each setting may be a variable of the environment instead: NACOS_SERVER_ADDR, NACOS_USERNAME and so on. A password
comes from --password-file, NACOS_PASSWORD_FILE or NACOS_PASSWORD, else from a prompt if this is a terminal; a token
in the place of both from NACOS_TOKEN.

exit status:
  0    all is well, or there is something worth knowing
  1    there are errors: it does not work
  2    the arguments or the settings are wrong: nothing was found out
  6    there are warnings: it works, and may not for long, or not well
They are those of nacos-auth doctor."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; its exit status."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    for name in _SECRETS:
        if given[name]:
            parser.error(f"a {name} does not belong on the command line, where others see it; see --help")
    if given["method"] is not None and given["path"] is None:
        parser.error("METHOD and PATH go together")
    try:
        diagnosis = _examine(given)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except NacosError as failure:
        print(f"{parser.prog}: {_with_options(str(failure), given)}", file=sys.stderr)
        return _USAGE
    try:
        _print(diagnosis.json + "\n" if given["json"] else diagnosis.text)
    except OSError as failure:
        print(f"{parser.prog}: cannot write: {failure.strerror}", file=sys.stderr)
        return _USAGE
    return _STATUS[diagnosis.severity]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m nacos_auth",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --password would be taken for --password-file, and shown as the name of no file
    )
    parser.add_argument("method", metavar="METHOD", nargs="?", help="of a request that fails")
    parser.add_argument("path", metavar="PATH", nargs="?", help="its path after the context path, with its query")
    parser.add_argument("--send-writes", action="store_true", help="send the request even if it may change something")
    parser.add_argument("--token-file", metavar="FILE", help="holds a token that is refused; - is standard input")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="how long it may take; 10 unless told")
    parser.add_argument("--json", action="store_true", help="print JSON")
    settings = parser.add_argument_group("settings")
    for name, (value, what) in _SETTINGS.items():
        settings.add_argument(_option(name), metavar=value, help=what)
    for name in _SECRETS:  # to be refused without being shown
        parser.add_argument(_option(name), nargs="?", const=True, help=argparse.SUPPRESS)
    return parser


def _examine(given: dict[str, Any]) -> Diagnosis:
    settings: dict[str, Any] = _settings({name: given[name] for name in _SETTINGS if given[name] is not None})
    token = None if given["token_file"] is None else _token(given["token_file"])
    return diagnose(
        **settings,
        method=given["method"],
        path=given["path"],
        refused_token=token,
        send_writes=given["send_writes"],
        timeout=given["timeout"],
    )


def _settings(options: dict[str, str]) -> dict[str, str]:
    """Those of the command line, then those of the environment, then a password that somebody types in."""
    environ = dict(os.environ)
    for one, other in _environment.EXCLUSIVE:
        for chosen, left in ((one, other), (other, one)):
            if chosen in options:
                environ.pop(_environment.variable(left), None)
    environ.update({_environment.variable(name): value for name, value in options.items()})

    def has(name: str) -> bool:
        return bool(environ.get(_environment.variable(name)))

    is_lacking = not any(map(has, ("password", "password_file", "token")))
    if is_lacking and has("server_addr") and has("username") and sys.stdin and sys.stdin.isatty():
        name = environ[_environment.variable("username")]
        with suppress(EOFError):
            environ[_environment.variable("password")] = getpass.getpass(f"Password of {name}: ")
    return {**_environment.read(environ), **options}


def _token(file: str) -> str:
    try:
        if file == "-":
            text = sys.stdin.read() if sys.stdin else ""
        else:
            with open(file, encoding="utf-8") as opened:
                text = opened.read()
    except OSError as failure:
        problem = f"cannot read {file}: {failure.strerror}"
    except ValueError:  # no UTF-8; as no name of a file, a NUL
        problem = f"no token in {file}"
    else:
        if text.strip():
            return text.strip()
        problem = f"no token in {file}"
    raise InvalidArgumentError(
        f"--token-file: {problem}", status="INVALID_CONFIG", code=103, cause=Cause.INVALID_CONFIG
    )


def _with_options(message: str, given: dict[str, Any]) -> str:
    """An error that begins with a setting begins with the option or the variable that it came from."""
    if message.startswith("refused_token:"):
        return message.replace("refused_token", "--token-file", 1)
    message = _environment.name_the_variable(message)
    for name in _SETTINGS:
        variable = _environment.variable(name)
        if message.startswith(f"{variable}:"):
            if given[name] is not None:
                return _option(name) + message[len(variable) :]
            return f"{message}; or give {_option(name)}" if "not set" in message else message
    return message


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _print(text: str) -> None:
    if not sys.stdout:  # closed
        return
    if sys.stdout.encoding.lower() not in {"utf-8", "utf8"}:
        text = text.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as failure:
        # Python will try once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(failure, BrokenPipeError):  # of which it is that whoever reads has read enough
            raise


if __name__ == "__main__":
    sys.exit(main())
