"""Rounds in turn, as benches/c/turns.c has them: each contender has a fraction of a second, in shifting order."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = int(os.environ.get("ROUNDS", "15"))
SECONDS = int(os.environ.get("ROUND_MS", "350")) / 1000


@dataclass
class Contender:
    name: str
    # Does as much as it can until a moment of time.perf_counter; how much that was.
    run: Callable[[float], int]


@dataclass(frozen=True)
class Turn:
    done: int
    seconds: float
    cpu: float


MEASURES: dict[str, Callable[[Turn], float]] = {
    "requests/s": lambda t: t.done / t.seconds,
    "CPU µs": lambda t: t.cpu / t.done * 1e6,
    "ns": lambda t: t.cpu / t.done * 1e9,
}


def over_and_over(call: Callable[[], object]) -> Callable[[float], int]:
    """A contender's run that makes one call after the other."""

    def run(until: float) -> int:
        call()
        done = 1
        while time.perf_counter() < until:
            call()
            done += 1
        return done

    return run


def on_threads(count: int, open_one: Callable[[], Callable[[], object]]) -> Callable[[float], int]:
    """The same on several threads, each with a call of its own."""
    runs = [over_and_over(open_one()) for _ in range(count)]

    def run(until: float) -> int:
        done = [0] * count

        def work(i: int) -> None:
            done[i] = runs[i](until)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not all(done):
            raise SystemExit("a thread failed")
        return sum(done)

    return run if count > 1 else runs[0]


def take_turns(part: str, case: str, contenders: list[Contender], measures: tuple[str, ...]) -> None:
    seen: dict[str, list[Turn]] = {c.name: [] for c in contenders}
    for number in range(ROUNDS + 1):
        for step in range(len(contenders)):
            contender = contenders[(number + step) % len(contenders)]
            began, cpu = time.perf_counter(), time.process_time()
            done = contender.run(began + SECONDS)
            turn = Turn(done, time.perf_counter() - began, time.process_time() - cpu)
            seen[contender.name].append(turn)
    for name, turns in seen.items():  # the first round warmed up
        print_row(part, case, name, {m: [MEASURES[m](t) for t in turns[1:]] for m in measures})


def print_row(part: str, case: str, name: str, rounds: dict[str, list[float]]) -> None:
    rounded = {measure: [round(value, 3) for value in values] for measure, values in rounds.items()}
    print(json.dumps({"part": part, "case": case, "name": name, "rounds": rounded}, ensure_ascii=False), flush=True)
