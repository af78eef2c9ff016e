"""The threads that make calls end when there is nothing to do, and leave no call waiting."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from nacos_auth import _workers
from nacos_auth._workers import Job, Lock, Workers


class Nap:
    """A call that takes no time to speak of."""

    def run(self) -> int:
        return 1

    def cancel(self) -> None:
        pass


def test_threads_that_wait_at_the_moment_of_a_call_end_or_make_it(
    monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setattr(_workers, "_LINGER", 0.0005)  # so that the end of a wait and the next call coincide, often
    workers = Workers(32)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        jobs = [Job(Nap(), Lock()) for _ in range(48)]
        for job in jobs:
            assert workers.start(job)
        for job in jobs:
            job.bell.wait(10)  # type: ignore[attr-defined]
            assert job.result() == 1
        time.sleep(0.0004)
    wait_until(lambda: workers.count == 0, 5)
    assert not workers._idle


def test_a_client_that_was_retired_keeps_no_thread(wait_until: Callable[..., None]) -> None:
    workers = Workers(4)
    jobs = [Job(Nap(), Lock()) for _ in range(4)]
    for job in jobs:
        workers.start(job)
    for job in jobs:
        job.bell.wait(10)  # type: ignore[attr-defined]
    workers.retire()
    wait_until(lambda: workers.count == 0, 0.9)  # sooner than for want of calls


class Hang(Nap):
    def __init__(self) -> None:
        self.ends = Lock()

    def run(self) -> int:
        self.ends.wait(10)
        return 1


def test_no_more_threads_than_allowed_whoever_starts_them_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    workers = Workers(1)
    calls = [Hang() for _ in range(3)]
    jobs = [Job(call, Lock()) for call in calls]
    start: Callable[..., object] = _workers.start_thread

    def start_while_others_do(run: Callable[..., object], arguments: tuple[object, ...]) -> object:
        for job in jobs[1:]:
            workers.start(job)
        return start(run, arguments)

    monkeypatch.setattr(_workers, "start_thread", start_while_others_do)
    workers.start(jobs[0])
    wait_until(lambda: len(workers.running()) == 1, 10)
    assert workers.count == 1
    for call, job in zip(calls, jobs):
        call.ends.ring()
        job.bell.wait(10)  # type: ignore[attr-defined]


def test_a_call_that_comes_when_the_last_thread_is_about_to_end_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers, "_LINGER", 0.01)
    workers = Workers(1)
    first, late = Job(Nap(), Lock()), Job(Nap(), Lock())
    take = workers._take

    def take_and_leave(worker: _workers._Worker) -> bool:
        goes_on = take(worker)
        if not goes_on and late._call is not None and late._unclaimed:
            workers.start(late)  # it has looked for the last time, and counts still
        return goes_on

    monkeypatch.setattr(workers, "_take", take_and_leave)
    workers.start(first)
    first.bell.wait(10)  # type: ignore[attr-defined]
    late.bell.wait(10)  # type: ignore[attr-defined]
    assert late.result() == 1
