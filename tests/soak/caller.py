"""One shim at work on one cluster: rounds of calls without end, each call accounted for."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import final

import vitals
from cluster import TTL, Cluster
from handle import READ, Handle, tally
from shim import Shim
from vitals import Vitals

THREADS, EACH = 4, 5
LONGEST_ERROR = 1000  # a runtime that dies has much to say
PATIENCE = EACH * 15.0 + 30  # the longest round: every call to its deadline
SAMPLE_EVERY = 4  # rounds; about a second
# The library renews a token that lives 3 s when it is 1.5 s old (src/lifecycle/window.rs), and while the token cache
# hands out the old one again, it asks once a second.
RENEWAL, BETWEEN_ATTEMPTS = TTL / 2, 1.0

Report = Callable[["Caller", str], None]


@final
class Caller:
    """A running shim and its thread. `report` gets every failure, as it happens."""

    def __init__(self, language: str, command: str, cluster: Cluster, report: Report) -> None:
        self.name = f"{language} on {cluster.name}"
        self.language = language
        self.cluster = cluster
        self.between_rounds = threading.Lock()  # held during a round
        self.calls = self.failures = self.excused = self.answers_500 = 0
        self.stats: Mapping[str, int] = {"logins": 0, "replays": 0}
        self._wrong_before: set[str] = set()
        self.samples: list[tuple[float, Vitals]] = []
        self.well_at = 0.0
        self.lives = True
        self._report = report
        self._ending = threading.Event()
        self._began = time.monotonic()
        self._shim = Shim(language, command)
        try:
            self.handle = self._open("main")
        except BaseException:
            self._shim.kill()
            raise
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """End the rounds and the shim. It must leave in good order and have told no secret."""
        self._ending.set()
        self._thread.join()
        if self.lives:
            try:
                self._shim.end()
            except AssertionError as error:
                self.fail(f"at its end: {error}")

    def kill(self) -> None:
        """Whatever it does. Harmless when it has ended."""
        self._shim.kill()

    @property
    def logins(self) -> int:
        return self.stats["logins"]

    def bound(self) -> int:
        """How many logins the lives of the tokens account for, and one more for each fault: most end a token early."""
        cached = self.cluster.cached_seconds()
        plain = time.monotonic() - self._began - cached
        return 1 + round(plain / RENEWAL + cached / BETWEEN_ATTEMPTS) + len(self.cluster.faults)

    def vitals(self, since: float, until: float) -> Vitals | None:
        """The medians over that time, if it lived."""
        samples = [sample for at, sample in self.samples if since <= at <= until]
        return vitals.median(samples) if samples else None

    def fail(self, what: str) -> None:
        self.failures += 1
        self._report(self, what)

    def _open(self, name: str) -> Handle:
        return Handle.open(self._shim, self.cluster.address, password=self.cluster.password, name=name)

    def _run(self) -> None:
        rounds = itertools.cycle((self._one_after_the_other, self._side_by_side, self._tokens, self._guest))
        try:
            for number, one_round in enumerate(rounds):
                with self.between_rounds:
                    began = time.monotonic()
                    errors, http = one_round()
                    if self._account(errors, http, began):
                        self.well_at = began
                    self.stats = self.handle.stats()
                if number % SAMPLE_EVERY == 0:
                    # No call is under way, and Shim does not tell its process.
                    self.samples.append((time.monotonic(), vitals.of(self._shim._process.pid)))
                if self._ending.wait(0.05):
                    return
        except (AssertionError, OSError) as error:
            self.lives = False
            self.fail(f"the shim: {str(error)[:LONGEST_ERROR]}")

    def _account(self, errors: Mapping[str, int], http: Mapping[str, int], began: float) -> bool:
        """True if nothing failed, excused or not. A 500 that a server was told to answer is an answer."""
        ended = time.monotonic()
        self.calls += sum(errors.values()) + sum(http.values())
        answers_500 = http.get("500", 0)
        self.answers_500 += answers_500
        surplus = self.cluster.surplus_500(answers_500)
        wrong = {f"HTTP {status}": times for status, times in http.items() if status not in {"200", "500"}}
        if surplus:
            wrong["HTTP 500 that no server was told to answer"] = surplus
        for status, times in errors.items():
            if self.cluster.excuses(self.name, status, began, ended):
                self.excused += times
            else:
                wrong[status] = times
        self.failures += sum(wrong.values())
        if not wrong.keys() <= self._wrong_before:  # else it goes on
            after = self.handle.ask("get_token", patience=PATIENCE, timeout_ms=1000)
            now = "a token is there" if after["ok"] else after["message"]
            what = ", ".join(f"{times} times {status}" for status, times in wrong.items())
            self._report(self, f"{what}, in a round of {ended - began:.1f} s; now: {now}")
        self._wrong_before = set(wrong)
        return not wrong and not errors

    # The rounds. Each gives what failed, by status, and what was answered, by HTTP status.

    def _one_after_the_other(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        self.handle.start_reads(0.2, interval_ms=10)
        done = self.handle.end_reads(patience=PATIENCE)
        return done.errors, done.http

    def _side_by_side(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        self.handle.start_parallel_reads(THREADS, EACH)
        done = self.handle.end_reads(patience=PATIENCE)
        return done.errors, done.http

    def _tokens(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        do = {"op": "get_token", "auth": self.handle.name}
        done = tally(self._shim.ask("parallel", threads=THREADS, each=EACH, do=do, patience=PATIENCE))
        return done.errors, {"200": done.ok}

    def _guest(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """A handle that comes, shares the token, and goes."""
        guest = self._open("guest")
        answer = guest.ask("request", patience=PATIENCE, **READ)
        assert guest.ask("free") == {"ok": True}
        if answer["ok"]:
            return {}, Counter([str(answer["http_status"])])
        return Counter([answer["status"]]), {}
