"""The reference of the Go package as a page, from what `go doc -all` prints."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

PART = re.compile(r"^(CONSTANTS|VARIABLES|FUNCTIONS|TYPES)$")
NAME = re.compile(r"^(?:func (?:\(\w+ \*?(\w+)\) )?(\w+)|type (\w+)|(const|var)\b)")
HEAD = """# Go reference

This is what the package says of itself; [Go](../go.md) is the way in.

"""


def page(folder: Path) -> str:
    done = subprocess.run(
        ["go", "doc", "-all", "."], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )
    return HEAD + as_markdown(done.stdout)


def as_markdown(text: str) -> str:
    """Declarations begin at the margin and are code; what is said of them is indented by four."""
    lines, out, code = text.splitlines(), [], []  # type: list[str], list[str], list[str]
    start = next(n for n, line in enumerate(lines) if PART.match(line))
    out.append(prose("\n".join(lines[1:start])))
    said: list[str] = []

    def flush() -> None:
        if code:
            out.append(heading(code[0]) + "```go\n" + "\n".join(code).rstrip() + "\n```\n")
        if said:
            out.append(prose(textwrap.dedent("\n".join(said))))
        code.clear()
        said.clear()

    is_open = False  # inside of a declaration of several lines
    for line in lines[start:]:
        if PART.match(line):
            flush()
            out.append(f"## {line.capitalize()}\n")
        elif is_open:
            code.append(line)
            is_open = line not in (")", "}")
        elif line and not line[0].isspace():
            if said or (code and code[-1] in (")", "}")):
                flush()
            code.append(line)
            is_open = line.endswith(("(", "{"))
        elif line.startswith("    "):
            said.append(line)
        elif said:
            said.append("")
        elif code:
            flush()
    flush()
    return "\n".join(out)


def heading(declaration: str) -> str:
    match = NAME.match(declaration)
    if not match or match[4]:
        return ""
    receiver, function, kind, _ = match.groups()
    if kind:
        return f"### type {kind}\n\n"
    return f"#### {receiver}.{function}\n\n" if receiver else f"#### {function}\n\n"


def prose(text: str) -> str:
    """Comments of Go as Markdown: what would be markup there is none here, and indented lines are code."""
    blocks = []
    for block in re.split(r"\n\n+", text.strip("\n")):
        if block.startswith("# "):
            blocks.append("#" + block)
        elif block.startswith("    "):
            blocks.append("```\n" + textwrap.dedent(block) + "\n```")
        else:
            plain = block.replace("\\", "\\\\").replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")
            blocks.append(re.sub(r"\[([\w.]+)\]", r"`\1`", plain.replace("`", "\\`")))
    return "\n\n".join(blocks) + "\n"
