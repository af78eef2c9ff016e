"""What is logged by a client that was given no logger: to the logger "nacos_auth", by a thread of Python's.

The library's threads leave their records here and go on. Freeing a native handle waits for them, and who frees it may
be the garbage collector in the middle of a log handler: so they must not want a lock of that handler, nor of logging.
"""

from __future__ import annotations

import _thread
import logging
import sys
import threading
import time
from collections import deque
from typing import Any

from ._forks import in_child
from ._greenlets import hub_for_functions, in_hub
from ._workers import ExpiredError, Job, Lock, Workers

LOGGER = logging.getLogger("nacos_auth")
LOGGER.addHandler(logging.NullHandler())

_MOST = 1024
"""Records that wait for a slow handler; beyond that the oldest are forgotten."""
_waiting: deque[tuple[int, str, dict[str, Any], BaseException | None]] = deque(maxlen=_MOST)
_AT_ONCE = 1.0  # seconds
_MOST_REMEMBERED = 256
_put_last: dict[str, tuple[int, float]] = {}
"""By whom, and when."""
_is_scheduled = False
"""Something is about to look into the queue."""
_at_it: int | None = None
"""The thread that hands records over."""
_threads = Workers(1)
is_over = sys.is_finalizing()
"""The program ends: no thread of the library may come here any more."""


def is_wanted(level: int) -> bool:
    """As `isEnabledFor`, but without its lock."""
    return not LOGGER.disabled and LOGGER.manager.disable < level and LOGGER.getEffectiveLevel() <= level


def is_news(text: str, handle: int) -> bool:
    """Whether no other handle has just told the same: clients that share a login hear all of it, each for itself."""
    now = time.monotonic()
    if len(_put_last) >= _MOST_REMEMBERED:
        _put_last.clear()
    mine = handle, now
    first, when = _put_last.setdefault(text, mine)
    if first != handle and now - when < _AT_ONCE:
        return False
    _put_last[text] = mine
    return True


def put(level: int, text: str, extra: dict[str, Any], failure: BaseException | None = None) -> None:
    """From any thread; waits for nothing."""
    global _is_scheduled  # noqa: PLW0603
    if not is_wanted(level):
        return
    _waiting.append((level, text, extra, failure))
    if _is_scheduled:
        return
    _is_scheduled = True
    if not _is_patched():
        if not _threads.start(Job(_HandOver(), _Nobody())):
            _is_scheduled = False  # for the next one, or `flush`; nor may it be set after the thread has begun
        return
    hub = hub_for_functions()
    if hub is not None:
        hub.loop.run_callback_threadsafe(lambda: sys.modules["gevent"].spawn(_hand_over))
    else:
        _is_scheduled = False  # nobody runs greenlets: it is for `flush`


def flush(seconds: float) -> bool:
    """Waits until all that has been put has reached the handlers, or for so long: then it is false."""
    if not is_busy() or _at_it == _thread.get_native_id():
        return True
    make_bell = in_hub()
    if _is_patched():
        if make_bell is not None and hub_for_functions() is None:
            _hand_over()
        return not is_busy()
    try:
        job = Job(_HandOver(), bell := (make_bell or Lock)())
    except OSError:  # no more descriptors
        return False
    try:
        if _threads.start(job) or _threads.count or not job.claim():
            bell.wait(seconds)
        else:  # the system has no more threads
            _hand_over()
    except ExpiredError:
        return False
    finally:
        bell.close()
    return True


def is_busy() -> bool:
    return bool(_waiting) or _at_it is not None


class _HandOver:
    """As a call that a thread makes."""

    def run(self) -> None:
        # Records have the name of their thread. What threading knows of this one stays, for the next with its number.
        thread = threading.current_thread()
        name, thread.name = thread.name, "nacos-auth-log"
        try:
            _hand_over()
        finally:
            thread.name = name

    def cancel(self) -> None:
        pass


class _Nobody:
    """The bell of a job that nobody waits for."""

    def ring(self) -> None:
        pass


def _hand_over() -> None:
    global _at_it, _is_scheduled  # noqa: PLW0603
    _is_scheduled = False  # first: what is put from now on is either seen here or scheduled anew
    _at_it = _thread.get_native_id()
    try:
        while True:
            try:
                level, text, extra, failure = _waiting.popleft()
            except IndexError:
                return
            try:
                LOGGER.log(level, "%s", text, extra=extra, exc_info=failure)
            except Exception as error:
                here = threading.current_thread()
                threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, here)))
            finally:
                del failure
    finally:
        _at_it = None


def _is_patched() -> bool:
    """Whether gevent has put its own in the place of the locks that logging has."""
    gevent = sys.modules.get("gevent.monkey")
    return gevent is not None and bool(gevent.is_module_patched("threading"))


def _begin_anew() -> None:
    """In a forked child: what waits is the parent's to log."""
    global _at_it, _is_scheduled, _threads
    _waiting.clear()
    _at_it, _is_scheduled, _threads = None, False, Workers(1)


in_child(_begin_anew)
