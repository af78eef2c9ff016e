"""Puts what the demo printed last, which is in build/demo.txt, into README.md between its two markers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "demo.txt"
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=^<!-- demo -->\n)```\n(.*?)^```\n(?=<!-- /demo -->$)", re.MULTILINE | re.DOTALL)


def excerpt(output: str) -> list[str]:
    """One line of the minutes, and everything from the table on."""
    lines = output.splitlines()
    table = next(number for number, line in enumerate(lines) if line.startswith("program "))
    said = [line for line in lines[:table] if re.search(r"\w: requests \d+, tokens \d+", line)]
    return ["  …", said[-1], "  …", *lines[table:]]


def shape(lines: list[str]) -> list[str]:
    """The lines but for what differs between two runs: numbers, tokens in the timeline, widths of columns."""
    shaped = []
    for line in lines:
        text = re.sub(r"^( *[\d.]+ s  )\w+:", r"\1program:", line)
        text = re.sub(r"^(\w+) +[.!\da-z]{20,}$", r"\1 timeline", text)
        shaped.append(" ".join(re.sub(r"\d+(\.\d+)?", "N", text).split()))
    return shaped


def shown(readme: str) -> list[str]:
    """The lines between the markers."""
    found = BLOCK.search(readme)
    if found is None:
        raise ValueError("README.md has no block between <!-- demo --> and <!-- /demo -->")
    return found[1].splitlines()


def main() -> int:
    if not OUTPUT.exists():
        print(f"there is no {OUTPUT.relative_to(ROOT)}; run make demo first", file=sys.stderr)
        return 1
    readme = README.read_text(encoding="utf-8")
    block = "".join(f"{line}\n" for line in ["```", *excerpt(OUTPUT.read_text(encoding="utf-8")), "```"])
    shown(readme)
    README.write_text(BLOCK.sub(lambda _: block, readme), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
