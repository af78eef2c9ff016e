"""The example programs, run as a user would run them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import final

from shim import ROOT

DONE = re.compile(r"^done requests=(\d+) tokens=(\d+) replays=(\d+) failures=(\d+)$")


@dataclass(frozen=True)
class Report:
    """How a program ended."""

    output: str
    status: int
    requests: int
    tokens: int
    replays: int
    failures: int


def built() -> dict[str, tuple[str, str]]:
    """Builds them all, once; by language the command, and where that is empty the reason."""
    if "NACOS_EXAMPLES" not in os.environ:  # set by the process that started this one
        subprocess.run(["make", "-s", "prefix"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        made = subprocess.run(["examples/build.sh"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        os.environ["NACOS_EXAMPLES"] = made.stdout
    programs = {}
    for line in os.environ["NACOS_EXAMPLES"].splitlines():
        language, command, reason = [*line.split("\t"), "", ""][:3]
        programs[language] = (command, reason)
    return programs


@final
class Example:
    """One running example program."""

    def __init__(self, command: str, seconds: float, server_addr: str, username: str, password: str) -> None:
        settings = {"NACOS_SERVER_ADDR": server_addr, "NACOS_USERNAME": username, "NACOS_PASSWORD": password}
        self._process = subprocess.Popen(
            [*shlex.split(command), str(seconds)],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def report(self, patience: float) -> Report:
        """Wait for its end."""
        try:
            output, _ = self._process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, _ = self._process.communicate()
            raise AssertionError(f"did not end:\n{output}") from None
        done = DONE.match(output.splitlines()[-1] if output else "")
        assert done, f"the last line is not as promised:\n{output}"
        return Report(output, self._process.returncode, *map(int, done.groups()))

    def kill(self) -> None:
        """End it at once. Harmless when it has ended."""
        self._process.kill()
        self._process.communicate()
