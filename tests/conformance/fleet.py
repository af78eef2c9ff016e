"""The shims of all languages at work side by side on one server."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import final

from handle import Handle, Tally
from shim import Shim

PIECE = 2.0  # seconds that are read and looked at in one go


@final
class Fleet:
    """One handle of each language; all do the same at the same time."""

    def __init__(self, handles: Iterable[Handle]) -> None:
        self.handles = list(handles)

    def start_reads(self, seconds: float, interval_ms: int = 100) -> None:
        for handle in self.handles:
            handle.start_reads(seconds, interval_ms)

    def end_reads(self) -> Mapping[str, Tally]:
        """What each language has to tell of its reads."""
        return {handle.shim.language: handle.end_reads(patience=120) for handle in self.handles}

    def reads(self, seconds: float, interval_ms: int = 100) -> Mapping[str, Tally]:
        self.start_reads(seconds, interval_ms)
        return self.end_reads()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read for as long as the body runs, however long that is. No read may fail."""
        began = time.monotonic()
        over = Event()
        failed: list[str] = []

        def read() -> None:
            while not over.is_set():
                at = time.monotonic() - began
                for language, tally in failures(self.reads(PIECE)).items():
                    failed.append(f"from {at:4.1f} s on: {language}: {tally.ok} ok, {tally.errors}, HTTP {tally.http}")

        with ThreadPoolExecutor(1) as thread:
            reads = thread.submit(read)
            try:
                yield
            finally:
                over.set()
            reads.result()
        assert not failed, "\n".join([f"in these {PIECE} s calls failed:", *failed])


@contextmanager
def launched(shims: Mapping[str, str], server_addr: str, username: str, password: str) -> Iterator[Fleet]:
    """A handle in a new process of each language; at the end each must leave in good order."""
    started = [Shim(language, command) for language, command in shims.items()]
    try:
        yield Fleet([Handle.open(shim, server_addr, username, password) for shim in started])
        for shim in started:
            shim.end()
    finally:
        for shim in started:
            shim.kill()


def failures(tallies: Mapping[str, Tally]) -> Mapping[str, Tally]:
    """The languages in which a call failed, or an answer was another than 200."""
    return {language: tally for language, tally in tallies.items() if tally.errors or tally.http != {"200": tally.ok}}


def assert_all_read(tallies: Mapping[str, Tally]) -> None:
    """No call of any language failed, and every answer was 200."""
    assert not failures(tallies), failures(tallies)
    assert all(tally.ok for tally in tallies.values())
