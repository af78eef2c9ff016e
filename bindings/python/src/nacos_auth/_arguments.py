"""Python values as C takes them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from ctypes import Array, c_char_p, sizeof
from typing import Literal, Union, cast

from ._declarations import CallOptions, RequestOptions
from ._errors import InvalidArgumentError

Carriage = Literal["auto", "bearer", "header", "query"]
Anonymous = Literal["auto", "never"]
Path = Union[str, "os.PathLike[str]"]
Value = Union[str, int]
Pairs = Union[Mapping[str, Value], Iterable[tuple[str, Value]]]

_REQUEST_OPTIONS_SIZE = sizeof(RequestOptions)
CARRIAGES = {"auto": 0, "header": 1, "query": 2, "bearer": 3}
ANONYMOUS = {"auto": 0, "never": 1}


def invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, status="INVALID_ARGUMENT", code=100)


def text(name: str, value: str | None) -> bytes | None:
    """UTF-8 for C, where a NUL byte would silently cut the string."""
    if value is None:
        return None
    if "\0" in value:
        del value  # a traceback that shows variables must not find it here
        raise invalid(f"{name} contains a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:  # its own text would show the value
        del value
        raise InvalidArgumentError(f"{name} is not valid Unicode", status="INVALID_UTF8", code=102) from None


def path_text(name: str, value: Path | None) -> bytes | None:
    return None if value is None else text(name, os.fspath(value))


def pairs(name: str, values: Pairs | None) -> tuple[Array[c_char_p] | None, int]:
    if not values:
        return None, 0
    texts: list[bytes | None] = []
    for key, value in cast("Mapping[str, Value]", values).items() if isinstance(values, Mapping) else values:
        texts.append(text(name, key))
        texts.append(text(name, value if isinstance(value, str) else _string(value)))
    return (c_char_p * len(texts))(*texts), len(texts) // 2


def _string(value: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"  # as Nacos spells it
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"a value must be str or int, not {type(value).__name__}")


def milliseconds(name: str, seconds: float | None) -> int:
    """Rounded up, since 0 means "the default" to the library."""
    if seconds is None:
        return 0
    if not 0 < seconds <= 86400:
        raise invalid(f"{name} must be more than 0 and at most 86400 seconds")
    return math.ceil(seconds * 1000)


def count(name: str, number: int | None) -> int:
    """0 means "the default" to the library."""
    if number is None:
        return 0
    if not 0 < number < 2**32:
        raise invalid(f"{name} must be a positive number")
    return number


def life(seconds: float | None) -> int:
    """Milliseconds that an external token lives; 0 if unknown."""
    if seconds is None:
        return 0
    if not 0 < seconds <= 1e12:
        raise invalid("the ttl of a token must be more than 0 seconds")
    return math.ceil(seconds * 1000)


def request_options(
    method: str,
    path: str,
    params: Pairs | None,
    headers: Pairs | None,
    data: Pairs | None,
    body: bytes | str | None,
    timeout: float | None,
) -> RequestOptions:
    query, query_count = pairs("params", params)
    header_list, header_count = pairs("headers", headers)
    form, form_count = pairs("data", data)
    content = body.encode() if isinstance(body, str) else body
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
        milliseconds("timeout", timeout),
    )


def is_long_poll(options: CallOptions | RequestOptions) -> bool:
    """Whether the library reckons the deadline: no timeout is given, and a header says how long the server waits."""
    if not isinstance(options, RequestOptions) or options.timeout_ms:
        return False
    names = (options.headers[2 * n] or b"" for n in range(options.header_count))
    return any(name.lower() == b"long-pulling-timeout" for name in names)
