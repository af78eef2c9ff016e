"""A shim: a program that does what JSON lines ask for, through the public API of one language."""

from __future__ import annotations

import contextlib
import json
import queue
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, final

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds; how long an answer may take that waits for nothing in particular, on a busy machine

Answer = dict[str, Any]


@final
class Shim:
    """One running shim. Everything it says is kept, and looked through for secrets at its end."""

    def __init__(self, language: str, command: str) -> None:
        """Start it; `command` as a shell would read it, run at the top of the repository."""
        self.language = language
        self._hidden = ["eyJ"]  # what every JWT begins with
        self._said: list[str] = []
        self._ended = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by kill()
        self._process = subprocess.Popen(
            shlex.split(command), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on none of these may appear in an answer."""
        self._hidden.extend(secrets)

    def ask(self, op: str, *, patience: float = PATIENCE, **fields: Any) -> Answer:
        """The answer to one request."""
        self.send({"op": op, **fields})
        return self.answer(patience, reveals=bool(fields.get("reveal")))

    def send(self, request: object) -> None:
        """Send a request, and leave its answer for answer()."""
        self.send_line(json.dumps(request))

    def send_line(self, line: str) -> None:
        """Send any line, JSON or not."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, patience: float = PATIENCE, *, reveals: bool = False) -> Answer:
        """The next answer, in the order of the requests. reveals: it may show a token."""
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            self.kill()
            raise AssertionError(f"{self.language}: no answer within {patience:.0f} s") from None
        if not line:
            raise AssertionError(f"{self.language}: ended with {self._process.wait()}\n{self._stderr()}")
        answer = json.loads(line)
        assert isinstance(answer, dict), f"{self.language}: not an object: {line!r}"
        if not reveals:
            # Quoted again, so that no escaping hides anything.
            self._said.append(json.dumps(answer, ensure_ascii=False))
        return answer

    def end(self, patience: float = PATIENCE) -> float:
        """Close its input. It must end with 0 and without a word; seconds that took. Harmless when done before."""
        if self._ended:
            return 0.0
        self._ended = True
        began = time.monotonic()
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            status = self._process.wait(patience)
            took = time.monotonic() - began
            self._reader.join(patience)
            rest = self._lines.get(timeout=patience)
            noise = self._stderr()
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.language}: still runs {patience:.0f} s after the end of its input") from None
        finally:
            self.kill()
        assert status == 0, f"{self.language}: exit status {status}\n{noise}"
        assert not rest, f"{self.language}: an answer that nobody asked for: {rest!r}"
        assert not noise, f"{self.language}: wrote to standard error: {noise}"
        self._check_secrecy()
        return took

    def kill(self) -> None:
        """End it at once. Harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # what a dead process did not read
            self._process.stdin.close()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _stderr(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def _check_secrecy(self) -> None:
        for said in self._said:
            for secret in self._hidden:
                assert secret not in said, f"{self.language}: a secret in an answer: {said}"


def listed(file: Path) -> Sequence[tuple[str, str, str]]:
    """The shims that a file names, a line each: LANGUAGE<TAB>COMMAND, or LANGUAGE<TAB><TAB>why there is none."""
    shims = []
    for line in file.read_text(encoding="utf-8").splitlines():
        language, command, reason = [*line.split("\t"), "", ""][:3]
        if language.strip():
            shims.append((language, command, reason))
    return shims
