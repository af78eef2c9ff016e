"""One or several devservers with one secret, and the callers that use them."""

from __future__ import annotations

import base64
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING, final

from devserver import DevServer
from excuse import DOWN, Excuse
from handle import PASSWORD, USER

if TYPE_CHECKING:
    from caller import Caller

TTL = 3  # seconds that a token lives
OTHER_PASSWORD = PASSWORD + " the second"


@final
class Cluster:
    """The servers, what was done to them, and what may be excused for that."""

    def __init__(self, name: str, generation: str, size: int, rng: Random, stopping: threading.Event) -> None:
        self.name = name
        self.password = PASSWORD
        self.callers: list[Caller] = []
        self.faults: list[tuple[float, str]] = []
        self.answers_500_told = 0
        self.stopping = stopping
        self._back_at = 0.0
        self._cached_since = math.inf
        self._cached_before = 0.0
        self._lock = threading.Lock()
        self._excuses: list[Excuse] = []
        self._answers_500_seen = 0
        secret = _secret(rng)
        self.servers: list[DevServer] = []
        try:
            for _ in range(size):
                self.servers.append(DevServer(generation=generation, ttl=TTL, secret=secret))
                self.servers[-1].set_user(USER, PASSWORD)
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        return ",".join(server.address for server in self.servers)

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    # What faults do.

    def note(self, what: str) -> None:
        """A fault begins."""
        self.faults.append((time.monotonic(), what))

    def clear_faults(self) -> None:
        for server in self.servers:
            server.clear_faults()

    def rotate_secret(self, rng: Random) -> None:
        """The same new one for all."""
        secret = _secret(rng)
        for server in self.servers:
            server.rotate_secret(secret)

    def switch_cache(self, enabled: bool) -> None:
        for server in self.servers:
            server._call("POST", "/token-cache", enabled=enabled)  # DevServer has no word for it
        now = time.monotonic()
        if not enabled:
            self._cached_before += max(0.0, now - self._cached_since)
        self._cached_since = now if enabled else math.inf

    def restart(self, servers: Sequence[DevServer], down: float, warm_up: float) -> None:
        """At the same time, as far as that goes; excused if nobody is left to ask."""
        nobody = len(servers) == len(self.servers) and down + warm_up > 0
        excuse = self.excuse(DOWN, len(self.callers)) if nobody else None
        for server in servers:
            server.restart(down_ms=round(down * 1000), warm_up_ms=round(warm_up * 1000))
        self._back_at = time.monotonic() + down + warm_up
        if excuse:
            excuse.until = self._back_at

    def change_password(self) -> None:
        """Between two rounds of all callers: who logs in with the old one in between is refused by rights."""
        with ExitStack() as held:
            for caller in self.callers:
                held.enter_context(caller.between_rounds)
            self.password = OTHER_PASSWORD if self.password == PASSWORD else PASSWORD
            for server in self.servers:
                server.set_password(USER, self.password)
            for caller in self.callers:
                if caller.lives:
                    caller.handle.set_credentials(USER, self.password)

    # What faults wait for.

    def wait(self, seconds: float) -> None:
        """Or until the end of the run."""
        self.stopping.wait(seconds)

    def wait_until_up(self) -> None:
        self.wait(max(0.0, self._back_at - time.monotonic()))

    def wait_until_well(self, limit: float) -> bool:
        """Until each caller has been through a round without a failure, excused or not, that began after this call."""
        asked = time.monotonic()
        return self._wait(lambda: all(caller.well_at > asked for caller in self.callers if caller.lives), limit)

    def wait_until_renewed(self, limit: float) -> bool:
        """Until each caller has logged in after this call; one whose login failed may be well for a while without."""
        logins = {caller: caller.logins for caller in self.callers if caller.lives}
        return self._wait(lambda: all(caller.logins > before for caller, before in logins.items()), limit)

    @staticmethod
    def _wait(condition: Callable[[], bool], limit: float) -> bool:
        ends = time.monotonic() + limit
        while not condition():
            if time.monotonic() > ends:
                return False
            time.sleep(0.05)
        return True

    # The reckoning.

    def last_faults(self) -> str:
        """With how long ago they began."""
        now = time.monotonic()
        return "; ".join(f"{now - at:.1f} s ago {what}" for at, what in self.faults[-3:]) or "no fault yet"

    def logins(self) -> int:
        """As the servers count them: with those whose answer never arrived, or was not wanted any more."""
        return sum(server.logins() for server in self.servers)

    def login_failures(self) -> int:
        return sum(server.failed_logins() for server in self.servers)

    def cached_seconds(self) -> float:
        """How long the token cache has been on."""
        return self._cached_before + max(0.0, time.monotonic() - self._cached_since)

    def excuse(self, statuses: frozenset[str], callers: int) -> Excuse:
        """From now on, until its `until` is set."""
        excuse = Excuse(statuses, callers)
        with self._lock:
            self._excuses.append(excuse)
        return excuse

    def excuses(self, caller: str, status: str, began: float, ended: float) -> bool:
        with self._lock:
            return any(excuse.covers(caller, status, began, ended) for excuse in self._excuses)

    def surplus_500(self, seen: int) -> int:
        """How many of these answers the servers were not told to give."""
        with self._lock:
            before = max(0, self._answers_500_seen - self.answers_500_told)
            self._answers_500_seen += seen
            return max(0, self._answers_500_seen - self.answers_500_told) - before


def _secret(rng: Random) -> str:
    return base64.b64encode(rng.randbytes(32)).decode()
