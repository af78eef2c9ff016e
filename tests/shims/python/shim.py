"""The conformance shim of the Python binding: one JSON object a line in, one out, through the public API alone."""

from __future__ import annotations

import base64
import binascii
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

import nacos_auth
from nacos_auth import Client, NacosError, Response, Token

if TYPE_CHECKING:
    from nacos_auth import AsyncClient

Kind = TypeVar("Kind", Client, "AsyncClient")
Fields = dict[str, Any]
Answer = dict[str, Any]

PAIRS = "list of [name, value]"
REQUIRED: dict[str, dict[str, Any]] = {
    "hello": {},
    "init": {"auth": str, "server_addr": str},
    "get_token": {"auth": str},
    "request": {"auth": str, "method": str, "path": str},
    "report_rejected": {"auth": str, "generation": int, "http_status": int, "body": str},
    "set_credentials": {"auth": str, "username": str, "password": str},
    "stats": {"auth": str},
    "parallel": {"threads": int, "each": int, "do": dict},
    "loop": {"duration_ms": int, "interval_ms": int, "do": dict},
    "close": {"auth": str},
    "free": {"auth": str},
}
# The words of the grammar, where they are not those of the package.
TOKEN_IN: dict[str, Literal["authorization", "header", "query"]] = {
    "bearer": "authorization",
    "header": "header",
    "query": "query",
}
STATES = {"credentials_rejected": "latched"}
COUNTERS = {
    "suppressed_by_pause": "held_back_pause",
    "suppressed_by_rejection": "held_back_latch",
    "suppressed_by_generation": "held_back_generation",
}
INIT_TEXTS = (
    "username",
    "password",
    "context_path",
    "ca_file",
    "client_cert_file",
    "client_key_file",
    "proxy",
)
OPTIONAL: dict[str, dict[str, Any]] = {
    "init": {
        **dict.fromkeys(INIT_TEXTS, str),
        "carriage": tuple(TOKEN_IN),
        "connect_timeout_ms": int,
        "request_timeout_ms": int,
    },
    "get_token": {"timeout_ms": int, "reveal": bool},
    "request": {
        **dict.fromkeys(("query", "headers", "form"), PAIRS),
        "body": str,
        "body_base64": str,
        "timeout_ms": int,
    },
}


class ShimError(Exception):
    """The line, not the library, is at fault."""


class State(Generic[Kind]):
    """The handles, and what waits for nothing."""

    def __init__(self, language: str, kind: type[Kind]) -> None:
        self._language = language
        self._kind: type[Kind] = kind
        self._clients: dict[str, Kind] = {}

    def at_once(self, fields: Fields) -> Answer:
        answer: Answer = getattr(self, f"_{fields['op']}")(fields)
        return {"ok": True, **answer}

    def client(self, fields: Fields) -> Kind:
        try:
            return self._clients[fields["auth"]]
        except KeyError:
            raise ShimError(f"unknown handle {fields['auth']!r}") from None

    def _hello(self, fields: Fields) -> Answer:
        return {"language": self._language, "version": nacos_auth.library_version(), "abi": nacos_auth.ABI_VERSION}

    def _init(self, fields: Fields) -> Answer:
        if fields["auth"] in self._clients:
            raise ShimError(f"handle {fields['auth']!r} is in use")
        options = {name: fields[name] for name in INIT_TEXTS[2:] if name in fields}
        if "carriage" in fields:
            options["token_in"] = TOKEN_IN[fields["carriage"]]
        self._clients[fields["auth"]] = self._kind(
            fields["server_addr"],
            fields.get("username"),
            fields.get("password"),
            connect_timeout=seconds(fields, "connect_timeout_ms"),
            request_timeout=seconds(fields, "request_timeout_ms"),
            **options,
        )
        return {}

    def _report_rejected(self, fields: Fields) -> Answer:
        advised = self.client(fields).report_rejected(fields["generation"], fields["http_status"], fields["body"])
        return {"advice": advised.advice.name.lower()}

    def _set_credentials(self, fields: Fields) -> Answer:
        self.client(fields).set_credentials(fields["username"], fields["password"])
        return {}

    def _stats(self, fields: Fields) -> Answer:
        counters = self.client(fields).stats()._asdict()
        for name in ("remaining", "retry_in"):
            counters[f"{name}_ms"] = round(counters.pop(name) * 1000)
        counters["refresh_state"] = STATES.get(counters["refresh_state"], counters["refresh_state"])
        return {COUNTERS.get(name, name): value for name, value in counters.items()}

    def closed(self, fields: Fields) -> Answer:
        if fields["op"] == "free":
            del self._clients[fields["auth"]]  # the last reference frees it
        return {"ok": True}

    def check_do(self, do: Fields) -> None:
        """What is inside of another operation."""
        check(do)
        if do["op"] in {"parallel", "loop"}:
            raise ShimError(f"{do['op']} inside another")
        if "auth" in do and do["op"] != "init":
            self.client(do)


class Shim(State[Client]):
    def __init__(self) -> None:
        super().__init__("python", Client)

    def answer(self, line: bytes) -> Answer:
        try:
            return self._do(parse(line))[0]
        except NacosError as error:
            return failure(error)
        except ShimError as error:
            return {"ok": False, "status": "SHIM", "message": str(error)}

    def _do(self, fields: Fields) -> tuple[Answer, int]:
        """The answer, and the generation of the token it was got with (0: none)."""
        operations: dict[str, Callable[[Fields], tuple[Answer, int]]] = {
            "get_token": self._get_token,
            "request": self._request,
            "parallel": self._parallel,
            "loop": self._loop,
            "close": self._close,
            "free": self._close,
        }
        op = fields["op"]
        return operations[op](fields) if op in operations else (self.at_once(fields), 0)

    def _get_token(self, fields: Fields) -> tuple[Answer, int]:
        client, timeout = self.client(fields), seconds(fields, "timeout_ms")
        token = client.token(timeout)  # the cached way, which is the one to test
        info = client.token_info(timeout)
        if info.value != token:  # renewed in between: then the cached way must give the new one
            token = client.token(timeout)
            info = client.token_info(timeout)
        return token_answer(fields, token, info)

    def _request(self, fields: Fields) -> tuple[Answer, int]:
        return response_answer(self.client(fields).request(**request_arguments(fields)))

    def _parallel(self, fields: Fields) -> tuple[Answer, int]:
        tally, do = Tally(), fields["do"]
        self.check_do(do)

        def one_thread(_: int) -> None:
            for _ in range(fields["each"]):
                self._once(tally, do)

        with ThreadPoolExecutor(max(1, fields["threads"])) as threads:
            list(threads.map(one_thread, range(fields["threads"])))
        return tally.summary(), 0

    def _loop(self, fields: Fields) -> tuple[Answer, int]:
        tally, do = Tally(), fields["do"]
        self.check_do(do)
        start = due = time.monotonic()
        while time.monotonic() - start < fields["duration_ms"] / 1000:
            self._once(tally, do)
            due += fields["interval_ms"] / 1000
            time.sleep(max(0, due - time.monotonic()))
        return tally.summary(), 0

    def _once(self, tally: Tally, do: Fields) -> None:
        with tally.one():
            tally.note(*self._do(do))

    def _close(self, fields: Fields) -> tuple[Answer, int]:
        self.client(fields).close()
        return self.closed(fields), 0


class Tally:
    """Counts what many calls gave. Its lists are appended to by many threads, which needs no lock."""

    def __init__(self) -> None:
        self._statuses: list[str] = []
        self._http: list[int] = []
        self._generations: list[int] = []
        self._milliseconds: list[float] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Around a call: counts how it fails, and how long it takes."""
        start = time.perf_counter()
        try:
            yield
        except NacosError as error:
            self._statuses.append(error.status)
        except ShimError:
            self._statuses.append("SHIM")
        self._milliseconds.append((time.perf_counter() - start) * 1000)

    def note(self, answer: Answer, generation: int) -> None:
        if "http_status" in answer:
            self._http.append(answer["http_status"])
        if generation:
            self._generations.append(generation)

    def summary(self) -> Answer:
        times = sorted(self._milliseconds)
        return {
            "ok": len(times) - len(self._statuses),  # a count here
            "errors": Counter(self._statuses),
            "http": Counter(str(status) for status in self._http),
            "generations": len(set(self._generations)),
            "max_ms": percentile(times, 100),
            "p50_ms": percentile(times, 50),
            "p99_ms": percentile(times, 99),
        }


def token_answer(fields: Fields, token: str, info: Token) -> tuple[Answer, int]:
    if info.value != token:
        raise ShimError("token() gives another token than token_info()")
    answer: Answer = {
        "ok": True,
        "length": len(token),
        "generation": info.generation,
        "remaining_ms": round(info.remaining * 1000),
        "expired": info.expired,
    }
    if fields.get("reveal"):
        answer["token"] = token
    return answer, info.generation


def request_arguments(fields: Fields) -> dict[str, Any]:
    return {
        "method": fields["method"],
        "path": fields["path"],
        "params": fields.get("query"),
        "headers": fields.get("headers"),
        "data": fields.get("form"),
        "body": request_body(fields),
        "timeout": seconds(fields, "timeout_ms"),
    }


def response_answer(response: Response) -> tuple[Answer, int]:
    answer: Answer = {
        "ok": True,
        "http_status": response.status,
        "headers": response.headers.multi_items(),
        "replayed": response.replays > 0,
    }
    try:
        answer["body"] = response.content.decode()
    except UnicodeDecodeError:
        answer["body_base64"] = base64.b64encode(response.content).decode()
    return answer, response.generation


def percentile(ordered: list[float], percent: int) -> float:
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 3) if ordered else 0  # nearest rank


def failure(error: NacosError) -> Answer:
    return {
        "ok": False,
        "status": error.status,
        "http_status": error.http_status or 0,
        "retryable": error.retryable,
        "retry_after_ms": round((error.retry_after or 0) * 1000),
        "message": str(error),
    }


def parse(line: bytes) -> Fields:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise ShimError(f"not JSON: {error}") from None
    check(fields)
    return cast("Fields", fields)


def check(fields: Any) -> None:
    """Raises ShimError unless the fields are exactly those of the operation, of the right types."""
    if not isinstance(fields, dict):
        raise ShimError("a line must be a JSON object")
    op = fields.get("op")
    if not isinstance(op, str) or op not in REQUIRED:
        raise ShimError(f"unknown op {op!r}")
    required, optional = REQUIRED[op], OPTIONAL.get(op, {})
    for name in required:
        if name not in fields:
            raise ShimError(f"{op}: field {name!r} is missing")
    for name, value in fields.items():
        if name == "op":
            continue
        kind = required.get(name) or optional.get(name)
        if kind is None:
            raise ShimError(f"{op}: unknown field {name!r}")
        if not is_a(value, kind):
            raise ShimError(f"{op}: field {name!r} has a wrong value")


def is_a(value: Any, kind: Any) -> bool:
    if kind == PAIRS:
        return isinstance(value, list) and all(
            isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in value
        )
    if isinstance(kind, tuple):
        return value in kind
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, kind)


def seconds(fields: Fields, name: str) -> float | None:
    """Milliseconds as seconds; 0 is the default, as in the C interface."""
    return fields.get(name, 0) / 1000 or None


def request_body(fields: Fields) -> bytes | str | None:
    if "body_base64" not in fields:
        return fields.get("body")
    try:
        return base64.b64decode(fields["body_base64"], validate=True)
    except binascii.Error:
        raise ShimError("request: body_base64 is not Base64") from None


def main() -> None:
    shim = Shim()
    for line in sys.stdin.buffer:
        print(json.dumps(shim.answer(line)), flush=True)


if __name__ == "__main__":
    main()
