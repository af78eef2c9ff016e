"""Runs `nacos-devserver`, the Nacos look-alike, for one test."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]


def _binary() -> str:
    override = os.environ.get("NACOS_DEVSERVER")
    if override:
        return override
    built = [REPOSITORY / "target" / kind / "nacos-devserver" for kind in ("release", "debug")]
    existing = [path for path in built if path.exists()]
    if not existing:
        raise FileNotFoundError("no nacos-devserver: run `cargo build --package devserver`")
    return str(max(existing, key=lambda path: path.stat().st_mtime))


class DevServer:
    """The running server. It ends when its standard input closes, so also when the test run is killed."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [_binary(), "--stdin", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.address: str = ready["address"]
        self._control: str = ready["control"]

    def counts(self) -> dict[str, Any]:
        return self._call("GET", "/counts")

    def control(self, path: str, **fields: Any) -> None:
        """POST one of the controls: secret, password, faults, ..."""
        self._call("POST", path, fields)

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def status_with(self, token: str) -> int:
        """HTTP status of reading a configuration with this token over an HTTP client that is not ours."""
        return self.answer_to(token)[0]

    def answer_to(self, token: str) -> tuple[int, bytes]:
        url = f"http://{self.address}/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def _call(self, method: str, path: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if fields is None else json.dumps(fields).encode()
        request = urllib.request.Request(f"http://{self._control}{path}", body, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            result: dict[str, Any] = json.load(answer)
        return result

    def __enter__(self) -> DevServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)  # closes its standard input
