"""Python values as C takes them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from ctypes import Array, sizeof
from typing import Literal, TypedDict, Union, cast

from ._causes import Cause
from ._declarations import (
    IDEMPOTENT,
    NO_ANONYMOUS,
    NO_FAILOVER,
    NO_REPLAY,
    NO_WAIT,
    NOT_IDEMPOTENT,
    PAIR_SENSITIVE,
    CallOptions,
    Pair,
    RequestOptions,
)
from ._errors import InvalidArgumentError


class Sensitive:
    """A value of `params`, `headers` or `data` that is secret: no error, event or log line holds it.

    Not even where a server repeats it. Formatted it shows nothing.
    """

    __slots__ = ("value",)

    value: str

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<nacos_auth.Sensitive>"


class CallSettings(TypedDict, total=False):
    """How one request is to be made."""

    timeout: float | None
    """Seconds, for everything that belongs to the call. None: the client's request_timeout, and as much more as a
    header Long-Pulling-Timeout says."""
    wait: bool
    """False: wait for no login and no connection that other calls use, but raise `WouldBlockError`."""
    replay: bool
    """False: send the request once at the most, whatever becomes of it."""
    failover: bool
    """False: ask one server only."""
    idempotent: bool | None
    """Whether sending the request twice does no more than sending it once. None: as its method says."""
    anonymous: bool
    """False: never send it without a token, whatever the client's `anonymous` says."""


TokenIn = Literal["auto", "authorization", "header", "query"]
Anonymous = Literal["auto", "never"]
Path = Union[str, "os.PathLike[str]"]
Value = Union[str, int, Sensitive]
Pairs = Union[Mapping[str, Value], Iterable[tuple[str, Value]]]

_REQUEST_OPTIONS_SIZE = sizeof(RequestOptions)
TOKEN_IN = {"auto": 0, "authorization": 1, "header": 2, "query": 3}
ANONYMOUS = {"auto": 0, "never": 1}


def invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, status="INVALID_ARGUMENT", code=100, cause=Cause.INVALID_ARGUMENT)


def text(name: str, value: str | None, *, nul: bool = False) -> bytes | None:
    """UTF-8 for C, where a NUL byte would silently cut the string, unless its length goes along."""
    if value is None:
        return None
    if not nul and "\0" in value:
        del value  # a traceback that shows variables must not find it here
        raise invalid(f"{name} contains a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:  # its own text would show the value
        del value
        raise InvalidArgumentError(
            f"{name} is not valid Unicode", status="INVALID_UTF8", code=102, cause=Cause.INVALID_ARGUMENT
        ) from None


def path_text(name: str, value: Path | None) -> bytes | None:
    return None if value is None else text(name, os.fspath(value))


def pem(name: str, value: str | bytes | None) -> bytes | None:
    if isinstance(value, bytes):
        if b"\0" in value:
            del value
            raise invalid(f"{name} contains a NUL byte")
        return value
    return text(name, value)


def pairs(name: str, values: Pairs | None) -> tuple[Array[Pair] | None, int]:
    if not values:
        return None, 0
    items = cast("Mapping[str, Value]", values).items() if isinstance(values, Mapping) else values
    made = [_pair(name, key, value) for key, value in items]
    return (Pair * len(made))(*made), len(made)


def _pair(name: str, key: str, value: Value) -> Pair:
    c_name = text(name, key, nul=True) or b""
    flags = PAIR_SENSITIVE if isinstance(value, Sensitive) else 0
    # Whatever fails, no variable here has held the secret: a traceback may show those.
    c_value = text(name, value.value if isinstance(value, Sensitive) else _string(value), nul=True) or b""
    return Pair(c_name, c_value, len(c_name), len(c_value), flags)


def _string(value: str | int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"  # as Nacos spells it
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"a value must be str, int or Sensitive, not {type(value).__name__}")


def milliseconds(name: str, seconds: float | None) -> int:
    """Rounded up, since 0 means "the default" to the library."""
    if seconds is None:
        return 0
    if not 0 < seconds <= 86400:
        raise invalid(f"{name} must be more than 0 and at most 86400 seconds")
    return math.ceil(seconds * 1000)


def count(name: str, number: int | None, bits: int = 32) -> int:
    """0 means "the default" to the library."""
    if number is None:
        return 0
    if not 0 < number < 2**bits:
        raise invalid(f"{name} must be a positive number")
    return number


def life(seconds: float | None) -> int:
    """Milliseconds that an external token lives; 0 if unknown."""
    if seconds is None:
        return 0
    if not 0 < seconds <= 1e12:
        raise invalid("the ttl of a token must be more than 0 seconds")
    return math.ceil(seconds * 1000)


def call_options(timeout: float | None, wait: bool) -> CallOptions:
    return CallOptions(timeout_ms=milliseconds("timeout", timeout), flags=0 if wait else NO_WAIT)


def request_options(
    method: str,
    path: str,
    params: Pairs | None,
    headers: Pairs | None,
    data: Pairs | None,
    body: bytes | str | None,
    settings: CallSettings,
) -> RequestOptions:
    query, query_count = pairs("params", params)
    header_list, header_count = pairs("headers", headers)
    form, form_count = pairs("data", data)
    content = body.encode() if isinstance(body, str) else body
    timeout, flags = _settings(**settings)
    return RequestOptions(
        _REQUEST_OPTIONS_SIZE,
        text("method", method),
        text("path", path),
        query,
        query_count,
        header_list,
        header_count,
        form,
        form_count,
        content,
        0 if content is None else len(content),
        None,
        timeout,
        flags,
    )


def _settings(
    *,
    timeout: float | None = None,
    wait: bool = True,
    replay: bool = True,
    failover: bool = True,
    idempotent: bool | None = None,
    anonymous: bool = True,
) -> tuple[int, int]:
    """Milliseconds and flags. An unknown setting is a TypeError, as it is of any function."""
    flags = 0 if wait else NO_WAIT
    flags |= 0 if replay else NO_REPLAY
    flags |= 0 if failover else NO_FAILOVER
    flags |= 0 if idempotent is None else IDEMPOTENT if idempotent else NOT_IDEMPOTENT
    flags |= 0 if anonymous else NO_ANONYMOUS
    return milliseconds("timeout", timeout), flags


def is_long_poll(options: CallOptions | RequestOptions) -> bool:
    """Whether the library reckons the deadline: no timeout is given, and a header says how long the server waits."""
    if not isinstance(options, RequestOptions) or options.timeout_ms:
        return False
    return any(options.headers[n].name.lower() == b"long-pulling-timeout" for n in range(options.header_count))
