"""The user's functions as C calls them: on threads of the library, one at a time. Under gevent see `_errands`."""

from __future__ import annotations

import _thread
import itertools
import logging
import sys
from collections.abc import Callable
from ctypes import byref
from functools import partial
from typing import Any, NamedTuple, TypeVar, Union
from weakref import WeakValueDictionary

from . import _log as _logging
from ._arguments import invalid, life, text
from ._causes import Cause
from ._declarations import CREDENTIALS_CALLBACK, EVENT_CALLBACK, LOG_CALLBACK, AuthOptions, LogRecord, OwnedError
from ._errands import Errands
from ._errors import InternalError, cause_of, server_of, take_error
from ._forks import in_child, is_uwsgi_master
from ._greenlets import hub_for_functions, make_main_hub
from ._library import library
from ._log import LOGGER, is_news, is_wanted, put
from ._state import EVENT_KINDS, Event, ExternalToken
from ._workers import eventlet_has_patched_threads

Credentials = Union["tuple[str, str]", ExternalToken, str]
"""What a credentials function returns: user name and password, or a token that somebody else got."""

_CREDENTIALS_FAILED = "the credentials function failed"
_COROUTINE, _ASYNC_GENERATOR = 0x80, 0x200  # of co_flags, as in `inspect`, whose import takes too long
_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


_Result = TypeVar("_Result")


class Functions(NamedTuple):
    credentials: Callable[[], Credentials] | None
    on_event: Callable[[Event], None] | None
    logger: logging.Logger | None


class Used:
    """The functions of one client, which holds this from before its handle is made."""

    __slots__ = ("__weakref__", "errands", "functions", "number")

    def __init__(self, functions: Functions) -> None:
        self.functions = functions
        self.errands = Errands()
        self.number = next(_numbers)


_used: WeakValueDictionary[int, Used] = WeakValueDictionary()
"""By the number that C holds for them."""
_numbers = itertools.count(1)
_inside: set[int] = set()
"""The threads that are inside one of these functions."""


def register(functions: Functions, options: AuthOptions) -> Used | None:
    """Puts the functions into the options, for as long as what it returns is there; None if there is none."""
    _check(functions)
    if functions == (None, None, None):
        return None
    if eventlet_has_patched_threads():
        raise invalid(
            "credentials, on_event and logger do not work where eventlet has patched threads: its locks cannot be "
            "shared with the threads of the native library, which call these functions. Leave them out (there are "
            "password_file, set_token() and stats()), or call eventlet.monkey_patch(thread=False)"
        )
    refuse_at_the_end()
    make_main_hub()
    used = Used(functions)
    _used[used.number] = used
    options.callback_data = used.number
    if functions.credentials is not None:
        options.credentials = _CREDENTIALS
    if functions.on_event is not None:
        options.event = _EVENT
    if functions.logger is not None:
        options.log = _LOG
        options.log_level = _native_level(functions.logger)
    return used


def refuse_at_the_end() -> None:
    """When the interpreter goes, no thread of the library may enter it any more."""
    if _logging.is_over or sys.is_finalizing():
        message = "the program is ending: credentials, on_event and logger are not called any more, so leave them out"
        raise InternalError(message, cause=Cause.INTERNAL)


def _native_level(logger: logging.Logger) -> int:
    """The most talkative one of which this logger now wants to hear."""
    level = logger.getEffectiveLevel()
    return max(number for number, least in _LEVELS.items() if number == 1 or least >= level)


def log_by_default(options: AuthOptions) -> bool:
    """Has the handle of these options logged by "nacos_auth"; false where that logs nothing.

    Down to every level: which of them are wanted is looked at with each record. That is done by a thread of the
    library, so a client that is made where none may run Python keeps to what is wanted now.
    """
    if not is_wanted(logging.ERROR) or eventlet_has_patched_threads():
        return False
    make_main_hub()
    options.log, options.log_level = _DEFAULT_LOG, _native_level(LOGGER) if is_uwsgi_master() else max(_LEVELS)
    options.callback_data = options.callback_data or next(_numbers)
    return True


def _check(functions: Functions) -> None:
    for name, function in (("credentials", functions.credentials), ("on_event", functions.on_event)):
        if function is None:
            continue
        if not callable(function):
            raise invalid(f"{name} must be a function, not {type(function).__name__}")
        if _is_async(function):
            raise invalid(
                f"{name} must be a plain function: it is called by threads of the library, where no event loop "
                "runs. It may hand over to one, with asyncio.run_coroutine_threadsafe"
            )
    if functions.logger is not None and not hasattr(functions.logger, "getEffectiveLevel"):
        raise invalid(f"logger must be a logging.Logger, not {type(functions.logger).__name__}")


def _is_async(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    for called in (function, getattr(type(function), "__call__", None)):  # noqa: B004
        flags = getattr(getattr(called, "__code__", None), "co_flags", 0)  # of a method too
        if isinstance(flags, int) and flags & (_COROUTINE | _ASYNC_GENERATOR):
            return True
    return getattr(function, "_is_coroutine_marker", None) is not None  # inspect.markcoroutinefunction


def forget(used: Used | None, *, waits: bool = True) -> None:
    """Lets go of the functions of a closed handle; waits for what greenlets still run of them."""
    if used is not None and _used.pop(used.number, None) is not None:
        try:
            if waits:
                used.errands.finish()
        finally:
            used.functions = Functions(None, None, None)


def is_asked(used: Used | None) -> bool:
    """Whether this greenlet runs the credentials function."""
    return used is not None and used.errands.are_asked_here()


def is_inside() -> bool:
    """Whether the caller is such a function, of whatever client: then closing waits for nothing."""
    return _thread.get_native_id() in _inside


def _inside_of(function: Callable[[], _Result]) -> _Result:
    thread = _thread.get_native_id()
    outermost = thread not in _inside
    _inside.add(thread)
    try:
        return function()
    finally:
        if outermost:
            _inside.discard(thread)


class _AwaitableError(TypeError):
    pass


def _refuse_awaitable(name: str, result: object) -> None:
    """For functions of which nobody could see at the beginning that they are asynchronous."""
    if hasattr(type(result), "__await__"):
        close = getattr(result, "close", None)
        if close is not None:
            close()  # else Python complains that nobody has awaited it
        raise _AwaitableError(
            f"{name} must be a plain function: it has returned something to be awaited, and nobody does"
        )


def _tell(used: Used, function: Callable[[], object]) -> None:
    """Calls it, at once or soon."""
    hub = hub_for_functions()
    if hub is None:
        _inside_of(function)
    else:
        used.errands.give(hub, function)


def _log(number: int, pointer: Any) -> None:
    used = _used.get(number)  # None: closed inside a function, and let go of
    logger = used.functions.logger if used is not None else None
    if used is not None and logger is not None:
        level, text, more = _record(pointer.contents)
        _tell(used, partial(logger.log, level, "%s", text, extra=more))


def _default_log(number: int, pointer: Any) -> None:
    # Though nothing of the user's is called: the garbage collector may be, and close a client.
    _inside_of(partial(_put, number, pointer.contents))


def _put(number: int, told: LogRecord) -> None:
    level, text, more = _record(told)
    if is_wanted(level) and is_news(text, number):
        put(level, text, more)


def _record(told: LogRecord) -> tuple[int, str, dict[str, Any]]:
    more = {"nacos_server": server_of(told.server), "nacos_cause": cause_of(told.cause)}
    return _LEVELS.get(told.level, logging.INFO), told.message.decode("utf-8", "replace"), more


def _event(number: int, pointer: Any) -> None:
    used, told = _used.get(number), pointer.contents
    on_event = used.functions.on_event if used is not None else None
    if used is not None and on_event is not None:
        event = Event(
            kind=EVENT_KINDS.get(told.kind, "unknown"),
            level=_LEVELS.get(told.level, logging.INFO),
            generation=told.generation,
            status=library().nacos_status_name(told.status).decode() if told.status else None,
            http_status=told.http_status or None,
            retry_after=told.retry_after_ms / 1000 or None,
            message=told.message.decode("utf-8", "replace"),
            server=server_of(told.server),
            cause=cause_of(told.cause),
        )
        _tell(used, partial(_call_on_event, on_event, event))


def _call_on_event(on_event: Callable[[Event], object], event: Event) -> None:
    _refuse_awaitable("on_event", on_event(event))


def _credentials(number: int, answer: int) -> None:
    used = _used.get(number)
    function = used.functions.credentials if used is not None else None
    if used is None or function is None:
        return
    logger = used.functions.logger
    try:
        hub = hub_for_functions()
        _answer(answer, _inside_of(function) if hub is None else used.errands.result(hub, function))
    except BaseException as failure:
        # SystemExit and the like too, of which the login would not hear otherwise.
        # Its text may hold what it should not: that goes to the user's own log and not into errors.
        # No variable holds it: a traceback that shows variables must not find its text here.
        if logger is not None:
            _tell(used, partial(logger.error, _CREDENTIALS_FAILED, exc_info=failure))
        else:
            put(logging.ERROR, _CREDENTIALS_FAILED, {}, failure)
        reason = f"the credentials function raised {type(failure).__name__}"
        if isinstance(failure, _AwaitableError):
            reason = str(failure)
        library().nacos_credentials_set_failure(answer, reason.encode("utf-8", "replace"), None)


def _answer(answer: int, credentials: Credentials) -> None:
    native, error = library(), OwnedError()
    username = password = None
    try:
        _refuse_awaitable("credentials", credentials)
        if isinstance(credentials, str):
            credentials = ExternalToken(credentials)
        if isinstance(credentials, ExternalToken):
            ttl = life(credentials.ttl)
            status = native.nacos_credentials_set_token(answer, text("token", credentials.value), ttl, byref(error))
        else:
            username, password = credentials
            status = native.nacos_credentials_set_password(
                answer, text("username", username), text("password", password), byref(error)
            )
    finally:
        del credentials, username, password  # a traceback that shows variables must not find them here
    if status:
        raise take_error(native, status, error)


# For all handles and for good: no thread of the library is ever inside one that is gone. What they raise goes to
# sys.unraisablehook: ctypes sees to that.
_CREDENTIALS = CREDENTIALS_CALLBACK(_credentials)
_EVENT = EVENT_CALLBACK(_event)
_LOG = LOG_CALLBACK(_log)
_DEFAULT_LOG = LOG_CALLBACK(_default_log)


def _forget_what_was_inherited() -> None:
    _inside.clear()
    for used in list(_used.values()):
        used.errands.forget()


in_child(_forget_what_was_inherited)
