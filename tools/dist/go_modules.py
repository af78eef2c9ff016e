"""Writes the Go modules below bindings/go as a folder that GOPROXY=file:// takes, the same bytes for the same commit.

go_modules.py STAGE OUT: STAGE has libnacos_auth.a, which goes into the module lib/linux_amd64; OUT/go is the folder.
The modules have the version in Cargo.toml, and require each other in it; in the checkout they replace each other by
folders.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GO = ROOT / "bindings" / "go"
NOT_RELEASED = "v0.0.0"
"""The version by which modules of the checkout require each other."""

MACHINES = {"linux_amd64": "X86-64"}
"""The modules with a library inside, and how readelf calls what it is for."""


@dataclass
class Module:
    path: str
    files: dict[str, bytes]
    """By their names in it, with go.mod as it is released."""
    requires: list[str]
    """Modules of this checkout."""


def main(stage: Path, out: Path) -> None:
    version = "v" + first(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text())
    folders = [(ROOT / name).parent for name in tracked(GO) if name.endswith("go.mod")]
    names = {first(r"^module (\S+)$", (folder / "go.mod").read_text()): folder for folder in folders}
    modules = {path: read(path, folder, folders, stage, set(names), version) for path, folder in names.items()}
    sums: dict[str, list[str]] = {}
    for path in modules:
        write(path, modules, version, out / "go", sums)
    print("\n".join(sorted(f"{path} {version}" for path in modules)))


def read(path: str, folder: Path, folders: list[Path], stage: Path, own: set[str], version: str) -> Module:
    files = {}
    for name in tracked(folder):
        file = ROOT / name
        if not any(folder in inner.parents and inner in file.parents for inner in folders):
            files[file.relative_to(folder).as_posix()] = file.read_bytes()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    if folder.parent == GO / "lib":
        files["THIRD-PARTY.txt"] = (ROOT / "THIRD-PARTY.txt").read_bytes()
        files["libnacos_auth.a"] = archive(stage / "libnacos_auth.a", folder.name)
    text = files["go.mod"].decode()
    text = re.sub(r"^replace (\S+) => \.\S*\n+", lambda m: "" if m[1] in own else m[0], text, flags=re.M)
    text = re.sub(rf"{re.escape(NOT_RELEASED)}(?![-\w])", version, text)
    if "replace" in text:
        sys.exit(f"{folder}/go.mod replaces what is not released:\n{text}")
    files["go.mod"] = (text.rstrip() + "\n").encode()
    requires = [name for name in own if re.search(rf"^(require|\t)\s*{re.escape(name)} ", text, re.M)]
    return Module(path, files, sorted(requires))


def archive(raw: Path, system: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "libnacos_auth.a"
        subprocess.run([ROOT / "tools" / "dist" / "archive.sh", raw, made], check=True)
        header = subprocess.run(["readelf", "-h", made], check=True, capture_output=True, text=True).stdout
        if MACHINES[system] not in header:
            print(f"no Go modules: {raw} is not for {system}, which they bring the library for", file=sys.stderr)
            sys.exit(0)  # the rest of a release for this machine is none the worse
        return made.read_bytes()


def write(path: str, modules: dict[str, Module], version: str, proxy: Path, sums: dict[str, list[str]]) -> None:
    """Those that it requires first: their sums are in its go.sum."""
    if path in sums:
        return
    module = modules[path]
    lines = module.files.get("go.sum", b"").decode().splitlines()
    for required in module.requires:
        write(required, modules, version, proxy, sums)
        lines += sums[required]
    if lines:
        module.files["go.sum"] = ("\n".join(sorted(lines)) + "\n").encode()
    prefix = f"{path}@{version}/"
    sums[path] = [
        f"{path} {version} {digest({prefix + name: content for name, content in module.files.items()})}",
        f"{path} {version}/go.mod {digest({'go.mod': module.files['go.mod']})}",
    ]
    folder = proxy / path / "@v"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{version}.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in sorted(module.files.items()):
            entry = zipfile.ZipInfo(prefix + name)  # of 1980, whenever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, content)
    (folder / f"{version}.mod").write_bytes(module.files["go.mod"])
    (folder / f"{version}.info").write_text(json.dumps({"Version": version, "Time": when()}) + "\n")
    (folder / "list").write_text(version + "\n")


def digest(files: dict[str, bytes]) -> str:
    """What go.sum has of a module."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


def when() -> str:
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds)))


def tracked(folder: Path) -> list[str]:
    return [name for name in git("ls-files", "-z", "--", str(folder)).split("\0") if name]


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.M)
    if found is None:
        sys.exit(f"nothing fits {pattern}")
    return found[1]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: go-modules.sh STAGE OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
