"""True threads that make the calls which block, and how their callers wait meanwhile."""

from __future__ import annotations

import _thread
import sys
from _queue import Empty, SimpleQueue
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar, cast

from ._causes import Cause
from ._errors import InternalError, NacosTimeoutError

_LINGER = 1.0  # seconds that a thread waits for its next call
_Result = TypeVar("_Result")
_Result_co = TypeVar("_Result_co", covariant=True)


def eventlet_has_patched_threads() -> bool:
    eventlet = sys.modules.get("eventlet.patcher")
    return eventlet is not None and bool(eventlet.is_monkey_patched("thread"))


def true(name: str) -> Any:
    """That function of `_thread` as it is where gevent and eventlet have not replaced it."""
    if eventlet_has_patched_threads():
        return getattr(sys.modules["eventlet.patcher"].original("_thread"), name)
    gevent = sys.modules.get("gevent.monkey")
    return getattr(_thread, name) if gevent is None else gevent.get_original("_thread", name)


# For good: what is patched after this import does not reach them.
start_thread = true("start_new_thread")
allocate_lock = true("allocate_lock")


class Call(Protocol[_Result_co]):
    """Something that blocks, with all that it uses."""

    def run(self) -> _Result_co:
        """From any thread."""
        ...

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

    __slots__ = ("_call", "_error", "_result", "_unclaimed", "bell")

    def __init__(self, call: Call[_Result], bell: Bell) -> None:
        self.bell = bell
        self._unclaimed = [None]
        self._call: Call[_Result] | None = call
        self._result: _Result | None = None
        self._error: BaseException | None = None

    def claim(self) -> bool:
        """True for the first one who asks, who is to run it, or not to have it run."""
        try:
            self._unclaimed.pop()
        except IndexError:
            return False
        return True

    def withdraw(self) -> bool:
        """Takes it back; false if it has begun."""
        if not self.claim():
            return False
        self._call = None
        return True

    def run(self) -> None:
        call = self._call
        if call is None:
            return
        try:
            self._result = call.run()
        except BaseException as error:
            # Without this frame, which refers to this job.
            self._error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
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
        if self._error is not None:
            raise self._take_error()  # no variable of this frame may refer to what refers to this frame
        return cast(_Result, self._result)

    def _take_error(self) -> BaseException:
        error, self._error = self._error, None
        return error or AssertionError()

    def _end(self) -> None:
        self._call = None
        self.bell.ring()


class _Worker:
    """One thread."""

    __slots__ = ("_rung", "has_ended", "job")

    def __init__(self) -> None:
        self.job: Job[Any] | None = None
        self.has_ended = False
        self._rung = allocate_lock()

    def prepare(self) -> None:
        """For the next ring."""
        self._rung.acquire(False)

    def wait(self) -> bool:
        """Until it is rung, false if nobody does so for a while."""
        return bool(self._rung.acquire(timeout=_LINGER))

    def ring(self) -> None:
        with suppress(RuntimeError):  # it has been rung already
            self._rung.release()


class Workers:
    """True threads, started when there is something to do, which end when there is nothing to do.

    They keep no program from ending. There is no lock, since what a handler of a signal raises might leave it locked:
    each step is one operation of a queue or a set, and in whatever order those of several threads come, no job is left
    without a thread that looks for it. Each thread waits for itself: of several that wait with a time-out at one
    SimpleQueue, CPython 3.11 lets some wait for ever.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._permits = [None] * most
        """One for each thread that may be started still."""
        self._jobs: SimpleQueue[Job[Any]] = SimpleQueue()
        self._all: set[_Worker] = set()
        self._idle: set[_Worker] = set()
        self._is_retired = False

    def start(self, job: Job[Any]) -> bool:
        """Leaves a job to a thread. False if the system has none more to give: the job waits for one of the others.

        Or if the interpreter goes: no thread but that of its finalizers, which asks here, runs Python any more. Up to
        3.11 one begins all the same, and those that wait for their next job look as if they would take it.
        """
        if sys.is_finalizing():
            return False
        self._jobs.put(job)
        return self._have_enough()

    def expire(self, job: Job[Any], seconds: float) -> bool:
        """Ends a job that has waited for a thread for so long; false if it has begun."""
        if not job.claim():
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
        self._is_retired = True
        while self._wake_one():
            pass

    def abandon(self) -> None:
        """In a forked child, which has the greenlets that wait, but not the threads."""
        jobs = self.running()
        with suppress(Empty):
            while True:
                jobs.append(self._jobs.get_nowait())
        for job in jobs:
            error = "the process was forked during this call, which the parent goes on with"
            job.abandon(InternalError(error, cause=Cause.INTERNAL))

    def running(self) -> list[Job[Any]]:
        return [job for job in [worker.job for worker in self._all.copy()] if job is not None]

    @property
    def count(self) -> int:
        """How many threads there are."""
        return len(self._all)

    def _have_enough(self) -> bool:
        """Wakes a thread if a job waits, or starts one."""
        if self._jobs.empty() or self._wake_one():
            return True
        try:
            self._permits.pop()
        except IndexError:
            return True
        worker = _Worker()
        try:
            start_thread(self._work, (worker,))
        except RuntimeError:  # this process has too many, or is ending
            self._permits.append(None)
            return False
        self._all.add(worker)  # which it does itself too: a handler of a signal may raise before this
        if worker.has_ended:
            self._all.discard(worker)
        return True

    def _work(self, worker: _Worker) -> None:
        self._all.add(worker)
        try:
            while self._take(worker):
                pass
        finally:
            self._idle.discard(worker)
            worker.has_ended = True
            self._all.discard(worker)
            job, worker.job = worker.job, None
            if job is not None:  # something has been thrown into this thread
                job.abandon(InternalError("the thread that made this call was ended", cause=Cause.INTERNAL))
            self._permits.append(None)
            self._have_enough()  # whoever has put one since this looked for the last time may have started none

    def _wake_one(self) -> bool:
        try:
            worker = self._idle.pop()
        except KeyError:
            return False
        worker.ring()
        return True

    def _take(self, worker: _Worker) -> bool:
        """Does a job; false if this thread is to end."""
        worker.prepare()
        self._idle.add(worker)
        try:  # only now: whoever puts one after this sees an idle thread
            job = self._jobs.get_nowait()
        except Empty:
            if not self._is_retired and worker.wait():
                return True
            self._idle.discard(worker)
            try:  # whoever has put one before this has rung too late, or saw an idle thread and started none
                job = self._jobs.get_nowait()
            except Empty:
                return False
        self._idle.discard(worker)
        self._have_enough()  # whoever has put one in the meantime took this thread for an idle one
        if job.claim():
            worker.job = job
            job.run()
            worker.job = None
        return True
