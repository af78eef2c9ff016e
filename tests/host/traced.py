"""The program `traced` runs under strace: no thread of the caller may write to a socket in a way that raises SIGPIPE,
and a request over an idle connection asks the system for three things.

What is checked is what the system was asked for, so that it holds where the connection did not break just then.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

SENDING = "write,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice"
WAITING = (
    "read,readv,recvfrom,recvmsg,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,futex,nanosleep,clock_nanosleep"
)
MARK = "getppid"
LINE = re.compile(r"^(\d+) +(\w+)\((\d+)<(TCP|TCPv6|UNIX[^:]*|socket):.*")
# A look whether the server has closed the connection, the request, and the answer, for which the same call waits.
FOR_A_REQUEST = 3


def prefix(program: str, folder: Path) -> list[str] | None:
    """What to put before the command; None if it cannot be traced here."""
    if program != "traced":
        return []
    if shutil.which("strace") is None:
        return None
    if subprocess.run(["strace", "-o", str(folder / "probe"), "true"], capture_output=True, check=False).returncode:
        return None
    return [
        "strace",
        "-f",
        "-yy",
        "-s",
        "0",
        "-e",
        f"trace={SENDING},{WAITING},{MARK}",
        "-e",
        "signal=none",
        "-o",
        str(folder / "trace"),
    ]


def problem(program: str, folder: Path) -> str:
    if program != "traced":
        return ""
    lines = (folder / "trace").read_text(errors="replace").splitlines()
    # The tests make no thread, so that the caller's is the first of the process.
    caller = (folder / "caller").read_text(encoding="utf-8")
    calls = [
        match
        for line in lines
        if (match := LINE.match(line))
        and match[4].startswith("TCP")
        and match[1] == caller
        and match[2] in SENDING.split(",")
    ]
    if not calls:
        return "set-up: nothing was sent by the caller's thread"
    bad = [match[0] for match in calls if "MSG_NOSIGNAL" not in match[0]]
    if bad:
        return f"{len(bad)} of {len(calls)} calls that send may raise SIGPIPE on the caller's thread: {bad[0][:120]}"
    return too_many([line for line in lines if line.startswith(f"{caller} ") and " resumed>" not in line])


def too_many(lines: list[str]) -> str:
    """What is between two marks is for one request. The fewest count: an answer may come late."""
    marks = [at for at, line in enumerate(lines) if f" {MARK}(" in line]
    requests = [lines[begin + 1 : end] for begin, end in pairwise(marks)]
    fewest = min(requests, key=len, default=[])
    if requests and not fewest:
        return "set-up: a request without a system call"
    if len(fewest) > FOR_A_REQUEST:
        return f"a request makes {len(fewest)} system calls: " + "; ".join(line[:60] for line in fewest)
    return ""
