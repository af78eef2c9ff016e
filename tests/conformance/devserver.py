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
        """Start it; options as on its command line (`token_cache=True` is --token-cache), lists for several of one.

        A fault may be given as its fields.
        """
        binary = os.environ.get("NACOS_DEVSERVER") or str(BINARY)
        arguments = []
        for name, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                arguments.append("--" + name.replace("_", "-"))
                if one is not True:
                    arguments.append(json.dumps(one) if isinstance(one, dict) else str(one))
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

    def login_attempts(self) -> dict[str, int]:
        """Requests to each login's URL, by its path, whatever came of them."""
        attempts: dict[str, int] = self.counts()["login_attempts"]
        return attempts

    def reset_counts(self) -> None:
        self._call("POST", "/counts/reset")

    def rotate_secret(self, secret: str | None = None, *, node: int | None = None) -> None:
        """Tokens given out before are refused from now on, by all nodes or one of them.

        The new secret: Base64, or a random one.
        """
        fields = {"secret": secret, "node": node}
        self._call("POST", "/secret", **{name: value for name, value in fields.items() if value is not None})

    def set_nodes(self, secrets: list[str], *, spread: str = "request") -> None:
        """Be a node for each secret behind the one address; a request or a connection goes to the next one."""
        self._call("POST", "/nodes", secrets=secrets, spread=spread)

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

    def set_token_delay(self, ms: int) -> None:
        """Refuse tokens that are given out from now on for so long."""
        self._call("POST", "/token-delay", ms=ms)

    def set_compatibility(self, enabled: bool) -> None:
        """Have 3.x's client API of v1, or answer it 410."""
        self._call("POST", "/compatibility", enabled=enabled)

    def set_anonymous_ai(self, enabled: bool) -> None:
        """Serve some reads of AI resources without credentials (3.2 and 3.3)."""
        self._call("POST", "/anonymous-ai", enabled=enabled)

    def set_gzip(self, mode: str) -> None:
        """Compress answers: "off", "accepted" (if the request asks for it) or "always"."""
        self._call("POST", "/gzip", mode=mode)

    def publish(self, data_id: str, content: str) -> None:
        """Publish into the group DEFAULT_GROUP of the default namespace."""
        self._call("POST", "/publish", data_id=data_id, content=content)

    def fault(self, on: str, kind: str, **fields: Any) -> None:
        """From now on (or `times` times, or `for_ms`) misbehave on "login", "request" or "all".

        `paths` and `except_` limit it to some paths; one that ends in `*` stands for all that begin so.
        """
        if "except_" in fields:
            fields["except"] = fields.pop("except_")
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
