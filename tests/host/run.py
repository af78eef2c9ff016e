#!/usr/bin/env python3
"""The library as a guest in host processes that nobody had thought of.

Compiles the programs beside this file against the built library, runs each of their tests in a process and a folder of
its own, with a time limit, and prints a line for each and at last `N passed, N failed, N skipped`. A test fails as well
if anything was printed, be it by the library.

`run.py` runs all tests; `run.py NAME...` those of the programs or tests that are named. HOST_JOBS (6) run at a time:
they wait most of the time. HOST_LONG=1 takes the long variants. NACOS_AUTH_LIBDIR: where libnacos_auth.so is.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import certificates
import traced

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "build" / "host"
LIBDIR = Path(os.path.abspath(ROOT / os.environ.get("NACOS_AUTH_LIBDIR", "target/release")))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
# The long variants take longer.
PATIENCE = 6 if os.environ.get("HOST_LONG") else 1
# Of the environment of whoever runs this: what could change what a test sees.
UNWANTED = re.compile(r"LD_PRELOAD|RUST_.*|SSL_CERT_.*|.*_proxy|no_proxy", re.IGNORECASE)


@dataclass
class Test:
    program: str
    name: str
    seconds: int

    @property
    def full_name(self) -> str:
        return f"{self.program}/{self.name}"


def tests_of(source: Path) -> list[Test]:
    found = re.findall(r"^TEST\((\w+), (\d+)\)", source.read_text(encoding="utf-8"), re.MULTILINE)
    return [Test(source.stem, name, int(seconds)) for name, seconds in found]


def compile_program(source: Path) -> str:
    """What went wrong, "" if nothing did."""
    language = ["g++", "-std=gnu++17"] if source.suffix == ".cpp" else ["gcc", "-std=gnu11"]
    # -rdynamic: the library finds the functions that a program puts in the place of others'.
    command = [
        *language,
        *("-g", "-O1", "-rdynamic", "-D_GNU_SOURCE", *WARNINGS, f"-I{ROOT / 'include'}"),
        *("-o", str(OUT / source.stem), str(source)),
        *(f"-L{OUT / 'lib'}", "-lnacos_auth", f"-Wl,-rpath,{OUT / 'lib'}", "-lpthread", "-ldl"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def compile_plugins() -> None:
    """What programs load."""
    (OUT / "lib" / "plugins").mkdir(exist_ok=True)
    for source in (HERE / "plugins").glob("*.cpp"):
        command = [
            *("g++", "-std=gnu++17", "-g", "-O1", "-shared", "-fPIC", *WARNINGS, f"-I{ROOT / 'include'}"),
            *("-o", str(OUT / "lib" / "plugins" / f"{source.stem}.so"), str(source)),
            *(f"-L{OUT / 'lib'}", "-lnacos_auth", f"-Wl,-rpath,{OUT / 'lib'}"),
        ]
        subprocess.run(command, check=True)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not UNWANTED.fullmatch(name)}
    return {
        **kept,
        "CERTS": str(OUT / "certs"),
        "HOST_TESTS": str(HERE),
        "PLUGINS": str(OUT / "lib" / "plugins"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run(test: Test) -> tuple[str, str]:
    """ "ok", "skipped" or "FAIL", and what was seen."""
    folder = OUT / "run" / test.program / test.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    trace = traced.prefix(test.program, folder)
    if trace is None:
        return "skipped", "strace is missing or may not trace"
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [*trace, str(OUT / test.program), test.name],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            status = process.wait(test.seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            status = None
        # Its servers and children too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    printed = (folder / "stdout").read_text(errors="replace")
    complaints = (folder / "stderr").read_text(errors="replace").strip()
    seen = re.search(r"^FAIL: (.*)", printed, re.MULTILINE)
    if seen:
        return "FAIL", seen[1]
    if status is None:
        return "FAIL", f"no end within {test.seconds * PATIENCE} s"
    if status < 0 or status > 128:
        number = -status if status < 0 else status - 128
        return "FAIL", f"killed by {signal.Signals(number).name} {complaints[-300:]}"
    if status != 0:
        return "FAIL", f"exit status {status}: {printed[-300:]} {complaints[-300:]}"
    skipped = re.match(r"SKIP: (.*)", printed)
    if skipped:
        return "skipped", skipped[1]
    if printed or complaints:
        return "FAIL", f"printed: {printed[-300:]} {complaints[-300:]}"
    problem = traced.problem(test.program, folder)
    return ("FAIL", problem) if problem else ("ok", "")


def main() -> int:
    names = set(sys.argv[1:])
    library = LIBDIR / "libnacos_auth.so"
    if not library.exists():
        print(f"there is no {library}; run make build first, or set NACOS_AUTH_LIBDIR", file=sys.stderr)
        return 2
    (OUT / "lib").mkdir(parents=True, exist_ok=True)
    # A copy, so that somebody may build the next one meanwhile; and the name that programs load.
    for name in ("libnacos_auth.so", "libnacos_auth.so.1"):
        (OUT / "lib" / name).unlink(missing_ok=True)
    shutil.copyfile(library, OUT / "lib" / "libnacos_auth.so.1")
    (OUT / "lib" / "libnacos_auth.so").symlink_to("libnacos_auth.so.1")
    certificates.make(OUT / "certs")
    compile_plugins()

    sources = sorted([*HERE.glob("*.c"), *HERE.glob("*.cpp")])
    chosen = [
        (source, test)
        for source in sources
        for test in tests_of(source)
        if not names or names & {test.program, test.name, test.full_name}
    ]
    counts = {"ok": 0, "FAIL": 0, "skipped": 0}

    def report(verdict: str, name: str, seen: str, seconds: float) -> None:
        counts[verdict] += 1
        text = " ".join(seen.split())[:600].encode("ascii", "replace").decode()
        print(f"{verdict} {name}{': ' + text if text else ''} ({seconds:.1f} s)", flush=True)

    def timed(test: Test) -> None:
        began = time.monotonic()
        verdict, seen = run(test)
        report(verdict, test.full_name, seen, time.monotonic() - began)

    with ThreadPoolExecutor(int(os.environ.get("HOST_JOBS", "6"))) as pool:
        wanted = sorted({source for source, _ in chosen})
        problems = dict(zip(wanted, pool.map(compile_program, wanted)))
        for source, complaint in problems.items():
            if complaint:
                report("FAIL", source.name, "does not compile: " + complaint, 0)
        # The longest first, so that none is left over at the end.
        ready = sorted((test for source, test in chosen if not problems[source]), key=lambda t: -t.seconds)
        list(pool.map(timed, ready))
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAIL"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
