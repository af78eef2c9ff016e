"""All languages at once, under one fault after the other, for as long as you like.

    make soak                    # ten minutes
    make soak MINUTES=2 SEED=7   # the faults of another run

Every language works on two sets of servers, in a process for each: `cluster`, three devservers with one secret, and
`single`, one devserver. Tokens live 3 s. Each set meets a fault every few seconds (fault.py), drawn from the seed.
Calls that wait, and operations for which no thread waits, go side by side on one handle in the shim `c-both`.

What counts. Every call must succeed: a token is given, a request is answered 200. Else it is a failure, and the run
has FAILED, except for

- a request answered 500, as long as the servers were told to give at least that many such answers: data, like any
  answer;
- CONNECT, IO, BAD_CREDENTIALS and SERVER while every server of the set is down or, just started, knows no users, and
  5 s after that. Nobody can do better without a server. One server of three that goes excuses nothing;
- SERVER and THROTTLED of one caller per server that was told to answer a login with 500 or 429, for 15 s after a 500
  and 36 s after a 429, and 5 s more. The library leaves servers alone that say they are in trouble, for so long at the
  most after the first such answer (src/lifecycle/backoff.rs). A token that lives 3 s is over before that; one that
  lives 5 h, as in Nacos, is not. All other callers have to go on, and that one has to be back in time.

A caller works in rounds of a fifth of a second, and knows when a round began and ended, not when a call in it failed.
Nothing excuses a deadline that passes (TIMEOUT), a 403, or any other status.

All other faults cost no caller anything: a new secret, revoked tokens, a new password, the token cache, cut and reset
connections, slow logins and requests. For that they keep within what the library promises:

- a connection is reset under one request at a time: a request is sent again once;
- a token and its successor that is on its way already may end together, but not a third: a request is replayed twice;
- a login takes 2 s at the most: it may keep callers waiting, but its token has to be young when it arrives;
- an outage lasts at least a second: a refusal by a server that restarted unseen is that of a wrong password.

Logins are bounded: one for each 1.5 s (half a life; with the token cache on, which gives no younger token, each
second), and one for each fault. Memory, threads and open files of every process are compared after a quarter of the
time and at the end (vitals.py has the tolerances), as medians over a tenth of the time.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import final

import fault
from caller import Caller
from cluster import Cluster
from excuse import LOGIN_PAUSE
from shim import listed

PROGRESS_EVERY = 10.0
RECOVERY = max(LOGIN_PAUSE.values()) + 10  # after the last fault
SHOWN = 50  # failures; the rest is counted


@final
class Soak:
    """One run."""

    def __init__(self, shims: Sequence[tuple[str, str]], seed: int, held: ExitStack) -> None:
        self.seed = seed
        self._began = time.monotonic()
        self._said = 0
        self._saying = threading.Lock()
        self._stopping = threading.Event()
        self.problems = 0
        self.clusters: list[Cluster] = []
        for name, generation, size in (("cluster", "2.x", 3), ("single", "3.x", 1)):
            cluster = Cluster(name, generation, size, Random(f"{seed}/{name}"), self._stopping)
            held.callback(cluster.stop)
            self.clusters.append(cluster)
            for language, command in shims:
                caller = Caller(language, command, cluster, self._failed)
                held.callback(caller.kill)
                cluster.callers.append(caller)
        self.callers = [caller for cluster in self.clusters for caller in cluster.callers]
        held.callback(self._stopping.set)

    def run(self, seconds: float) -> None:
        """Ends when every caller is well again after the last fault, and every shim has left."""
        self._began = began = time.monotonic()
        troubles = [threading.Thread(target=self._trouble, args=(cluster,)) for cluster in self.clusters]
        for caller in self.callers:
            caller.start()
        for cluster in self.clusters:
            if not cluster.wait_until_well(limit=60):
                raise RuntimeError(f"{cluster.name}: not every language works even before the first fault")
        for trouble in troubles:
            trouble.start()
        while time.monotonic() < began + seconds:
            time.sleep(min(PROGRESS_EVERY, began + seconds - time.monotonic()))
            self._progress()
        self._stopping.set()
        for trouble in troubles:
            trouble.join()
        for cluster in self.clusters:
            if not cluster.wait_until_well(RECOVERY):
                self._problem(f"{cluster.name}: not every caller is well {RECOVERY:.0f} s after the last fault")
        ended = time.monotonic()
        self._judge(began, ended)
        for caller in self.callers:
            caller.end()

    def passed(self) -> bool:
        return not self.problems and not any(caller.failures for caller in self.callers)

    def _trouble(self, cluster: Cluster) -> None:
        try:
            fault.happen(cluster, f"{self.seed}/{cluster.name}")
        except Exception as error:  # a soak without faults would pass
            self._problem(f"{cluster.name}: no more faults after {cluster.last_faults()}: {error!r}")

    def _judge(self, began: float, ended: float) -> None:
        lasted = ended - began
        rows = []
        for caller in self.callers:
            before = caller.vitals(began + 0.25 * lasted, began + 0.35 * lasted)
            after = caller.vitals(ended - 0.1 * lasted, ended)
            bound, stats = caller.bound(), caller.stats
            if stats["logins"] > bound:
                self._problem(f"{caller.name}: {stats['logins']} logins, {bound} at the most were to be expected")
            counts = (caller.calls, caller.failures, caller.excused, caller.answers_500, stats["replays"])
            row = [caller.language, caller.cluster.name, *(f"{n:,}" for n in (*counts, stats["logins"], bound))]
            if before and after:
                for what in after.excess(before):
                    self._problem(f"{caller.name}: more {what} at the end than after the warm-up")
                row.append(f"{before.rss_kib / 1024:.1f} → {after.rss_kib / 1024:.1f}")
                row += [f"{was:.0f} → {now:.0f}" for was, now in zip(before[1:], after[1:])]
            else:  # it ended early, which has been told
                row += ["", "", ""]
            rows.append(row)
        head = ("language", "servers", "calls", "failures", "excused", "told 500", "replays", "logins", "bound")
        print()
        _table((*head, "RSS in MiB", "threads", "files"), rows)
        for cluster in self.clusters:
            faults, logins = len(cluster.faults), cluster.logins()
            bound = sum(caller.bound() for caller in cluster.callers)
            print(f"{cluster.name}: {faults} faults; {logins:,} logins counted by the servers, bound {bound:,}")
            if logins > bound:
                self._problem(f"{cluster.name}: more logins than that")

    def _progress(self) -> None:
        calls, failures, excused = (
            sum(getattr(caller, what) for caller in self.callers) for what in ("calls", "failures", "excused")
        )
        logins = sum(caller.logins for caller in self.callers)
        bound = sum(caller.bound() for caller in self.callers)
        faults = sum(len(cluster.faults) for cluster in self.clusters)
        self._say(
            f"{calls:,} calls, {failures:,} failures, {excused:,} excused; {faults} faults; "
            f"{logins:,} logins, bound {bound:,}"
        )

    def _failed(self, caller: Caller, what: str) -> None:
        self._said += 1
        if self._said <= SHOWN:
            self._say(f"FAILURE of {caller.name}: {what}; {caller.cluster.last_faults()}")

    def _problem(self, what: str) -> None:
        self.problems += 1
        self._say(f"FAILURE: {what}")

    def _say(self, what: str) -> None:
        with self._saying:
            print(f"{time.monotonic() - self._began:6.1f} s  {what}", flush=True)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    for row in (head, *rows):
        cells = [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells))


def main() -> int:
    parser = argparse.ArgumentParser(description="Soak test of all languages. NACOS_SHIMS names the file of the shims.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    arguments = parser.parse_args()
    shims = []
    for language, command, reason in listed(Path(os.environ["NACOS_SHIMS"])):
        if command:
            shims.append((language, command))
        else:
            print(f"NO {language} SHIM: {reason}")
    if not shims:
        print("no shim to test", file=sys.stderr)
        return 2
    print(f"seed {arguments.seed}, {arguments.minutes:g} minutes, {', '.join(language for language, _ in shims)}")
    with ExitStack() as held:
        soak = Soak(shims, arguments.seed, held)
        soak.run(arguments.minutes * 60)
        passed = soak.passed()
    if passed:
        print("PASSED")
        return 0
    again = ["make", "soak", f"MINUTES={arguments.minutes:g}", f"SEED={arguments.seed}"]
    print(f"FAILED with seed {arguments.seed}; the same faults again: {shlex.join(again)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
