"""Where a call blocks, so that what shares its thread with it goes on: other greenlets, the handlers of signals.

A greenlet of gevent or eventlet that waits inside C keeps all others of its thread from running. So the call is made by
a true thread, and the greenlet waits in the hub until that thread closes one of a pair of sockets. The threads are not
those of the pools of gevent and eventlet: gevent's ten look up host names too, which calls to a dead server would keep
from working, and eventlet's do not outlive a fork. Neither package is ever imported: where there is no hub there are no
greenlets.

Python runs the handlers of signals on the main thread, between two of its own instructions, so not while that is inside
C. It is the same there: a true thread makes the call, and the main one waits in a lock of Python's, which runs handlers
meanwhile. What a handler raises ends the call.
"""

from __future__ import annotations

import _socket
import _thread
import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ._forks import in_child, is_uwsgi_master
from ._workers import Call, ExpiredError, Job, Lock, WaitedBell, Workers

_MOST_THREADS = 64
_Result = TypeVar("_Result")


class _Pair:
    """For a greenlet: the ringer closes one end. Making one raises OSError where there are no descriptors left.

    Sockets, since these are closed with their last reference, whatever happens; of the C module, which nobody patches.
    """

    __slots__ = ("_reader", "_writer")

    def __init__(self) -> None:
        self._reader, self._writer = _socket.socketpair()

    def ring(self) -> None:
        self._writer.close()

    def close(self) -> None:
        self._reader.close()


class _GeventPair(_Pair):
    __slots__ = ()

    def wait(self, seconds: float | None) -> None:
        socket = importlib.import_module("gevent.socket")
        socket.wait_read(self._reader.fileno(), timeout=seconds, timeout_exc=ExpiredError())


class _EventletPair(_Pair):
    __slots__ = ()

    def wait(self, seconds: float | None) -> None:
        hubs = sys.modules["eventlet.hubs"]
        hubs.trampoline(self._reader.fileno(), read=True, timeout=seconds, timeout_exc=ExpiredError())


_MakeBell = Callable[[], WaitedBell]


def in_hub() -> _MakeBell | None:
    """How this greenlet waits while others of its thread run. None if there are no others.

    Nor can the hub itself wait, which runs the callbacks of the event loop: blocking is all that is left to it.
    """
    hub = _gevent_hub()
    if hub is not None:
        return None if _is_current(hub) else _GeventPair
    hubs = sys.modules.get("eventlet.hubs")
    hub = getattr(getattr(hubs, "_threadlocal", None), "hub", None)  # get_hub() would make one
    return None if hub is None or _is_current(hub.greenlet) else _EventletPair


def waiting() -> _MakeBell | None:
    """How the caller waits for a call that blocks; None if it may make it itself."""
    modules = sys.modules
    if "uwsgi" in modules and is_uwsgi_master():
        return None
    make_bell = in_hub() if "gevent._hub_local" in modules or "eventlet.hubs" in modules else None
    return Lock if make_bell is None and _runs_handlers() else make_bell


def _runs_handlers() -> bool:
    """Whether this may be the thread on which Python runs the handlers of signals: it stays so, but for a fork."""
    try:
        runs_handlers: bool = _this_thread.runs_handlers
    except AttributeError:
        _this_thread.runs_handlers = runs_handlers = _may_run_handlers()
    return runs_handlers


def _may_run_handlers() -> bool:
    # That `threading` was first imported by another thread makes its main_thread() wrong, up to Python 3.12; that a
    # program made its interpreter on another thread makes the first one wrong. One too many does no harm.
    return _thread.get_native_id() == os.getpid() or threading.get_ident() == threading.main_thread().ident


def run(call: Call[_Result], make_bell: _MakeBell) -> _Result:
    """The result of a call that is not ended by what ends the waiting for it."""
    try:
        job = Job(call, bell := make_bell())
    except OSError:
        return call.run()
    try:
        _start(job)
        bell.wait(None)
    finally:
        bell.close()
    return job.result()


class _Nobody:
    """The bell of a job that nobody waits for."""

    def ring(self) -> None:
        pass


def leave_to_a_thread(call: Call[object]) -> None:
    """Has a call made that nobody waits for."""
    _start(Job(call, _Nobody()))


def run_cancellable(call: Call[_Result], seconds: float, make_bell: _MakeBell) -> _Result:
    """The result of a call. Whatever ends the waiting, a Timeout or a signal, ends the call."""
    try:
        job = Job(call, bell := make_bell())
    except OSError:  # no more descriptors: as without a thread
        return call.run()
    try:
        _start(job)
        try:
            bell.wait(seconds)
        except ExpiredError:
            if not _threads.expire(job, seconds):
                bell.wait(None)  # the library is about to end it
    except BaseException:
        if not job.withdraw():
            job.cancel()
        raise
    finally:
        bell.close()
    return job.result()


_this_thread: Any = _thread._local()
_threads = Workers(_MOST_THREADS)
_blocking: set[Job[Any]] = set()
_main_hub: Any = None


def is_blocked() -> bool:
    """Whether a call keeps a hub from running, since there was no thread for it."""
    return bool(_blocking)


def _start(job: Job[Any]) -> None:
    if _threads.start(job) or not job.claim():
        return
    try:
        _blocking.add(job)
        job.run()
    finally:
        _blocking.discard(job)


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
    global _threads
    threads, _threads = _threads, Workers(_MOST_THREADS)
    _blocking.clear()
    threads.abandon()


in_child(_begin_anew)
