"""The shims of all languages at work side by side on one server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import final

from handle import Handle, Tally


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


def assert_all_read(tallies: Mapping[str, Tally]) -> None:
    """No call of any language failed, and every answer was 200."""
    failures = {
        language: tally for language, tally in tallies.items() if tally.errors or tally.http != {"200": tally.ok}
    }
    assert not failures, failures
    assert all(tally.ok for tally in tallies.values())
