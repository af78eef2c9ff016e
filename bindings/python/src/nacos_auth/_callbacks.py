"""The user's functions as C calls them: on threads of the library, one at a time."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import Any, NamedTuple, Union

from ._arguments import life, text
from ._declarations import CREDENTIALS_CALLBACK, EVENT_CALLBACK, LOG_CALLBACK, AuthOptions
from ._errors import take_error
from ._library import library
from ._state import EVENT_KINDS, Event, ExternalToken

Credentials = Union["tuple[str, str]", ExternalToken, str]
"""What a credentials function returns: user name and password, or a token that somebody else got."""

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


class Functions(NamedTuple):
    credentials: Callable[[], Credentials] | None
    on_event: Callable[[Event], object] | None
    logger: logging.Logger | None


# By the number that C holds for them. From before a handle is made until it is closed, which waits for those that run.
_used: dict[int, Functions] = {}
_numbers = itertools.count(1)


def register(functions: Functions, options: AuthOptions) -> int:
    """Puts the functions into the options. The number is for `forget`; 0 if there is nothing to call."""
    if functions == (None, None, None):
        return 0
    number = next(_numbers)
    _used[number] = functions
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
    _used.pop(number, None)


def _log(number: int, level: int, message: bytes) -> None:
    logger = _used[number].logger
    if logger is not None:
        logger.log(_LEVELS.get(level, logging.INFO), "%s", message.decode("utf-8", "replace"))


def _event(number: int, pointer: Any) -> None:
    on_event, event = _used[number].on_event, pointer.contents
    if on_event is not None:
        on_event(
            Event(
                kind=EVENT_KINDS.get(event.kind, "unknown"),
                level=_LEVELS.get(event.level, logging.INFO),
                generation=event.generation,
                status=library().nacos_status_name(event.status).decode() if event.status else None,
                http_status=event.http_status or None,
                retry_after=event.retry_after_ms / 1000 or None,
                message=event.message.decode("utf-8", "replace"),
            )
        )


def _credentials(number: int, answer: int) -> None:
    functions = _used[number]
    if functions.credentials is None:
        return
    try:
        _answer(answer, functions.credentials())
    except Exception as failure:
        # Its text may hold what it should not: that goes to the user's own log and not into errors.
        if functions.logger is not None:
            functions.logger.error("the credentials function failed", exc_info=True)
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
