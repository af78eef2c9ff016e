"""True threads that make the calls which block, and how their callers wait meanwhile."""

from __future__ import annotations

import _thread
import sys
from collections import deque
from typing import Any, Generic, Protocol, TypeVar, cast

from ._causes import Cause
from ._errors import InternalError, NacosTimeoutError

_LINGER = 1.0  # seconds that a thread waits for its next call
_Result = TypeVar("_Result")
_Result_co = TypeVar("_Result_co", covariant=True)


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


class Call(Protocol[_Result_co]):
    """Something that blocks, with all that it uses."""

    def run(self) -> _Result_co:
        """From any thread."""

    def cancel(self) -> None:
        """Has `run` end soon, which another thread is in or about to be in."""


class ExpiredError(Exception):
    """The time to wait is over."""


class Bell(Protocol):
    """How one thread, greenlet or task waits for what a true thread does."""

    def ring(self) -> None:
        """From any thread, once."""


class WaitedBell(Bell, Protocol):
    def wait(self, seconds: float | None) -> None:
        """Until it is rung; raises `ExpiredError` after so many seconds."""

    def close(self) -> None:
        """The waiter's, at the end."""


class Lock:
    """For a thread without greenlets. Python's own locks are interrupted by handlers of signals."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()

    def wait(self, seconds: float | None) -> None:
        if not self._lock.acquire(timeout=-1 if seconds is None else min(seconds, _thread.TIMEOUT_MAX)):
            raise ExpiredError

    def ring(self) -> None:
        self._lock.release()

    def close(self) -> None:
        pass


class Job(Generic[_Result]):
    """A call made by another thread, which rings a bell afterwards. It holds the call for as long as that may run.

    Whoever made it may go away at any time, and lose it.
    """

    __slots__ = ("_call", "_error", "_result", "bell")

    def __init__(self, call: Call[_Result], bell: Bell) -> None:
        self.bell = bell
        self._call: Call[_Result] | None = call
        self._result: _Result | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        call = self._call
        if call is None:
            return
        try:
            self._result = call.run()
        except BaseException as error:
            self._error = error
        finally:
            del call  # before the waiter goes on
            self._end()

    def cancel(self) -> None:
        call = self._call
        if call is not None:
            call.cancel()

    def abandon(self, error: BaseException | None = None) -> None:
        """In the place of `run`, or where that cannot come to its end. Does nothing afterwards."""
        if self._call is not None:
            self._error = error
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
        self._call = None
        self.bell.ring()


class _Worker:
    """One thread."""

    __slots__ = ("job",)

    def __init__(self) -> None:
        self.job: Job[Any] | None = None


class Workers:
    """True threads, started when there is something to do, which end when there is nothing to do.

    They keep no program from ending.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = _thread.RLock()  # nobody replaces this one; the handler of a signal may call in the middle
        self._jobs: deque[Job[Any]] = deque()
        self._all: set[_Worker] = set()
        self._idle: list[Lock] = []  # of threads that wait for a job
        self._is_retired = False

    def start(self, job: Job[Any]) -> bool:
        """Leaves a job to a thread. False if the system has none more to give: the job waits for one of the others."""
        with self._lock:
            self._jobs.append(job)
            if self._idle:
                self._idle.pop().ring()
                return True
            if len(self._all) >= self.most:
                return True
            worker = _Worker()
            try:
                # Also counted by the thread itself: a handler of a signal may raise right after this.
                start_thread(self._work, (worker,))
                self._all.add(worker)
            except RuntimeError:  # this process has too many, or is ending
                return False
            return True

    def withdraw(self, job: Job[Any]) -> bool:
        """Takes back a job; false if it has begun."""
        with self._lock:
            try:
                self._jobs.remove(job)
            except ValueError:
                return False
            return True

    def expire(self, job: Job[Any], seconds: float) -> bool:
        """Ends a job that has waited for a thread for so long; false if it has begun."""
        if not self.withdraw(job):
            return False
        job.abandon(
            NacosTimeoutError(
                f"{self.most} other calls kept every thread busy for {seconds:.1f} s",
                status="TIMEOUT",
                code=201,
                retryable=True,
                cause=Cause.DEADLINE,
            )
        )
        return True

    def retire(self) -> None:
        """Has threads end as soon as they have nothing to do."""
        with self._lock:
            self._is_retired = True
            while self._idle:
                self._idle.pop().ring()

    def abandon(self) -> None:
        """In a forked child, which has the greenlets that wait, but not the threads."""
        for job in [*self._jobs, *self.running()]:
            error = "the process was forked during this call, which the parent goes on with"
            job.abandon(InternalError(error, cause=Cause.INTERNAL))

    def running(self) -> list[Job[Any]]:
        return [job for job in [worker.job for worker in self._all.copy()] if job is not None]

    @property
    def count(self) -> int:
        """How many threads there are."""
        return len(self._all)

    def _work(self, worker: _Worker) -> None:
        with self._lock:
            self._all.add(worker)
        try:
            while self._take(worker):
                job = worker.job
                assert job is not None
                job.run()
                worker.job = None
                del job
        finally:
            with self._lock:
                self._all.discard(worker)
                job, worker.job = worker.job, None
            if job is not None:  # something has been thrown into this thread
                job.abandon(InternalError("the thread that made this call was ended", cause=Cause.INTERNAL))

    def _take(self, worker: _Worker) -> bool:
        """Gives this thread a job; false if it is to end."""
        while True:
            with self._lock:
                if self._jobs:
                    worker.job = self._jobs.popleft()
                    return True
                if self._is_retired:
                    self._all.discard(worker)
                    return False
                bell = Lock()
                self._idle.append(bell)
            try:
                bell.wait(_LINGER)
            except ExpiredError:
                with self._lock:
                    if bell in self._idle:  # else it has been rung meanwhile
                        self._idle.remove(bell)
                        self._all.discard(worker)
                        return False
