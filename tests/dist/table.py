"""The table of what was tried: table.py LOGS, as run.sh calls it. Exit status 1 if anything failed or nothing passed.

Each line of a log is "ok PACKAGE: HOW IT IS USED: WHAT WAS SEEN", or begins with "FAILED" or "skipped". A row of the
table is a package used in some way; one failure makes it a failed one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

Row = tuple[str, str, str]


def results(logs: Path) -> dict[Row, list[str]]:
    rows: dict[Row, list[str]] = {}
    for log in sorted(logs.glob("*.log")):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := re.match(r"(ok|FAILED|skipped) +(\S.*)", line):
                words = [*match[2].split(": ", 2), ""]
                rows.setdefault((log.stem, words[0], words[1]), []).append(match[1])
    return rows


def verdict(seen: list[str]) -> str:
    if "FAILED" in seen:
        return f"FAILED ({seen.count('FAILED')} of {len(seen)})"
    return f"passed ({seen.count('ok')})" if "ok" in seen else "not tried"


def main(logs: Path) -> int:
    rows = results(logs)
    table = [("part", "package", "how it is used", "result"), *((*row, verdict(seen)) for row, seen in rows.items())]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    print()
    for line in table:
        print(*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[3], sep="  ")
    every = [mark for seen in rows.values() for mark in seen]
    print(f"{every.count('ok')} passed, {every.count('FAILED')} failed, {every.count('skipped')} skipped")
    return 1 if "FAILED" in every or "ok" not in every else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
