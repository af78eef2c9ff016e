#!/usr/bin/env python3
"""Makes tables of what the benchmarks measured.

table.py show ROWS           prints a table of the lines of JSON in ROWS, which one part of benches/run.sh wrote
table.py keep ROWS LATEST    puts their medians into LATEST, in place of what it had of that part
table.py docs LATEST PAGE    writes the tables of LATEST into PAGE, each between its two markers
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from pathlib import Path
from statistics import median
from typing import Any

Row = dict[str, Any]

# What the others of the same job and number of threads are compared with.
BASELINE = {
    "http": "libcurl",
    "https": "libcurl",
    "bodies": "libcurl",
    "layers": "bare engine",
    "cached": "call and memcpy",
}
BODY_MIB = 64


def spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def ratio(values: list[float], others: list[float]) -> float:
    """The median of the ratios within the rounds: whatever slows a round down, slows both."""
    return median(a / b for a, b in zip(values, others))


def summaries(path: Path) -> list[Row]:
    rows: list[Row] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    base = {(r["job"], r["threads"]): r for r in rows if "row" in r and r["row"] == BASELINE[r["part"]]}
    out: list[Row] = []
    for row in rows:
        if "fact" in row:
            out.append(row)
            continue
        beside = base[row["job"], row["threads"]]
        entry = {key: row[key] for key in ("part", "job", "row", "threads")}
        for unit in ("per_second", "cpu_us", "ns"):
            if unit in row:
                entry[unit] = {**spread(row[unit]), "ratio": ratio(row[unit], beside[unit])}
        entry["rounds"] = len(row["ns" if "ns" in row else "per_second"])
        out.append(entry)
    return out


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cell(values: dict[str, float], scale: float = 1) -> str:
    low, middle, high = (figure(values[key] * scale) for key in ("min", "median", "max"))
    return f"{middle} ({low}–{high})"


def columns(part: str) -> tuple[list[str], list[tuple[str, float]]]:
    """The heads, and unit and scale of each pair of columns."""
    beside = f"× {BASELINE[part]}"
    if part == "cached":
        return ["row", "threads", "ns per get", beside], [("ns", 1)]
    if part == "bodies":
        heads, scales = ("MiB/s", "CPU ms per body"), (BODY_MIB, 1e-3)
    else:
        heads, scales = ("requests/s", "CPU µs per request"), (1, 1)
    units = list(zip(("per_second", "cpu_us"), scales))
    return ["row", "threads", heads[0], beside, heads[1], beside], units


def table(part: str, rows: list[Row]) -> str:
    heads, units = columns(part)
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for row in (r for r in rows if "row" in r):
        name = row["row"] if part != "bodies" else f"{row['job']}, {row['row']}"
        cells = [name, str(row["threads"])]
        for unit, scale in units:
            cells += [cell(row[unit], scale), f"{row[unit]['ratio']:.2f}"]
        lines.append(cells)
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    facts = "\n".join(f"- {row['fact']}: {row['value']}" for row in rows if "fact" in row)
    rounds = max(row.get("rounds", 0) for row in rows)
    caption = f"Median (lowest–highest) of {rounds} rounds in turn."
    return "\n\n".join(block for block in (caption, text, facts) if block)


def machine() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    versions = os.environ.get("VERSIONS", "")
    return f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores{versions and '; '}{versions}"


def show(rows: Path) -> None:
    entries = summaries(rows)
    if entries:
        print(f"\n{table(entries[0]['part'], entries)}\n", flush=True)


def keep(rows: Path, latest: Path) -> None:
    entries = summaries(rows)
    if not entries:
        return
    kept = json.loads(latest.read_text(encoding="utf-8")) if latest.exists() else {"parts": {}}
    kept["parts"][entries[0]["part"]] = {"machine": machine(), "round_ms": int(os.environ["ROUND_MS"]), "rows": entries}
    latest.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def docs(latest: Path, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for part, content in json.loads(latest.read_text(encoding="utf-8"))["parts"].items():
        begin, end = f"<!-- bench {part} -->\n", "<!-- bench end -->"
        if begin not in text:
            sys.exit(f"{page} has no marker {begin.strip()}")
        head, rest = text.split(begin, 1)
        tail = rest.split(end, 1)[1]
        text = f"{head}{begin}{table(part, content['rows'])}\n\nOn {content['machine']}.\n{end}{tail}"
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> None:
    action, *paths = arguments or [""]
    if action == "show" and len(paths) == 1:
        show(Path(paths[0]))
    elif action == "keep" and len(paths) == 2:
        keep(Path(paths[0]), Path(paths[1]))
    elif action == "docs" and len(paths) == 2:
        docs(Path(paths[0]), Path(paths[1]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
