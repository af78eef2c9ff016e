"""Requests of the thread on which Python runs the handlers of signals.

It runs them between two of its own instructions, so not while it is inside C; but `poll` runs them too. So the native
library's own thread makes the request, and this one polls the descriptor of the queue to which it will end. What a
handler raises ends the request: its queue is freed, which ends what would come there.
"""

from __future__ import annotations

import select
from ctypes import CDLL, byref
from types import BuiltinFunctionType
from typing import Any

from ._calls import Ended
from ._causes import Cause
from ._declarations import NO_WAIT, OwnedHandle, OwnedQueue, RequestOptions, StartOptions
from ._errors import InternalError, keep_spare, spare_error, take_error
from ._forks import in_child
from ._response import Response, take_response

_LONGEST_POLL = 500  # milliseconds, after which it is seen that a handler has forked the process
_WOULD_BLOCK = 402
_poll: Any = getattr(select, "poll", None)  # that of Python, unless gevent or eventlet had replaced it before


class _Wait:
    """A queue for one request at a time: a handler that makes one meanwhile has another."""

    __slots__ = ("how", "poll", "queue")

    def __init__(self, library: CDLL, queue: OwnedQueue) -> None:
        self.queue = queue
        self.how = StartOptions(queue=queue)
        poll = _poll()
        poll.register(library.nacos_queue_fd(queue), select.POLLIN)
        self.poll = poll.poll


_spare: list[_Wait] = []


def _wait(library: CDLL) -> _Wait | None:
    try:
        return _spare.pop()
    except IndexError:
        queue = OwnedQueue()
        if not isinstance(_poll, BuiltinFunctionType) or library.nacos_queue_new(byref(queue), None):
            return None
        return _Wait(library, queue)


def send(library: CDLL, handle: OwnedHandle, options: RequestOptions, method: str, path: str) -> Response | None:
    """None if it cannot be done this way."""
    wait, spare = _wait(library), _spare
    if wait is None:
        return None
    error, ended = spare_error(), Ended()
    status = library.nacos_request_start(handle, byref(options), byref(wait.how), None, byref(error))
    if status == _WOULD_BLOCK and not options.flags & NO_WAIT:  # max_operations
        return None
    if status:
        raise take_error(library, status, error)
    keep_spare(error)
    while library.nacos_queue_next(wait.queue, ended.pointer, None):
        wait.poll(_LONGEST_POLL)
        if spare is not _spare:
            message = "the process was forked during this call, which the parent goes on with"
            raise InternalError(message, cause=Cause.INTERNAL)
    spare.append(wait)
    if ended.completion.status:
        raise take_error(library, ended.completion.status, ended.error)
    return take_response(library, ended.response, method, path)


def _begin_anew() -> None:
    """In a forked child, which has queues of its own."""
    global _spare  # noqa: PLW0603
    _spare = []


in_child(_begin_anew)
