"""The user's functions under gevent: run by a greenlet of the main thread.

Threads of the library call them, but the locks that gevent puts in the place of true ones (all of logging has them) do
not work between a thread that has greenlets and one that has none.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from . import _greenlets, _workers

_LONGEST_START = 10.0  # seconds; a hub that takes longer to begin is kept from running
_Result = TypeVar("_Result")


class Errands:
    """Calls of the functions of one client."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._greenlet: Any = None  # that runs them
        self._asked: set[Any] = set()  # greenlets for whose results a thread of the library waits

    def give(self, hub: Any, errand: Callable[[], object]) -> None:
        """One that nobody waits for: these are run in turn. From any thread."""
        self._waiting.append(errand)
        hub.loop.run_callback_threadsafe(self._start)

    def result(self, hub: Any, errand: Callable[[], _Result]) -> _Result:
        """What it returns or raises; called by a thread of the library. TimeoutError if the hub does not run.

        In a greenlet of its own: a function that is told of a login may be waiting for it.
        """
        done = _workers.allocate_lock()
        done.acquire()
        begun = False
        results: list[_Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            nonlocal begun
            begun = True
            current = sys.modules["greenlet"].getcurrent()
            self._asked.add(current)
            try:
                results.append(errand())
            except BaseException as error:
                errors.append(error)
            finally:
                self._asked.discard(current)
                done.release()

        hub.loop.run_callback_threadsafe(lambda: sys.modules["gevent"].spawn(run))
        latest = time.monotonic() + _LONGEST_START
        while not done.acquire(timeout=0.1):
            if _greenlets.is_blocked() or (not begun and time.monotonic() > latest):
                raise TimeoutError("the main thread is kept from running gevent's hub")
        if not errors:
            return results[0]
        error = errors.pop()
        try:
            raise error
        finally:
            del error  # a traceback that shows variables must not find it here

    def are_asked_here(self) -> bool:
        """Whether the caller is one for whose result a thread of the library waits."""
        return bool(self._asked) and sys.modules["greenlet"].getcurrent() in self._asked

    def finish(self) -> None:
        """Waits for the one that runs, and runs what waits, if the caller may wait and is a greenlet of that thread."""
        if not self._waiting and self._greenlet is None:
            return
        if _greenlets.in_hub() is None or _greenlets.hub_for_functions() is not None:
            return
        if self._greenlet is sys.modules["greenlet"].getcurrent():
            return
        while self._greenlet is not None:
            sys.modules["gevent"].sleep(0.01)
        self._run()

    def forget(self) -> None:
        """In a forked child: they are the parent's."""
        self._waiting.clear()

    def _start(self) -> None:
        if self._waiting and self._greenlet is None:
            self._greenlet = sys.modules["gevent"].spawn(self._run)

    def _run(self) -> None:
        self._greenlet = current = sys.modules["greenlet"].getcurrent()
        try:
            while self._waiting:
                try:
                    self._waiting.popleft()()
                except Exception:
                    sys.modules["gevent"].get_hub().handle_error(current, *sys.exc_info())
        finally:
            self._greenlet = None
