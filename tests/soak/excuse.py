"""When a failed call is no failure of ours: the reasoning is in soak.py."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import final

# A machine with much to do takes its time to bring the answer to who waits for it.
GRACE = 5.0
# The longest pause after the first login that was answered so, see src/lifecycle/backoff.rs. 429: 30 s (what the server
# asked for here is less), and a fifth more because it asked.
LOGIN_PAUSE = {500: 15.0, 429: 36.0}

# What callers are told while there is no server, or one that knows no users yet.
DOWN = frozenset({"CONNECT", "IO", "BAD_CREDENTIALS", "SERVER"})


@final
@dataclass
class Excuse:
    """Calls that fail with one of `statuses` in this time are excused, for the first `callers` that need it."""

    statuses: frozenset[str]
    callers: int
    since: float = field(default_factory=time.monotonic)
    until: float = math.inf
    users: set[str] = field(default_factory=set)

    def covers(self, caller: str, status: str, began: float, ended: float) -> bool:
        """A call of the round from `began` to `ended`."""
        if status not in self.statuses or ended < self.since or began > self.until + GRACE:
            return False
        if caller not in self.users and len(self.users) >= self.callers:
            return False
        self.users.add(caller)
        return True
