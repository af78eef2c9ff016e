"""The user's functions as C calls them: on threads of the library, one at a time. Under gevent see `_errands`."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable
from ctypes import byref, c_void_p
from functools import partial
from typing import Any, NamedTuple, Union

from ._arguments import invalid, life, text
from ._declarations import CREDENTIALS_CALLBACK, EVENT_CALLBACK, LOG_CALLBACK, AuthOptions
from ._errands import Errands
from ._errors import cause_of, server_of, take_error
from ._greenlets import eventlet_has_patched_threads, hub_for_functions, make_main_hub
from ._library import library
from ._state import EVENT_KINDS, Event, ExternalToken

Credentials = Union["tuple[str, str]", ExternalToken, str]
"""What a credentials function returns: user name and password, or a token that somebody else got."""

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


class Functions(NamedTuple):
    credentials: Callable[[], Credentials] | None
    on_event: Callable[[Event], object] | None
    logger: logging.Logger | None


class _Used(NamedTuple):
    functions: Functions
    errands: Errands


# By the number that C holds for them. From before a handle is made until it is closed, which waits for those that run.
_used: dict[int, _Used] = {}
_numbers = itertools.count(1)


def register(functions: Functions, options: AuthOptions) -> int:
    """Puts the functions into the options. The number is for `forget`; 0 if there is nothing to call."""
    if functions == (None, None, None):
        return 0
    if eventlet_has_patched_threads():
        raise invalid(
            "credentials, on_event and logger do not work where eventlet has patched threads: its locks cannot be "
            "shared with the threads of the native library, which call these functions. Leave them out (there are "
            "password_file, set_token() and stats()), or call eventlet.monkey_patch(thread=False)"
        )
    make_main_hub()
    number = next(_numbers)
    _used[number] = _Used(functions, Errands())
    options.callback_data = number
    if functions.credentials is not None:
        options.credentials = _CREDENTIALS
    if functions.on_event is not None:
        options.event = _EVENT
    if functions.logger is not None:
        options.log = _LOG
        level = functions.logger.getEffectiveLevel()
        options.log_level = max(number for number, least in _LEVELS.items() if number == 1 or least >= level)
    return number


def forget(number: int) -> None:
    """Lets go of the functions of a closed handle."""
    used = _used.pop(number, None)
    if used is not None:
        used.errands.finish()


def is_asked(number: int) -> bool:
    """Whether this greenlet runs the credentials function."""
    used = _used.get(number)
    return used is not None and used.errands.are_asked_here()


def _tell(number: int, function: Callable[[], object]) -> None:
    """Calls it, at once or soon."""
    hub = hub_for_functions()
    if hub is None:
        function()
    elif (used := _used.get(number)) is not None:
        used.errands.give(hub, function)


def _log(number: int, pointer: Any) -> None:
    used, told = _used.get(number), pointer.contents  # None: closed inside a function, and let go of
    logger = used.functions.logger if used is not None else None
    if logger is not None:
        level, text = _LEVELS.get(told.level, logging.INFO), told.message.decode("utf-8", "replace")
        more = {"nacos_server": server_of(told.server), "nacos_cause": cause_of(told.cause)}
        _tell(number, lambda: logger.log(level, "%s", text, extra=more))


def _event(number: int, pointer: Any) -> None:
    used, told = _used.get(number), pointer.contents
    on_event = used.functions.on_event if used is not None else None
    if on_event is not None:
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
        _tell(number, lambda: on_event(event))


def _credentials(number: int, answer: int) -> None:
    used = _used.get(number)
    if used is None:
        return
    functions, errands = used
    if functions.credentials is None:
        return
    try:
        hub = hub_for_functions()
        _answer(answer, functions.credentials() if hub is None else errands.result(hub, functions.credentials))
    except Exception as failure:
        # Its text may hold what it should not: that goes to the user's own log and not into errors.
        if functions.logger is not None:
            # No variable holds it: a traceback that shows variables must not find its text here.
            _tell(number, partial(functions.logger.error, "the credentials function failed", exc_info=failure))
        reason = f"the credentials function raised {type(failure).__name__}"
        library().nacos_credentials_set_failure(answer, reason.encode(), None)


def _answer(answer: int, credentials: Credentials) -> None:
    native, error = library(), c_void_p()
    username = password = None
    try:
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


def _forget_what_was_inherited() -> None:
    for used in _used.values():
        used.errands.forget()


os.register_at_fork(after_in_child=_forget_what_was_inherited)
