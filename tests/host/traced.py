"""The program `traced` runs under strace: no thread of the caller may write to a socket in a way that raises SIGPIPE.

What is checked is what the system was asked for, so that it holds where the connection did not break just then.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

CALLS = "write,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice"
LINE = re.compile(r"^(\d+) +(\w+)\((\d+)<(TCP|TCPv6|UNIX[^:]*|socket):.*")


def prefix(program: str, folder: Path) -> list[str] | None:
    """What to put before the command; None if it cannot be traced here."""
    if program != "traced":
        return []
    if shutil.which("strace") is None:
        return None
    if subprocess.run(["strace", "-o", str(folder / "probe"), "true"], capture_output=True, check=False).returncode:
        return None
    return ["strace", "-f", "-yy", "-s", "0", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(folder / "trace")]


def problem(program: str, folder: Path) -> str:
    if program != "traced":
        return ""
    lines = (folder / "trace").read_text(errors="replace").splitlines()
    # The tests make no thread, so that the caller's is the first of the process.
    caller = (folder / "caller").read_text(encoding="utf-8")
    calls = [
        match for line in lines if (match := LINE.match(line)) and match[4].startswith("TCP") and match[1] == caller
    ]
    if not calls:
        return "set-up: nothing was sent by the caller's thread"
    bad = [match[0] for match in calls if "MSG_NOSIGNAL" not in match[0]]
    if bad:
        return f"{len(bad)} of {len(calls)} calls that send may raise SIGPIPE on the caller's thread: {bad[0][:120]}"
    return ""
