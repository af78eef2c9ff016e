"""Where a call blocks, so that what shares its thread with it goes on: other greenlets, the handlers of signals.

A greenlet of gevent or eventlet that waits inside C keeps all others of its thread from running. So the call is made by
a true thread, and the greenlet waits in the hub until that thread closes a pipe. The threads are not those of the pools
of gevent and eventlet: gevent's ten look up host names too, which calls to a dead server would keep from working, and
eventlet's do not outlive a fork. Neither package is ever imported: where there is no hub there are no greenlets.

Python runs the handlers of signals on the main thread, between two of its own instructions, so not while that is inside
C. It is the same there: a true thread makes the call, and the main one waits in a lock of Python's, which runs handlers
meanwhile. What a handler raises ends the call.
"""

from __future__ import annotations

import _thread
import importlib
import math
import os
import posix
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from ctypes import CDLL, c_void_p
from typing import Any, Generic, Protocol, TypeVar, cast

from ._arguments import is_long_poll
from ._causes import Cause
from ._declarations import CallOptions, RequestOptions
from ._errors import InternalError, NacosTimeoutError

_MOST_THREADS = 64
_LINGER = 1.0  # seconds that a thread waits for its next call
_Result = TypeVar("_Result")


def eventlet_has_patched_threads() -> bool:
    eventlet = sys.modules.get("eventlet.patcher")
    return eventlet is not None and bool(eventlet.is_monkey_patched("thread"))


def _true(name: str) -> Any:
    """That function of `_thread` as it is where gevent and eventlet have not replaced it."""
    if eventlet_has_patched_threads():
        return getattr(sys.modules["eventlet.patcher"].original("_thread"), name)
    gevent = sys.modules.get("gevent.monkey")
    return getattr(_thread, name) if gevent is None else gevent.get_original("_thread", name)


# For good: what is patched after this import does not reach them.
start_thread = _true("start_new_thread")
allocate_lock = _true("allocate_lock")


class Cancel:
    """Ends a call from another thread. Freed with its last reference, so whoever makes the call holds one."""

    __slots__ = ("library", "pointer")

    def __init__(self, library: CDLL) -> None:
        self.library = library
        self.pointer = c_void_p(library.nacos_cancel_new())

    def trigger(self) -> None:
        self.library.nacos_cancel_trigger(self.pointer)

    def __del__(self) -> None:
        self.library.nacos_cancel_free(self.pointer)


class _ExpiredError(Exception):
    """The time to wait is over."""


class _Bell(Protocol):
    """How one thread or greenlet waits for what a true thread does."""

    def wait(self, seconds: float | None) -> None:
        """Until it is rung; raises `_ExpiredError` after so many seconds."""

    def ring(self) -> None:
        """From any thread, once."""

    def close(self) -> None:
        """The waiter's, at the end."""


class _Lock:
    """For a thread without greenlets. Python's own locks are interrupted by handlers of signals."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()

    def wait(self, seconds: float | None) -> None:
        if not self._lock.acquire(timeout=-1 if seconds is None else min(seconds, _thread.TIMEOUT_MAX)):
            raise _ExpiredError

    def ring(self) -> None:
        self._lock.release()

    def close(self) -> None:
        pass


class _Pipe:
    """For a greenlet: the ringer closes one end. Making one raises OSError where there are no descriptors left."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)

    def ring(self) -> None:
        posix.close(self._writer)  # os.close may be gevent's, which closes later

    def close(self) -> None:
        os.close(self._reader)


class _GeventPipe(_Pipe):
    def wait(self, seconds: float | None) -> None:
        socket = importlib.import_module("gevent.socket")
        socket.wait_read(self._reader, timeout=seconds, timeout_exc=_ExpiredError())


class _EventletPipe(_Pipe):
    def wait(self, seconds: float | None) -> None:
        hubs = sys.modules["eventlet.hubs"]
        hubs.trampoline(self._reader, read=True, timeout=seconds, timeout_exc=_ExpiredError())


_MakeBell = Callable[[], _Bell]


def in_hub() -> _MakeBell | None:
    """How this greenlet waits while others of its thread run. None if there are no others.

    Nor can the hub itself wait, which runs the callbacks of the event loop: blocking is all that is left to it.
    """
    hub = _gevent_hub()
    if hub is not None:
        return None if _is_current(hub) else _GeventPipe
    hubs = sys.modules.get("eventlet.hubs")
    hub = getattr(getattr(hubs, "_threadlocal", None), "hub", None)  # get_hub() would make one
    return None if hub is None or _is_current(hub.greenlet) else _EventletPipe


def waiting() -> _MakeBell | None:
    """How the caller waits for a call that blocks; None if it may make it itself."""
    make_bell = in_hub()
    if make_bell is None and threading.get_ident() == threading.main_thread().ident:
        return _Lock
    return make_bell


def run(call: Callable[[], _Result], make_bell: _MakeBell) -> _Result:
    """The result of a call that cannot be cancelled."""
    try:
        job = _Job(call, make_bell())
    except OSError:
        return call()
    try:
        _threads.start(job)
        job.bell.wait(None)
    finally:
        job.bell.close()
    return job.result()


def leave_to_a_thread(call: Callable[[], object]) -> None:
    """Has a call made that nobody waits for."""
    _threads.start(_Job(call, _Lock()))


def run_cancellable(
    library: CDLL,
    options: CallOptions | RequestOptions,
    seconds: float,
    call: Callable[[], _Result],
    make_bell: _MakeBell,
) -> _Result:
    """The result of a call with these options. Whatever ends the waiting, a Timeout or a signal, cancels the call."""
    deadline = None if is_long_poll(options) else time.monotonic() + seconds
    cancel = None
    if not options.cancel:
        cancel = Cancel(library)
        options.cancel = cancel.pointer

    def begin() -> _Result:
        _ = cancel  # lives as long as the call
        if deadline is not None:
            options.timeout_ms = max(1, math.ceil((deadline - time.monotonic()) * 1000))
        return call()

    try:
        job = _Job(begin, make_bell())
    except OSError:  # no more descriptors: as without a thread
        return begin()
    try:
        _threads.start(job)
        try:
            job.bell.wait(seconds)
        except _ExpiredError:
            if _threads.withdraw(job):
                raise NacosTimeoutError(
                    f"{_MOST_THREADS} other calls kept every thread busy for {seconds:.1f} s",
                    status="TIMEOUT",
                    code=201,
                    retryable=True,
                    cause=Cause.DEADLINE,
                ) from None
            job.bell.wait(None)  # the library is about to end it
    except BaseException:
        if not _threads.withdraw(job) and cancel is not None:
            cancel.trigger()
        raise
    finally:
        job.bell.close()
    return job.result()


class _Job(Generic[_Result]):
    """A call made by another thread, which rings a bell afterwards.

    It holds all that the call uses, also when nobody waits for it any more.
    """

    def __init__(self, call: Callable[[], _Result], bell: _Bell) -> None:
        self._call: Callable[[], _Result] | None = call
        self._result: _Result | None = None
        self._error: BaseException | None = None
        self._is_over = False
        self.bell = bell

    def run(self) -> None:
        call, self._call = self._call, None
        assert call is not None
        try:
            self._result = call()
        except BaseException as error:
            self._error = error
        finally:
            del call  # before the waiter goes on
            self._end()

    def abandon(self, error: BaseException | None = None) -> None:
        """In the place of `run`."""
        if not self._is_over:
            self._call, self._error = None, error
            self._end()

    def result(self) -> _Result:
        error, self._error = self._error, None
        if error is None:
            return cast(_Result, self._result)
        try:
            raise error
        finally:
            del error  # which refers to this frame

    def _end(self) -> None:
        self._is_over = True
        self.bell.ring()


class _Threads:
    """True threads, which end when there is nothing to do."""

    def __init__(self) -> None:
        self._lock = _thread.RLock()  # nobody replaces this one; the handler of a signal may call in the middle
        self._jobs: deque[_Job[Any]] = deque()
        self._running: set[_Job[Any]] = set()
        self._idle: list[_Lock] = []  # of threads that wait for a job
        self._count = 0

    def start(self, job: _Job[Any]) -> None:
        with self._lock:
            self._jobs.append(job)
            if self._idle:
                self._idle.pop().ring()
                return
            if self._count >= _MOST_THREADS:
                return
            try:
                start_thread(self._work, ())
                self._count += 1
            except RuntimeError:  # this process has too many, or is ending
                self._jobs.remove(job)
            else:
                return
        _block(job)

    def withdraw(self, job: _Job[Any]) -> bool:
        """False if it has begun."""
        with self._lock:
            if job not in self._jobs:
                return False
            self._jobs.remove(job)
        job.abandon()
        return True

    def abandon(self) -> None:
        """In a forked child, which has the greenlets that wait, but not the threads."""
        for job in [*self._jobs, *self._running]:
            error = "the process was forked during this call, which the parent goes on with"
            job.abandon(InternalError(error, cause=Cause.INTERNAL))

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            with self._lock:
                self._running.discard(job)
            del job

    def _next(self) -> _Job[Any] | None:
        """A job for this thread; None if it is to end."""
        while True:
            with self._lock:
                if self._jobs:
                    job = self._jobs.popleft()
                    self._running.add(job)
                    return job
                bell = _Lock()
                self._idle.append(bell)
            try:
                bell.wait(_LINGER)
            except _ExpiredError:
                with self._lock:
                    if bell in self._idle:  # else it has been rung meanwhile
                        self._idle.remove(bell)
                        self._count -= 1
                        return None


_threads = _Threads()
_blocking = 0
_main_hub: Any = None


def is_blocked() -> bool:
    """Whether a call keeps a hub from running, since there was no thread for it."""
    return _blocking > 0


def _block(job: _Job[Any]) -> None:
    global _blocking  # noqa: PLW0603
    _blocking += 1
    try:
        job.run()
    finally:
        _blocking -= 1


def _gevent_hub() -> Any:
    """The hub of this thread, if there is one: gevent.get_hub() would make one, for each thread of the library too."""
    global _main_hub  # noqa: PLW0603
    local = sys.modules.get("gevent._hub_local")
    hub = None if local is None else local.get_hub_if_exists()
    if hub is not None and hub.main_hub:
        _main_hub = hub
    return hub


def _is_current(greenlet: Any) -> bool:
    return sys.modules["greenlet"].getcurrent() is greenlet


def make_main_hub() -> None:
    """Where gevent has patched threads, and this is the main one: from now on no call blocks it."""
    gevent, threading = sys.modules.get("gevent.monkey"), sys.modules.get("threading")
    if gevent is not None and threading is not None and gevent.is_module_patched("threading"):
        if threading.get_ident() == threading.main_thread().ident:
            sys.modules["gevent"].get_hub()
        _gevent_hub()


def hub_for_functions() -> Any:
    """The hub whose greenlets have to run the user's functions; None if this thread may."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is None or not gevent.is_module_patched("threading") or _gevent_hub() is _main_hub:
        return None
    return None if _main_hub.loop is None else _main_hub  # destroyed


def _begin_anew() -> None:
    global _threads, _blocking
    threads, _threads, _blocking = _threads, _Threads(), 0
    threads.abandon()


os.register_at_fork(after_in_child=_begin_anew)
