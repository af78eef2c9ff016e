"""The devserver as a test starts it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import final

from nacos_http import send

TARGET = Path(__file__).resolve().parents[2] / "target"


@final
class DevServer:
    """One devserver process, ended with the `with` block. The binary: NACOS_DEVSERVER, or cargo's debug build."""

    def __init__(self, generation: str, *, secret: str, ttl: int) -> None:
        """Prepare it; secret in Base64, ttl in seconds. FileNotFoundError if it was not built."""
        self.binary = Path(os.environ.get("NACOS_DEVSERVER") or TARGET / "debug" / "nacos-devserver")
        if not self.binary.exists():
            raise FileNotFoundError(f"{self.binary} is missing: cargo build -p devserver, or set NACOS_DEVSERVER")
        self._command = [str(self.binary), "--generation", generation, "--secret", secret, "--ttl", str(ttl), "--stdin"]
        self.address = ""

    def __enter__(self) -> DevServer:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        ready = self._process.stdout.readline()
        if not ready:
            raise RuntimeError(f"{self.binary} ended with {self._process.wait()} before it was ready")
        self.address = str(json.loads(ready)["address"])
        self._control = str(json.loads(ready)["control"])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # The end of its standard input ends it.
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def control(self, path: str, order: dict[str, object]) -> None:
        """Post an order to its control API. RuntimeError if it refuses."""
        headers = {"Content-Type": "application/json"}
        answer = send(self._control, "POST", path, headers, body=json.dumps(order))
        if answer.status != 200:
            raise RuntimeError(f"POST {path} of the control API: {answer.status} {answer.body[:200]}")
