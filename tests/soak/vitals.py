"""What a process takes: memory, threads, open files."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# How much more than after the warm-up a process may take at the end. A runtime with a garbage collector breathes, and
# keeps the threads it once had; the files are connections, one per server and concurrent call, and come and go.
MEMORY_SHARE, MEMORY_KIB = 0.10, 4096
THREADS = 3
FILES = 12


class Vitals(NamedTuple):
    """At one moment, or the medians over several."""

    rss_kib: float
    threads: float
    files: float

    def excess(self, before: Vitals) -> list[str]:
        """In what it has grown beyond the tolerance."""
        grown = {
            "memory": self.rss_kib > before.rss_kib * (1 + MEMORY_SHARE) + MEMORY_KIB,
            "threads": self.threads > before.threads + THREADS,
            "open files": self.files > before.files + FILES,
        }
        return [what for what, more in grown.items() if more]


def of(pid: int) -> Vitals:
    """Of a running process."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    return Vitals(int(fields["VmRSS"].split()[0]), int(fields["Threads"]), len(os.listdir(f"/proc/{pid}/fd")))


def median(samples: Sequence[Vitals]) -> Vitals:
    """Of each quantity by itself."""
    return Vitals(*map(statistics.median, zip(*samples)))
