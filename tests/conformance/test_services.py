"""What programs do beside reading: listen for changes, and keep their instances alive."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from conftest import Serve
from handle import Handle
from shim import Shim

MD5 = "5d41402abc4b2a76b9719d911017c592"  # of what the configuration holds
INSTANCE = [["serviceName", "DEFAULT_GROUP@@s"], ["ip", "10.0.0.1"], ["port", "80"]]


def _listening(md5: str, wait_ms: int) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/v1/cs/configs/listener",
        "headers": [["Long-Pulling-Timeout", str(wait_ms)]],
        "form": [["Listening-Configs", f"demo\x02DEFAULT_GROUP\x02{md5}\x01"]],
    }


@pytest.mark.parametrize("generation", ["1.4", "2.x", "3.x", "rnacos"])
def test_a_listener_is_told_of_changes(shim: Shim, serve: Serve, generation: str) -> None:
    server = serve(generation=generation)
    handle = Handle.open(shim, server.address)
    answer = handle.ask("request", **_listening("old", 30_000))
    assert (answer["http_status"], answer["body"]) == (200, "demo%02DEFAULT_GROUP%01\n")
    began = time.monotonic()
    answer = handle.ask("request", **_listening(MD5, 600))
    assert (answer["http_status"], answer["body"]) == (200, "")
    assert time.monotonic() - began >= 0.6
    # Half a dozen wait, and are waked by one change.
    server.reset_counts()
    do = {"op": "request", "auth": handle.name, **_listening(MD5, 60_000)}
    shim.send({"op": "parallel", "threads": 6, "each": 1, "do": do})
    while server.counts()["requests"] < 6:
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    server.publish("demo", "changed")
    tally = handle.end_reads()
    assert (tally.ok, tally.http) == (6, {"200": 6})
    assert time.monotonic() - began < 60


def test_a_listener_whose_token_is_refused(shim: Shim, serve: Serve) -> None:
    server = serve()
    handle = Handle.open(shim, server.address)
    handle.get_token()
    server.revoke()
    answer = handle.ask("request", **_listening("old", 30_000))
    assert (answer["http_status"], answer["replayed"]) == (200, True)
    assert server.logins() == 2


@pytest.mark.parametrize(
    ("generation", "path"),
    [("1.4", "/v1/ns/instance"), ("2.x", "/v1/ns/instance"), ("2.x", "/v2/ns/instance"), ("rnacos", "/v1/ns/instance")],
)
def test_heart_beats(shim: Shim, serve: Serve, generation: str, path: str) -> None:
    server = serve(generation=generation)
    handle = Handle.open(shim, server.address)
    beat: dict[str, Any] = {"method": "PUT", "path": f"{path}/beat", "form": INSTANCE}
    assert _code(handle, beat) == 20404
    assert handle.ask("request", method="POST", path=path, form=INSTANCE)["http_status"] == 200
    for _ in range(3):
        server.revoke()
        assert _code(handle, beat) == 10200
    assert server.logins() == 4


@pytest.mark.parametrize("generation", ["3.x", "3.2", "3.3"])
def test_heart_beats_of_v3(shim: Shim, serve: Serve, generation: str) -> None:
    server = serve(generation=generation)
    handle = Handle.open(shim, server.address)
    register: dict[str, Any] = {"method": "POST", "path": "/v3/client/ns/instance", "form": INSTANCE}
    beat: dict[str, Any] = {**register, "query": [["heartBeat", "true"]]}
    assert _code(handle, beat) == 21003
    assert _code(handle, register) == 0
    for _ in range(3):
        server.revoke()
        assert _code(handle, beat) == 0
    assert server.logins() == 4


def _code(handle: Handle, request: dict[str, Any]) -> int:
    answer = handle.ask("request", **request)
    assert answer.get("http_status") == 200, answer
    return int(json.loads(answer["body"])["code"])
