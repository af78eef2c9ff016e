"""docs/performance.md says what docs/bench/latest.json holds, and why where a target is not met."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
LATEST = ROOT / "docs" / "bench" / "latest.json"

sys.path.insert(0, str(ROOT / "benches"))
import table  # noqa: E402
from targets import TARGETS, Target, Test  # noqa: E402

GENERATED = re.compile(r"<!-- bench (\w+) -->.*?<!-- bench end -->", re.DOTALL)


def sections() -> dict[str, str]:
    """The prose below each generated block, up to the next heading of a section or block."""
    text = PAGE.read_text(encoding="utf-8")
    ends = [*(found.start() for found in GENERATED.finditer(text)), len(text)]
    return {found[1]: text[found.end() : ends[i + 1]] for i, found in enumerate(GENERATED.finditer(text))}


def test_the_page_and_the_plots_are_what_the_figures_give(tmp_path: Path) -> None:
    for file in (PAGE, LATEST):
        shutil.copy(file, tmp_path)
    command = [sys.executable, str(ROOT / "benches" / "table.py"), "docs"]
    subprocess.run([*command, str(tmp_path / LATEST.name), str(tmp_path / PAGE.name)], check=True)
    assert (tmp_path / PAGE.name).read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    plots = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")}
    assert plots == {path.name: path.read_text(encoding="utf-8") for path in LATEST.parent.glob("*.svg")}


def test_no_ratio_and_no_time_is_typed() -> None:
    prose = GENERATED.sub("", PAGE.read_text(encoding="utf-8"))
    assert not re.findall(r"[\d.]+ ?(?:\u00d7|ns\b|µs\b|requests/s)", prose)


def test_every_target_is_measured() -> None:
    latest = table.read(LATEST)
    assert [target for target in TARGETS if table.verdict(latest, target) == "not measured"] == []


@pytest.mark.parametrize("part", sorted({target.part for target in TARGETS}))
def test_what_is_not_met_is_explained(part: str) -> None:
    latest = table.read(LATEST)
    missed = [target for target in TARGETS if target.part == part and "not met" in table.verdict(latest, target)]
    assert not missed or "**Where the time goes.**" in sections()[part], missed


@pytest.mark.parametrize(
    ("test", "bound", "ours", "rival", "verdict"),
    [
        ("<=", 32, [31, 32, 90], [5, 5, 5], "met"),
        ("<=", 0, [1], [0], "**not met**"),
        (">=", 10, [9], [10], "**not met**"),
        ("ratio >=", 1.2, [12, 24, 1], [10, 20, 9], "met"),  # the median of the rounds' ratios, not of the rounds
        ("ratio <=", 0.8, [9, 9, 1], [10, 10, 10], "**not met**"),
        ("times faster", 8, [10], [80], "met"),
        ("ratio >=", 1, [10], [], "not measured"),
        ("<=", 1, [], [1], "not measured"),
    ],
)
def test_verdicts(test: Test, bound: float, ours: list[float], rival: list[float], verdict: str) -> None:
    rows = [{"case": "c", "name": name, "rounds": {"m": r}} for name, r in (("ours", ours), ("rival", rival))]
    target = Target("label", "part", "c", "ours", "m", test, bound, "rival")
    assert table.verdict({"parts": {"part": {"rows": rows}}}, target) == verdict
