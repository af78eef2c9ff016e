"""The table of causes as sections of the site: each has an address that errors can point to."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (?:<a id=\"[a-z-]+\"></a>)?`([a-z-]+)` \| (.*) \| (.*) \|$", re.M)
TABLE = re.compile(r"^\|.*\|\n\|[-|]+\|\n(?:\|.*\|\n?)+", re.M)


def names_in_go() -> dict[str, str]:
    text = (ROOT / "bindings" / "go" / "causes.go").read_text(encoding="utf-8")
    return {slug: name for name, slug in re.findall(r'^\t(Cause\w+) Cause = "([a-z-]+)"', text, re.M)}


def as_sections(markdown: str) -> str:
    go = names_in_go()

    def section(match: re.Match[str]) -> str:
        slug, meaning, cure = match.groups()
        upper = slug.upper().replace("-", "_")
        names = f"`NACOS_CAUSE_{upper}` · `Cause.{upper}` · `{go.get(slug, 'Cause')}`"
        return f"## {slug}\n\n**{meaning}** {cure}\n\n<small markdown>{names}</small>\n"

    def sections(match: re.Match[str]) -> str:
        return "\n".join(section(row) for row in ROW.finditer(match[0]))

    return TABLE.sub(sections, markdown)
