#!/usr/bin/env python3
"""One version everywhere: that of Cargo.toml.

`versions.py` compares what other files say with it and tells each that differs; `versions.py 1.2.3` writes that one
into all of them. What the build derives from Cargo.toml is compared too, and written by `cargo build`.
`versions.py --released` also wants a heading for it in each CHANGELOG.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = r"(\d+\.\d+\.\d+)"
SOURCE = ("Cargo.toml", rf'^\[workspace\.package\]\nversion = "{VERSION}"$')
# Where it stands, once or more often in each file.
PLACES = [
    ("Cargo.lock", rf'^name = "(?:nacos-auth|nacos-auth-cli|devserver|demo|simulator)"\nversion = "{VERSION}"$'),
    ("include/nacos_auth.h", rf'^#define NACOS_AUTH_VERSION "{VERSION}"$'),
    ("bindings/go/nacos_auth.h", rf'^#define NACOS_AUTH_VERSION "{VERSION}"$'),
    ("bindings/python/src/nacos_auth/__init__.py", rf'^__version__ = "{VERSION}"$'),
    # What its readers copy.
    ("docs/c-and-cpp.md", rf"(?:GIT_TAG v|conan --version |--requires nacos-auth/){VERSION}"),
]
CHANGELOGS = ["CHANGELOG.md", "bindings/python/CHANGELOG.md", "bindings/go/CHANGELOG.md"]
DERIVED = {"Cargo.lock", "include/nacos_auth.h", "bindings/go/nacos_auth.h"}


def found(name: str, pattern: str) -> list[str]:
    return re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)


def write(version: str) -> None:
    def put(match: re.Match[str]) -> str:
        begin, end = (at - match.start() for at in match.span(1))
        return match[0][:begin] + version + match[0][end:]

    for name, pattern in [SOURCE, *PLACES]:
        if name not in DERIVED:
            path = ROOT / name
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(pattern, put, text, flags=re.MULTILINE), encoding="utf-8")
    # Brings Cargo.lock and the header up to date.
    subprocess.run(["cargo", "check", "--quiet", "--workspace"], cwd=ROOT, check=True)


def problems(is_release: bool) -> list[str]:
    (version,) = found(*SOURCE)
    told = []
    for name, pattern in PLACES:
        there = found(name, pattern)
        if not there:
            told.append(f"{name}: no version where tools/versions.py looks for one")
        told += [f"{name}: {other}, Cargo.toml has {version}" for other in sorted(set(there)) if other != version]
    if is_release:
        heading = rf"^## \[?({re.escape(version)})\]?(?: |$)"
        told += [f"{name}: no heading for {version}" for name in CHANGELOGS if not found(name, heading)]
    return told


def main() -> int:
    arguments = sys.argv[1:]
    if len(arguments) == 1 and re.fullmatch(VERSION, arguments[0]):
        write(arguments[0])
    elif arguments not in ([], ["--released"]):
        print("usage: versions.py [--released | MAJOR.MINOR.PATCH]", file=sys.stderr)
        return 2
    told = problems(is_release="--released" in arguments)
    print("\n".join(told), end="\n" if told else "")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
