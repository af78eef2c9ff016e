"""Python values as C takes them.

Whatever is wrong is an `InvalidArgumentError` that names the argument and shows no value; and a traceback that shows
variables finds none here either: so each function lets go of its value before it raises.
"""

from __future__ import annotations

import enum
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from ctypes import Array, sizeof
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypedDict, Union

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

if sys.version_info >= (3, 11):
    from typing import Unpack as Unpack  # novm # noqa: PLC0414 (for the other modules)
elif TYPE_CHECKING:
    from typing_extensions import Unpack as Unpack  # noqa: PLC0414 (for the other modules)
else:

    class Unpack:
        """For those that look at hints at run time."""

        def __class_getitem__(cls, settings: Any) -> Any:
            return settings


LONGEST = 86400.0
"""Seconds: a day. Any timeout beyond is as this one."""
_LONGEST_LIFE = 1e12  # seconds


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


if TYPE_CHECKING:

    class _AnyTypedDict(Protocol):
        """The types of its values are for whoever wrote it to know: to type checkers it is a Mapping[str, object]."""

        __required_keys__: ClassVar[frozenset[str]]
        __optional_keys__: ClassVar[frozenset[str]]

else:
    _AnyTypedDict = Mapping

TokenIn = Literal["auto", "authorization", "header", "query"]
Anonymous = Literal["auto", "never"]
Path = Union[str, os.PathLike[str]]
Body = Union[str, bytes, bytearray, memoryview]
Value = Union[str, bytes, int, float, enum.Enum, Sensitive, None]
"""Of a parameter, a header or the field of a form: what None stands for is left out, True is sent as "true"."""
Values = Union[Value, Sequence[Value]]
"""Of a parameter or the field of a form: a list or the like is sent as that many of the same name."""
# Not Iterable: a dict is one too, and type checkers could not tell which of the two a literal is meant to be.
Pairs = Union[
    Mapping[str, Value],
    Sequence[tuple[str, Value]],
    Iterator[tuple[str, Value]],
    AbstractSet[tuple[str, Value]],
    _AnyTypedDict,
]
Params = Union[
    Mapping[str, Values],
    Sequence[tuple[str, Values]],
    Iterator[tuple[str, Values]],
    AbstractSet[tuple[str, Values]],
    _AnyTypedDict,
]

_REQUEST_OPTIONS_SIZE = sizeof(RequestOptions)
_METHODS = {method: method.encode() for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
_PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
"""Characters that stand for themselves in a query, as the native library writes it."""
_TEXTS = {str}
_NO_LIST = (str, bytes, int, memoryview, bytearray)
_JSON = (b"content-type", b"application/json")
_TOKEN_IN = {"auto": 0, "authorization": 1, "header": 2, "query": 3}
_ANONYMOUS = {"auto": 0, "never": 1}


def invalid(message: str, cause: Cause = Cause.INVALID_ARGUMENT) -> InvalidArgumentError:
    return InvalidArgumentError(message, status="INVALID_ARGUMENT", code=100, cause=cause)


def _not(name: str, wanted: str, value: object) -> InvalidArgumentError:
    """That a value is of a wrong type."""
    return invalid(f"{name} must be {wanted}, not {type(value).__name__}")


def _not_unicode(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name} is not valid Unicode", status="INVALID_UTF8", code=102, cause=Cause.INVALID_ARGUMENT
    )


def _encoded(name: str, value: str, part: str = "") -> bytes | InvalidArgumentError:
    """UTF-8. An error is returned: what Python itself raises holds the value, and would stay its context."""
    try:
        return str.encode(value)
    except UnicodeEncodeError:
        return _not_unicode(part + name)


def text(name: str, value: object, *, nul: bool = False) -> bytes:
    """UTF-8 for C, where a NUL byte would silently cut the string, unless its length goes along."""
    if not isinstance(value, str):
        result: bytes | InvalidArgumentError = _not(name, "str", value)
    elif not nul and "\0" in value:
        result = invalid(f"{name} contains a NUL character")
    else:
        result = _encoded(name, value)
    del value
    if isinstance(result, InvalidArgumentError):
        raise result
    return result


def optional_text(name: str, value: object) -> bytes | None:
    if value is None:
        return None
    try:
        return text(name, value)
    finally:
        del value


def server_list(value: object) -> str:
    """One text for a list of servers."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence) or not all(isinstance(server, str) for server in value):
        raise _not("server_addr", "str or a list of str", value)
    return ",".join(value)


def path_text(name: str, value: object) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise _not(name, "str or os.PathLike[str]", value)
    return text(name, value)


def content(name: str, value: object) -> bytes | None:
    """Bytes as they are, str as UTF-8."""
    result: bytes | InvalidArgumentError | None
    if value is None or isinstance(value, bytes):
        result = value
    elif isinstance(value, str):
        result = _encoded(name, value)
    elif isinstance(value, (bytearray, memoryview)):
        try:
            result = bytes(value)
        except ValueError:
            result = invalid(f"{name} has been released")
    else:
        result = _not(name, "bytes or str", value)
    del value
    if isinstance(result, InvalidArgumentError):
        raise result
    return result


def pem(name: str, value: object) -> bytes | None:
    try:
        result = content(name, value)
    finally:
        del value
    if result is not None and b"\0" in result:
        del result
        raise invalid(f"{name} contains a NUL byte")
    return result


def choice(name: str, value: object, choices: dict[str, int]) -> int:
    number = choices.get(value) if isinstance(value, str) else None
    if number is None:
        del value
        raise invalid(f"{name} must be one of {', '.join(choices)}")
    return number


def token_place(value: object) -> int:
    return choice("token_in", value, _TOKEN_IN)


def anonymous_mode(value: object) -> int:
    return choice("anonymous", value, _ANONYMOUS)


def pairs(
    name: str, values: object, *, lists: bool = True, absent: tuple[bytes, bytes] | None = None
) -> tuple[Array[Pair] | None, int]:
    """lists: whether a value may be several. absent: a pair in small letters, for where none has its name."""
    if values is None and absent is None:
        return None, 0
    made: list[Pair] = []
    items: Any = None
    item: Any = None
    try:
        if values is None:
            items = ()
        elif isinstance(values, (dict, Mapping)):
            items = values.items()
        elif isinstance(values, (str, bytes, bytearray, memoryview)) or not isinstance(values, Iterable):
            raise _not(name, "a mapping or (name, value) pairs", values)
        else:
            items = values
        for item in items:
            if type(item) is tuple and len(item) == 2 and type(item[0]) is type(item[1]) is str:
                made.append(_plain_pair(name, item))  # nearly always
                continue
            if not isinstance(item, (tuple, list)) or len(item) != 2:
                raise invalid(f"{name} must be a mapping or (name, value) pairs")
            if not lists or isinstance(item[1], _NO_LIST) or not isinstance(item[1], Sequence):
                made += _pair(name, *item)
                continue
            for one in item[1]:
                made += _pair(name, item[0], one)
    finally:
        one = None
        del values, items, item
    if absent is not None and all(pair.name.lower() != absent[0] for pair in made):
        made.append(Pair(*absent, len(absent[0]), len(absent[1]), 0))
    return (Pair * len(made))(*made) if made else None, len(made)


def _plain_pair(name: str, item: tuple[str, str]) -> Pair:
    key: bytes | None = None
    value: bytes | None = None
    try:
        key, value = item[0].encode(), item[1].encode()
        return Pair(key, value, len(key), len(value))
    except UnicodeEncodeError:
        part = "a name in " if key is None else "a value in "
    finally:
        del item, key, value  # a traceback that shows variables must not find them here
    raise _not_unicode(part + name)


def _pair(name: str, key: object, value: object) -> tuple[Pair, ...]:
    """Nothing for a value that is None."""
    flags = PAIR_SENSITIVE if isinstance(value, Sensitive) else 0
    c_name = c_value = None
    try:
        c_name = text(f"a name in {name}", key, nul=True)
        c_value = _value(name, value.value if isinstance(value, Sensitive) else value)
        if c_value is None:
            return ()
        if isinstance(c_value, InvalidArgumentError):
            raise c_value
        return (Pair(c_name, c_value, len(c_name), len(c_value), flags),)
    finally:
        del key, value, c_name, c_value


def _value(name: str, value: object) -> bytes | InvalidArgumentError | None:
    """An error is returned: for as long as it is raised, no variable may hold the value."""
    if type(value) is not str and isinstance(value, enum.Enum):
        value = value.value
    if value is None:
        return None
    if isinstance(value, str):
        return _encoded(name, value, "a value in ")
    if isinstance(value, bool):
        return b"true" if value else b"false"  # as Nacos spells it
    if isinstance(value, int):
        try:
            return int.__repr__(value).encode()
        except ValueError:  # Python writes no more than some thousand digits
            return invalid(f"a value in {name} is too large a number")
    if isinstance(value, float):
        if not math.isfinite(value):
            return invalid(f"a value in {name} is infinite or not a number")
        return float.__repr__(value).encode()
    if isinstance(value, bytes):
        try:
            value.decode()
        except UnicodeDecodeError:
            return _not_unicode(f"a value in {name}")
        return value
    return _not(f"a value in {name}", "str, bytes, int, float, bool, an Enum of these, None or Sensitive", value)


def _number(name: str, value: object) -> float:
    """A number of seconds, infinity included."""
    number = math.nan
    if isinstance(value, (bool, str, bytes, bytearray)) or not hasattr(type(value), "__float__"):
        raise _not(name, "a number of seconds", value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except (TypeError, ValueError):  # of a class of its own
        pass
    if math.isnan(number):
        raise invalid(f"{name} must be a number of seconds")
    return number


def duration(name: str, value: object) -> float | None:
    """Seconds, at most `LONGEST`."""
    if value is None:
        return None
    number = _number(name, value)
    if number <= 0:
        raise invalid(f"{name} must be more than 0 seconds (None: the default; math.inf: the longest, a day)")
    return min(number, LONGEST)


def closing_time(value: object) -> float | None:
    """As `duration`, but 0 is: not at all."""
    if value is None:
        return None
    number = _number("timeout", value)
    if number < 0:
        raise invalid("timeout must not be negative")
    return min(number, LONGEST)


def milliseconds(name: str, value: object) -> int:
    """Rounded up, since 0 means "the default" to the library."""
    seconds = None if value is None else duration(name, value)
    return 0 if seconds is None else math.ceil(seconds * 1000)


def life(value: object) -> int:
    """Milliseconds that an external token lives; 0: until it is refused."""
    if value is None:
        return 0
    number = _number("ttl", value)
    if number <= 0:
        raise invalid("the ttl of a token must be more than 0 seconds")
    return 0 if math.isinf(number) else math.ceil(min(number, _LONGEST_LIFE) * 1000)


def count(name: str, value: object, bits: int = 32) -> int:
    """0 means "the default" to the library."""
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise _not(name, "int", value)
    if value <= 0:
        raise invalid(f"{name} must be a positive number")
    most: int = 2**bits - 1
    return min(int(value), most)


def number(name: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _not(name, "int", value)
    if not least <= value <= most:
        raise invalid(f"{name} must be from {least} to {most}")
    return int(value)


def flag(name: str, value: object) -> bool:
    """Not anything that is true: `wait="no"` would be so."""
    if value is True or value is False:
        return value
    if not isinstance(value, int) or not 0 <= value <= 1:
        raise _not(name, "bool", value) if not isinstance(value, int) else invalid(f"{name} must be True or False")
    return bool(value)


def call_options(timeout: object, wait: object) -> CallOptions:
    return CallOptions(timeout_ms=milliseconds("timeout", timeout), flags=0 if flag("wait", wait) else NO_WAIT)


class Content:
    """What a request carries. In the variables of a traceback it shows nothing of that."""

    __slots__ = ("body", "c_path", "data", "headers", "json", "params", "path")

    c_path: bytes
    """Once `request_options` has looked at it."""

    def __init__(
        self,
        path: object,
        params: object,
        headers: object,
        data: object = None,
        body: object = None,
        json: object = None,
    ) -> None:
        self.path = path
        self.params = params
        self.headers = headers
        self.data = data
        self.body = body
        self.json = json

    @property
    def path_alone(self) -> str:
        """Without its query, for what is told of the request."""
        return str(self.path).partition("?")[0]


def _json(value: object) -> bytes:
    """As httpx writes it."""
    from json import dumps  # noqa: PLC0415 # which takes a while, and many never need it

    result: bytes | InvalidArgumentError
    try:
        result = dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        result = _not_unicode("json")
    except (TypeError, ValueError, RecursionError) as error:  # their texts may show the value
        result = invalid(f"json holds what JSON cannot express ({type(error).__name__})")
    del value
    if isinstance(result, InvalidArgumentError):
        raise result
    return result


def _plain_query(params: object) -> bytes | None:
    """The query where nothing has to be encoded, as mostly: to hand it over pair by pair takes longer than the rest."""
    if type(params) is not dict or set(map(type, params.values())) != _TEXTS:
        return None
    try:
        query = "&".join(map("=".join, params.items())).encode()
    except (TypeError, UnicodeEncodeError):  # for others to refuse
        return None
    # Without these characters it has nothing but what has been put between names and values.
    return query if len(query.translate(None, _PLAIN)) == 2 * len(params) - 1 else None


def request_options(method: object, request: Content, settings: CallSettings) -> RequestOptions:
    c_method = _METHODS.get(method) if type(method) is str else None
    if c_method is None:
        c_method = text("method", method)
    request.c_path = text("path", request.path)
    timeout, flags = _settings(**settings) if settings else (0, 0)
    if request.headers is request.data is request.body is request.json is None and b"?" not in request.c_path:
        plain = _plain_query(request.params)
        if plain is not None:
            options = RequestOptions(_REQUEST_OPTIONS_SIZE, c_method, b"%b?%b" % (request.c_path, plain))
            options.timeout_ms, options.flags = timeout, flags
            return options
    query, query_count = pairs("params", request.params)
    is_json = request.json is not None
    if is_json and (request.data is not None or request.body is not None):
        raise invalid("json, data and body exclude each other")
    header_list, header_count = pairs("headers", request.headers, lists=False, absent=_JSON if is_json else None)
    form, form_count = pairs("data", request.data)
    body = _json(request.json) if is_json else content("body", request.body)
    try:
        return RequestOptions(
            _REQUEST_OPTIONS_SIZE,
            c_method,
            request.c_path,
            query,
            query_count,
            header_list,
            header_count,
            form,
            form_count,
            body,
            0 if body is None else len(body),
            None,
            timeout,
            flags,
        )
    finally:
        del body


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
    flags = 0 if flag("wait", wait) else NO_WAIT
    flags |= 0 if flag("replay", replay) else NO_REPLAY
    flags |= 0 if flag("failover", failover) else NO_FAILOVER
    flags |= 0 if idempotent is None else IDEMPOTENT if flag("idempotent", idempotent) else NOT_IDEMPOTENT
    flags |= 0 if flag("anonymous", anonymous) else NO_ANONYMOUS
    return milliseconds("timeout", timeout), flags


def has_long_poll(options: RequestOptions) -> bool:
    """Whether a header says how long the server waits."""
    return any(options.headers[n].name.lower() == b"long-pulling-timeout" for n in range(options.header_count))
