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
