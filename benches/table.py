#!/usr/bin/env python3
"""Makes tables and plots of what the benchmarks measured.

table.py keep ROWS LATEST    puts ROWS, the lines of one part of benches/run.sh, into LATEST, in place of what it had
table.py show LATEST PART    prints the table of a part, or of the targets (PART is "targets")
table.py docs LATEST PAGE    writes all tables into PAGE, between their markers, and the plots into LATEST's folder
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

from targets import TARGETS, Target

Row = dict[str, Any]
Rows = list[Row]
Latest = dict[str, Any]

# What the others of the same case are compared with.
BASELINE = {
    "http": "libcurl",
    "https": "libcurl",
    "bodies": "libcurl",
    "async": "libcurl multi",
    "python": "pycurl",
    "asyncio": "aiohttp",
    "go": "net/http",
}
TITLES = {
    "http": "Requests over http",
    "https": "Requests over https",
    "bodies": "Bodies of 64 MiB",
    "async": "Asynchronous requests from C",
    "python": "Blocking requests from Python",
    "asyncio": "asyncio",
    "go": "Go",
    "cached": "A cached token",
    "polls": "Long polls",
    "handles": "Handles",
}


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def grouped(text: str) -> str:
    """As "10,000 polls" of "10000 polls"."""
    return re.sub(r"\d{4,}", lambda found: f"{int(found[0]):,}", text)


def cell(values: list[float] | None) -> str:
    if values is None:
        return "–"
    if len(values) == 1:
        return figure(values[0])
    return f"{figure(median(values))} ({figure(min(values))}–{figure(max(values))})"


def ratio(values: list[float], others: list[float]) -> float:
    """The median of the ratios within the rounds: whatever slows a round down, slows both."""
    return median(a / b if b else float("inf") for a, b in zip(values, others))


def find(latest: Latest, part: str, case: str, name: str) -> Row:
    rows: Rows = latest["parts"].get(part, {}).get("rows", [])
    return next((r["rounds"] for r in rows if r["case"] == case and r["name"] == name), {})


def markdown(lines: list[list[str]], right: int) -> str:
    """A table with its head, whose columns are numbers from `right` on."""
    head, *rest = lines
    rule = ["---" if i < right else "--:" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rest))


def table(latest: Latest, part: str) -> str:
    rows: Rows = latest["parts"][part]["rows"]
    baseline = BASELINE.get(part)
    # Cases that are measured alike stand in one table: most parts have one, a cached token several.
    tables: dict[tuple[str, ...], list[list[str]]] = {}
    for row in rows:
        measures = tuple(row["rounds"])
        beside = find(latest, part, row["case"], baseline or "")
        cells = [grouped(row["case"]), row["name"]]
        for measure in measures:
            cells.append(cell(row["rounds"][measure]))
            if measure in beside and baseline:
                cells.append(f"{ratio(row['rounds'][measure], beside[measure]):.2f}")
        heads = ["", ""]
        for measure in measures:
            heads += [measure, f"× {baseline}"] if baseline else [measure]
        tables.setdefault(measures, [heads]).append(cells)
    rounds = max(len(values) for row in rows for values in row["rounds"].values())
    caption = [f"Median (lowest–highest) of {rounds} rounds in turn."] if rounds > 1 else []
    return "\n\n".join(caption + [markdown(lines, 2) for lines in tables.values()])


def measured(latest: Latest, target: Target) -> tuple[float | None, list[float] | None, list[float] | None]:
    """What counts, what was measured, and what of the rival; None for what was not measured."""
    ours = find(latest, target.part, target.case, target.name).get(target.measure)
    rival = find(latest, target.part, target.rival_case or target.case, target.rival).get(target.measure)
    if target.test in ("<=", ">="):
        return (median(ours) if ours else None), ours, rival
    if not ours or not rival:
        return None, ours, rival
    return (ratio(rival, ours) if target.test == "times faster" else ratio(ours, rival)), ours, rival


def is_met(target: Target, value: float) -> bool:
    shown = round(value, 2)
    return shown <= target.bound if "<=" in target.test else shown >= target.bound


def verdict(latest: Latest, target: Target) -> str:
    value, _, _ = measured(latest, target)
    return "not measured" if value is None else "met" if is_met(target, value) else "**not met**"


def targets(latest: Latest) -> str:
    lines = [["measure", "", "rival", "rival's", "measured", "target", "ratio", ""]]
    wanted = [target for target in TARGETS if target.part in latest["parts"]]
    for target in wanted:
        value, ours, rival = measured(latest, target)
        is_ratio = target.test not in ("<=", ">=")
        sign = "≤" if "<=" in target.test else "≥"
        unit = " ×" if is_ratio else ""
        lines.append(
            [
                target.label,
                f"{grouped(target.case)}: {target.measure}",
                target.rival or "–",
                cell(rival and [median(rival)]),
                cell(ours and [median(ours)]),
                f"{sign} {figure(target.bound)}{unit}",
                f"{value:.2f} ×" if is_ratio and value is not None else "–",
                verdict(latest, target),
            ]
        )
    verdicts = [line[-1] for line in lines[1:]]
    count = f"{verdicts.count('met')} of {len(wanted)} targets met"
    missing = verdicts.count("not measured")
    runs = {content["run"] for content in latest["parts"].values()}
    whence = f"one run: {runs.pop()}" if len(runs) == 1 else f"{len(runs)} runs of parts"
    return f"{count}{f', {missing} not measured' if missing else ''}, in {whence}.\n\n{markdown(lines, 3)}"


# --- plots ---

WIDTH, LEFT, BAR = 860, 330, 16
OURS = {target.name for target in TARGETS}


def svg(title: str, height: int, body: list[str]) -> str:
    colours = ".o{fill:#00798c}.n{fill:#d1495b}.r{fill:#b8c4c8}.w{stroke:#333}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<style>text{{font:12px sans-serif;fill:#333}}.h{{font-weight:bold}}.s{{font-size:10px}}{colours}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="h" x="8" y="18">{escape(title)}</text>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def plot(latest: Latest, part: str) -> str:
    """A bar for each row, of what is measured first, with the lowest and the highest round as a line."""
    rows: Rows = latest["parts"][part]["rows"]
    measure = "KiB each" if part in ("polls", "handles") else next(iter(rows[0]["rounds"]))
    rows = [row for row in rows if measure in row["rounds"]]
    most = max(max(row["rounds"][measure]) for row in rows)
    scale = (WIDTH - LEFT - 110) / most
    body, y, case = [], 30, ""
    for row in rows:
        if row["case"] != case:
            case = row["case"]
            body.append(f'<text class="h" x="8" y="{y + 13}">{escape(grouped(case))}</text>')
        values = row["rounds"][measure]
        end = LEFT + median(values) * scale
        kind = "o" if row["name"] in OURS else "r"
        low, high = LEFT + min(values) * scale, LEFT + max(values) * scale
        body += [
            f'<text x="{LEFT - 6}" y="{y + 13}" text-anchor="end">{escape(row["name"])}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y + 2}" width="{end - LEFT:.1f}" height="{BAR - 4}"/>',
            f'<path class="w" d="M{low:.1f} {y + BAR / 2}H{high:.1f}"/>',
            f'<text x="{max(end, high) + 6:.1f}" y="{y + 13}">{figure(median(values))}</text>',
        ]
        y += BAR + 2
    return svg(f"{TITLES[part]}: {measure}", y + 8, body)


def plot_targets(latest: Latest) -> str:
    """Each ratio over its bound, so that what lies right of the line is met."""
    body, y = [], 30
    middle, octave = LEFT + 180, 60
    for target in TARGETS:
        value, _, _ = measured(latest, target)
        if not value or not target.bound:
            continue
        times = target.bound / value if "<=" in target.test else value / target.bound
        doublings = 0.0
        clipped = min(max(times, 1 / 8), 32)
        while clipped >= 2:
            clipped, doublings = clipped / 2, doublings + 1
        while clipped < 1:
            clipped, doublings = clipped * 2, doublings - 1
        end = middle + (doublings + clipped - 1) * octave  # between two powers of 2 in proportion
        left, right = min(middle, end), max(middle, end)
        kind = "o" if is_met(target, value) else "n"
        label = f"{target.label}, {grouped(target.case)}: {target.measure}"
        if target.rival and target.part in ("python", "asyncio"):
            label = f"{target.label}, {target.case}: {target.rival}"
        body += [
            f'<text class="s" x="8" y="{y + 12}">{escape(label)}</text>',
            f'<rect class="{kind}" x="{left:.1f}" y="{y + 2}" width="{right - left:.1f}" height="11"/>',
            f'<text class="s" x="{right + 5:.1f}" y="{y + 12}">{times:.2f}</text>',
        ]
        y += BAR - 1
    body.append(f'<path class="w" d="M{middle} 26V{y}"/>')
    return svg("How many times better than its target each measure is: the line is the target", y + 8, body)


# --- where it goes ---


def machine() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores; {os.environ['VERSIONS']}"


def keep(rows: Path, latest: Path) -> None:
    measured_rows: Rows = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    parts = read(latest)["parts"] if latest.exists() else {}
    part = measured_rows[0]["part"]
    parts[part] = {
        "run": os.environ["RUN"],
        "machine": machine(),
        "round_ms": int(os.environ["ROUND_MS"]),
        "rows": [{key: row[key] for key in ("case", "name", "rounds")} for row in measured_rows],
    }
    # A line for each row: what has changed can be read in a diff.
    lines = []
    for name, content in parts.items():
        heads = json.dumps({k: v for k, v in content.items() if k != "rows"}, ensure_ascii=False)
        inside = ",\n".join(f"   {json.dumps(row, ensure_ascii=False)}" for row in content["rows"])
        lines.append(f'  {json.dumps(name)}: {heads[:-1]}, "rows": [\n{inside}\n  ]}}')
    latest.write_text('{\n "parts": {\n' + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")


def read(latest: Path) -> Latest:
    content: Latest = json.loads(latest.read_text(encoding="utf-8"))
    return content


def docs(latest_file: Path, page: Path) -> None:
    latest = read(latest_file)
    text = page.read_text(encoding="utf-8")
    plots = {part: plot(latest, part) for part in latest["parts"] if part in TITLES}
    plots["targets"] = plot_targets(latest)
    machines = dict.fromkeys(content["machine"] for content in latest["parts"].values())
    blocks = {"targets": f"{targets(latest)}\n\nOn {'; on '.join(machines)}."}
    for part, content in latest["parts"].items():
        blocks[part] = f"{table(latest, part)}\n\nMeasured {content['run']}."
    for name, picture in plots.items():
        (latest_file.parent / f"{name}.svg").write_text(picture, encoding="utf-8")
        title = TITLES.get(name, "Targets")
        blocks[name] = f"![{title}](bench/{name}.svg)\n\n{blocks[name]}"
    for part, block in blocks.items():
        begin, end = f"<!-- bench {part} -->\n", "<!-- bench end -->"
        if begin not in text:
            sys.exit(f"{page} has no marker {begin.strip()}")
        head, rest = text.split(begin, 1)
        text = f"{head}{begin}{block}\n{end}{rest.split(end, 1)[1]}"
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> None:
    if len(arguments) != 3:
        sys.exit(__doc__)
    action, *paths = arguments
    if action == "keep":
        keep(Path(paths[0]), Path(paths[1]))
    elif action == "show":
        latest = read(Path(paths[0]))
        print(f"\n{targets(latest) if paths[1] == 'targets' else table(latest, paths[1])}\n", flush=True)
    elif action == "docs":
        docs(Path(paths[0]), Path(paths[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
