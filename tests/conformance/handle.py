"""One handle of a shim: a client of one server, as the tests use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from shim import PATIENCE, Answer, Shim

USER = "alice"
PASSWORD = "hunter2 +%&=$@;"  # what a form has to escape
WRONG = "hunter3 -is- wrong"
DATA_ID = "demo"
READ: dict[str, Any] = {
    "method": "GET",
    "path": "/v1/cs/configs",
    "query": [["dataId", DATA_ID], ["group", "DEFAULT_GROUP"]],
}
# The same where v1 is gone.
READ_V3: dict[str, Any] = {
    "method": "GET",
    "path": "/v3/client/cs/config",
    "query": [["dataId", DATA_ID], ["groupName", "DEFAULT_GROUP"]],
}


def read_of(generation: str) -> dict[str, Any]:
    """How that generation of the devserver is asked for the configuration."""
    return READ_V3 if generation in ("3.2", "3.3") else READ


@dataclass(frozen=True)
class Tally:
    """What `parallel` and `loop` answer; times in milliseconds."""

    ok: int
    errors: dict[str, int]
    http: dict[str, int]
    generations: int
    max_ms: float
    p50_ms: float
    p99_ms: float

    @property
    def calls(self) -> int:
        return self.ok + sum(self.errors.values())

    def assert_all_read(self) -> None:
        """Every call was a request, and every one was answered 200."""
        assert self.ok > 0, self
        assert self.errors == {}, self
        assert self.http == {"200": self.ok}, self


def tally(answer: Answer) -> Tally:
    """Reads a summary. `ok` is the count there; a failed line has a status instead."""
    assert "status" not in answer, answer
    return Tally(**answer)


@final
class Handle:
    """A handle by its name in the shim."""

    def __init__(self, shim: Shim, name: str, reads: dict[str, Any]) -> None:
        self.shim = shim
        self.name = name
        self._reads = reads

    @classmethod
    def open(
        cls, shim: Shim, server_addr: str, username: str = USER, password: str = PASSWORD, **fields: Any
    ) -> Handle:
        """init, with a user that every devserver of these tests knows; the password must never be seen again.

        `reads`: the request that reads the configuration, READ unless it is given.
        """
        name = fields.pop("name", "main")
        reads = fields.pop("reads", READ)
        shim.hide([password])
        answer = shim.ask("init", auth=name, server_addr=server_addr, username=username, password=password, **fields)
        assert answer == {"ok": True}
        return cls(shim, name, reads)

    def ask(self, op: str, *, patience: float = PATIENCE, **fields: Any) -> Answer:
        return self.shim.ask(op, patience=patience, auth=self.name, **fields)

    def get_token(self, **fields: Any) -> Answer:
        """A token; it must be had."""
        answer = self.ask("get_token", **fields)
        assert answer["ok"] is True, answer
        return answer

    def read(self, **fields: Any) -> Answer:
        """The answer to reading the configuration; there must be one, of any status."""
        answer = self.ask("request", **self._reads, **fields)
        assert answer["ok"] is True, answer
        return answer

    def fail(self, op: str, status: str, **fields: Any) -> Answer:
        """A call that must fail with this status."""
        answer = self.ask(op, **fields)
        assert answer["ok"] is False, answer
        assert answer["status"] == status, answer
        assert answer["message"]
        return answer

    def set_credentials(self, username: str, password: str) -> None:
        self.shim.hide([password])
        assert self.ask("set_credentials", username=username, password=password) == {"ok": True}

    def stats(self) -> Mapping[str, int]:
        answer = self.ask("stats")
        assert answer["ok"] is True, answer
        return answer

    def parallel(self, threads: int, each: int, op: str = "get_token", **fields: Any) -> Tally:
        """The same call from many threads."""
        do = {"op": op, "auth": self.name, **fields}
        return tally(self.shim.ask("parallel", threads=threads, each=each, do=do, patience=2 * PATIENCE))

    def parallel_reads(self, threads: int, each: int, **fields: Any) -> Tally:
        return self.parallel(threads, each, "request", **self._reads, **fields)

    def start_reads(self, seconds: float, interval_ms: int = 20, **fields: Any) -> None:
        """Begin to read the configuration again and again; end_reads() waits for the end of that."""
        do = {"op": "request", "auth": self.name, **self._reads, **fields}
        self.shim.send({"op": "loop", "duration_ms": round(seconds * 1000), "interval_ms": interval_ms, "do": do})

    def start_parallel_reads(self, threads: int, each: int) -> None:
        """The same from many threads."""
        do = {"op": "request", "auth": self.name, **self._reads}
        self.shim.send({"op": "parallel", "threads": threads, "each": each, "do": do})

    def end_reads(self, patience: float = 2 * PATIENCE) -> Tally:
        return tally(self.shim.answer(patience))

    def reads(self, seconds: float, interval_ms: int = 20, **fields: Any) -> Tally:
        self.start_reads(seconds, interval_ms, **fields)
        return self.end_reads(seconds + PATIENCE)
