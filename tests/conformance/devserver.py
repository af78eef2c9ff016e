"""The devserver, and its control API."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, final

BINARY = Path(__file__).resolve().parents[2] / "target" / "debug" / "nacos-devserver"


@final
class DevServer:
    """One devserver process. The binary: NACOS_DEVSERVER, or cargo's debug build."""

    def __init__(self, **options: Any) -> None:
        """Start it; options as on its command line (`token_cache=True` is --token-cache)."""
        binary = os.environ.get("NACOS_DEVSERVER") or str(BINARY)
        arguments = []
        for name, value in options.items():
            arguments.append("--" + name.replace("_", "-"))
            if value is not True:
                arguments.append(str(value))
        try:
            # The end of its standard input ends it, also when the tests are killed.
            self._process = subprocess.Popen(
                [binary, "--stdin", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except FileNotFoundError:
            raise FileNotFoundError(f"no {binary}: run `cargo build --package devserver`") from None
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        if not ready:
            raise RuntimeError(f"{binary} ended with {self._process.wait()} before it was ready")
        self.address: str = json.loads(ready)["address"]
        self._control: str = json.loads(ready)["control"]

    def stop(self) -> None:
        """End it. Harmless when done before."""
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def counts(self) -> dict[str, Any]:
        """What it has counted since its start or reset_counts()."""
        return self._call("GET", "/counts")

    def logins(self) -> int:
        """Logins that brought a token."""
        return int(self.counts()["logins"])

    def failed_logins(self) -> int:
        """Logins that did not; asking for a login path that this generation lacks is none."""
        return int(self.counts()["login_failures"])

    def reset_counts(self) -> None:
        self._call("POST", "/counts/reset")

    def rotate_secret(self, secret: str | None = None) -> None:
        """Tokens given out before are refused from now on. The new secret: Base64, or a random one."""
        self._call("POST", "/secret", **({} if secret is None else {"secret": secret}))

    def revoke(self) -> None:
        """The same, without a new secret."""
        self._call("POST", "/revoke")

    def restart(self, *, down_ms: int = 0, warm_up_ms: int = 0) -> None:
        """Cut every connection, refuse new ones for a while, then know no users for a while."""
        self._call("POST", "/restart", down_ms=down_ms, warm_up_ms=warm_up_ms)

    def upgrade(self, generation: str) -> None:
        """Cut every connection, and go on as another generation with the same users, configurations and secret."""
        self._call("POST", "/generation", generation=generation)
        self.restart()

    def set_user(self, username: str, password: str, *, permitted: bool = True) -> None:
        self._call("POST", "/user", username=username, password=password, permitted=permitted)

    def set_password(self, username: str, password: str) -> None:
        self._call("POST", "/password", username=username, password=password)

    def set_auth(self, enabled: bool) -> None:
        self._call("POST", "/auth", enabled=enabled)

    def fault(self, on: str, kind: str, **fields: Any) -> None:
        """From now on (or `times` times) misbehave on "login", "request" or "all"."""
        self._call("POST", "/faults", on=on, kind=kind, **fields)

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def _call(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://{self._control}{path}",
            json.dumps(fields).encode() if method == "POST" else None,
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: dict[str, Any] = json.load(answer)
        return data
