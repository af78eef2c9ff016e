#!/usr/bin/env python3
"""Runs every part of the tests, shows their output, and ends with a summary and `N passed, N failed, N skipped`.

`run.py` runs all parts but the long ones; `run.py rust go` only those named. HOST_LONG=1 takes the long parts and
variants. A part whose tools are missing counts as skipped, never as passed. Exit status 0 if nothing failed and
something passed.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
PREFIX = ROOT / "build" / "prefix"
MADE_SHIMS = ROOT / "build" / "made-shims.txt"
PYTHON = str(ROOT / ".venv" / "bin" / "python")
LONG = bool(os.environ.get("HOST_LONG"))
SHORT = [] if LONG else ["-m", "not long"]


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def numbers(text: str, pattern: str) -> int:
    return sum(int(n) for n in re.findall(pattern, text))


def cargo(text: str) -> Counts:
    return Counts(
        numbers(text, r"test result: \w+\. (\d+) passed"),
        numbers(text, r"test result: .*?(\d+) failed"),
        numbers(text, r"test result: .*?(\d+) ignored"),
    )


def pytest(text: str) -> Counts:
    last = next(
        (line for line in reversed(text.splitlines()) if re.search(r"\d+ (passed|failed|skipped|error)", line)), ""
    )
    return Counts(
        numbers(last, r"(\d+) passed"),
        numbers(last, r"(\d+) failed") + numbers(last, r"(\d+) error"),
        numbers(last, r"(\d+) skipped"),
    )


def go_json(text: str) -> Counts:
    counts = Counts()
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        event = json.loads(line)
        if "Test" in event and event["Action"] in ("pass", "fail", "skip"):
            counts += Counts(*(int(event["Action"] == action) for action in ("pass", "fail", "skip")))
    return counts


def tally(text: str) -> Counts:
    """The last lines of the scripts: `N passed, N failed, N skipped`, added up."""
    found = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", text, re.MULTILINE)
    return sum((Counts(*map(int, row)) for row in found), Counts())


def one(_: str) -> Counts:
    """A command that is one check: its exit status says all."""
    return Counts(passed=1)


@dataclass
class Step:
    command: list[str]
    count: Callable[[str], Counts] = one
    folder: str = "."
    needs: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Part:
    name: str
    steps: list[Step]
    # Takes minutes: with HOST_LONG=1, or when it is asked for.
    long: bool = False
    # Run at the same time as the others, one after the other; what they print is shown after them.
    beside: list[Step] = field(default_factory=list)
    # The part at the same time as which it is run, if both are.
    beside_part: str = ""


def python_checks(folder: str) -> list[Step]:
    return [
        Step([PYTHON, "-m", "ruff", "check", "."], folder=folder),
        Step([PYTHON, "-m", "ruff", "format", "--check", "."], folder=folder),
    ]


GO_DYNAMIC = {
    "GOFLAGS": "-tags=nacos_auth_dynamic",
    "PKG_CONFIG_PATH": str(PREFIX / "lib" / "pkgconfig"),
    "CGO_LDFLAGS": f"-Wl,-rpath,{PREFIX / 'lib'}",
}
# Every request is an operation, also where they are few.
GO_OPERATIONS = {"GOFLAGS": "-tags=nacos_auth_operations"}
GO_CGOCHECK = {**GO_DYNAMIC, "GOEXPERIMENT": "cgocheck2"}
GO_MODULES = (
    "bindings/go",
    "bindings/go/lib/linux_amd64",
    "bindings/go/oauth2",
    "bindings/go/grpc",
    "bindings/go/prometheus",
    "bindings/go/otel",
    "examples/go",
    "tests/shims/go",
)
# Whether the benchmarks run, not what they give.
SMALL_BENCH = {
    "ROUNDS": "2",
    "ROUND_MS": "30",
    "POLLS": "50",
    "HANDLES": "100 200",
    "CHURN": "500",
    "IDLE_SECONDS": "2",
    "OUT": "build/bench/small.json",
}
STATIC = [] if LONG else ["-run", "Token|Request|Layout|Diagnose|Health|Metrics"]
GO_TEST = ["go", "test", "-json", "-count=1", "-timeout", "10m"]
VERMIN = str(ROOT / ".venv" / "bin" / "vermin")
STATICCHECK = str(ROOT / "build" / "tools" / "staticcheck")
C_SOURCES = "git ls-files '*.c' '*.h' '*.hpp' '*.cpp' ':!*/nacos_auth.h' ':!tests/c/abi'"

PARTS = [
    Part(
        "build",
        [
            Step(["make", "--no-print-directory", "prefix"]),
            Step(["cargo", "build", "--quiet", "--package", "devserver", "--package", "nacos-auth-cli"]),
            Step(["sh", "-c", f"make --no-print-directory -s shims >{MADE_SHIMS}"]),
            Step(["examples/build.sh"]),
        ],
    ),
    Part(
        "rust",
        [
            # Most of these tests wait most of the time. The hostile ones look at the memory of their process.
            Step(
                ["cargo", "test", "--workspace", "--lib", "--bins", "--examples", "--test", "[!h]*"],
                cargo,
                env={"RUST_TEST_THREADS": "4"},
            ),
            Step(["cargo", "test", "--workspace", "--test", "hostile"], cargo, env={"RUST_TEST_THREADS": "1"}),
            Step(["cargo", "test", "--doc"], cargo),
        ],
        # The corpus of the fuzz targets once more, with no fuzzer: a minute or two to build, seconds to run. In a
        # folder of its own: other features make another library, in the place of the one that tests link.
        beside=[
            Step(
                ["cargo", "test", "--no-default-features", "--test", "replay", "--target-dir", "../target/fuzz"],
                cargo,
                folder="fuzz",
            ),
        ],
    ),
    Part(
        "c",
        [
            Step([f"tests/{script}.sh"], tally, needs=("cc", "c++"))
            for script in (
                "c/tests",
                "c/hostile",
                "c/processes",
                "c/compile_matrix",
                "c/symbols",
                "c/abi",
                "c/valgrind",
            )
        ]
        + [
            Step(["benches/instructions.sh", "benches/instructions.bar"], tally, needs=("cc", "valgrind")),
            Step(["benches/run.sh"], needs=("cc",), env={**SMALL_BENCH, "ONLY": "churn"}),
        ],
        beside=[
            Step([f"tests/{script}.sh"], tally, needs=("cc", "c++"))
            for script in (
                "cpp/tests",
                "cpp/must_not_compile",
                "packaging/elf",
                "packaging/archive",
                "packaging/tests",
                "packaging/layouts",
                "packaging/cmake",
                "packaging/dist",
            )
        ],
    ),
    Part("host", [Step([PYTHON, "tests/host/run.py"], tally, needs=("gcc", "g++", "openssl"))]),
    # Most of these tests wait most of the time.
    Part(
        "python",
        [
            Step([PYTHON, "-m", "pytest", "-q", "-n", "6"], pytest, "bindings/python"),
        ],
        beside=[Step(["tests/packaging/wheels.sh"], tally)],
    ),
    Part(
        "go",
        [
            *(
                Step([*GO_TEST, "-race", "./..."], go_json, folder, ("go", "cc"), GO_DYNAMIC)
                for folder in GO_MODULES
                if folder.startswith("bindings/") and "/lib/" not in folder
            ),
            # -count=1: the go command does not notice that the archive has changed.
            Step([*GO_TEST, *STATIC, "./..."], go_json, "bindings/go", ("go", "cc"), GO_OPERATIONS),
            # Every pointer that is written, not only those that calls pass. Builds the standard library anew.
            *([] if SHORT else [Step([*GO_TEST, "./..."], go_json, "bindings/go", ("go", "cc"), GO_CGOCHECK)]),
        ],
        beside=[
            Step(["tools/dist/go-modules.sh", "target/release", "build/go-modules"]),
            Step(["tests/dist/go.sh", "build/go-modules"], tally, needs=("go", "cc")),
        ],
    ),
    Part(
        "sanitizers",
        [
            Step(["tests/sanitizers/address.sh", "all"], tally, needs=("cc", "c++")),
            Step(["tests/sanitizers/thread.sh"], tally, needs=("cc", "c++")),
            Step(["tests/sanitizers/go.sh"], tally),
        ],
        long=True,
    ),
    Part(
        "supply",
        [
            Step(["tests/packaging/supply.sh"], tally, needs=("cc",)),
            Step(["tests/packaging/cargo_c.sh"], tally, needs=("cc", "pkg-config")),
            Step(["tests/packaging/reproducible.sh"], tally, needs=("cc",)),
            Step(["tests/packaging/reproducible_dist.sh"], tally, needs=("cc", "dpkg-deb", "go")),
        ],
        long=True,
    ),
    Part("conformance", [Step([PYTHON, "-m", "pytest", "-q", "-m", "not real"], pytest, "tests/conformance")]),
    # They wait for tokens to end.
    Part(
        "command", [Step([PYTHON, "-m", "pytest", "-q", "-n", "8", "-p", "no:cacheprovider"], pytest, "tests/command")]
    ),
    # It computes; the tests of hosts wait.
    Part(
        "docs",
        [Step([PYTHON, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"], pytest, "tests/docs")],
        beside_part="host",
    ),
    Part(
        "monitoring",
        [Step([PYTHON, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *SHORT], pytest, "tests/monitoring")],
    ),
    # Two targets at a time: the whole is this long times five, and the build.
    Part("fuzz", [Step(["fuzz/run.sh", "60"], tally, needs=("cargo", "c++"))], long=True),
    Part("soak", [Step(["make", "--no-print-directory", "soak", "MINUTES=1"])]),
    Part(
        "real",
        [
            Step([PYTHON, "-m", "pytest", "-q", "-rs", *SHORT], pytest, "tests/real"),
        ],
        beside=[
            Step([PYTHON, "-m", "pytest", "-q", "-rs", "-m", "real"], pytest, "tests/conformance"),
        ],
    ),
    # It computes; the shims wait.
    Part(
        "lint",
        beside_part="conformance",
        steps=[
            Step(["cargo", "fmt", "--all", "--check"]),
            Step(["cargo", "clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            # With flags of its own it is a workspace of its own; what it links with does not matter here.
            Step(["cargo", "fmt", "--check"], folder="fuzz"),
            Step(
                ["cargo", "clippy", "--quiet", "--all-targets", "--target-dir", "../target", "--", "-D", "warnings"],
                folder="fuzz",
                env={"CUSTOM_LIBFUZZER_PATH": "/nowhere"},
            ),
            Step(["cargo", "doc", "--quiet", "--no-deps", "--workspace"], env={"RUSTDOCFLAGS": "-D warnings"}),
            Step(["cargo", "check", "--quiet"], env={"NACOS_AUTH_CHECK_HEADER": "1"}),
            Step(["git", "diff", "--exit-code", "--stat", "--", "include/nacos_auth.h"]),
            *python_checks("bindings/python"),
            Step([PYTHON, "-m", "mypy"], folder="bindings/python"),
            Step([PYTHON, "-m", "basedpyright", "--pythonpath", PYTHON], folder="bindings/python"),
            Step([VERMIN, "--target=3.9-", "--no-tips", "--violations", "src", "tests"], folder="bindings/python"),
            *python_checks("tests"),
            *python_checks("benches"),
            *python_checks("tools"),
            *python_checks("cli/python"),
            Step(["tools/versions.py"]),
            Step(
                [
                    PYTHON,
                    "-m",
                    "mypy",
                    "--strict",
                    "tests/run.py",
                    "tests/sanitizers",
                    "tools/dist",
                    "tools/versions.py",
                    "benches/table.py",
                ]
            ),
            Step(
                [PYTHON, "-m", "mypy", "--strict", "."],
                folder="benches/python",
                env={"MYPYPATH": "../../bindings/python/src"},
            ),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/dist"),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/real"),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/conformance"),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/soak"),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/docs", env={"MYPYPATH": "../../benches"}),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/monitoring"),
            Step([PYTHON, "-m", "mypy", "--strict", "test_unchanged_clients.py"], folder="tests/command"),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tests/host"),
            Step([PYTHON, "-m", "mypy", "--strict", "."], folder="tools/site"),
            Step(
                [
                    "sh",
                    "-c",
                    'out=$(gofmt -l bindings/go benches/go examples/go tests/shims/go); echo "$out"; test -z "$out"',
                ],
                needs=("gofmt",),
            ),
            *(Step(["go", "vet", "./..."], folder=folder, needs=("go",), env=GO_DYNAMIC) for folder in GO_MODULES),
            *(Step([STATICCHECK, "./..."], folder=folder, needs=("go",), env=GO_DYNAMIC) for folder in GO_MODULES),
            Step(["sh", "-c", f"{C_SOURCES} | xargs clang-format --dry-run --Werror"], needs=("clang-format",)),
            Step(["doxygen", "docs/Doxyfile"], needs=("doxygen",)),
        ],
    ),
    Part("bench", [Step(["benches/run.sh"], needs=("cc", "go"), env=SMALL_BENCH)], long=True),
    # What its figures must be is a unit test; this prints them all.
    Part("sim", [Step(["make", "--no-print-directory", "sim"])], long=True),
]


SLOWEST = 12
took: list[tuple[float, str]] = []
"""Seconds, and which step."""

FAILURE = re.compile(
    r"(?:FAIL|FAILED|ERROR|---- FAIL|not ok)[ :].*|test .* \.\.\. FAILED|error(?:\[.*?\])?: .*|\s*--- FAIL: .*"
)
"""How the tests of all languages tell that one failed, and compilers that something is wrong."""
failed: list[str] = []
"""These lines, once more at the end: whoever reads a long output reads that."""


def busy() -> float:
    """Seconds of processor time of all that has been run."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def run(step: Step, log: Path, out: TextIO) -> Counts:
    """Runs one step, and writes its output to `out` as it comes."""
    shown = " ".join(step.command)
    missing = [tool for tool in step.needs if shutil.which(tool) is None]
    if missing:
        print(f"SKIPPED: {shown}: {', '.join(missing)} missing", flush=True, file=out)
        return Counts(skipped=1)
    print(f"$ {shown}", flush=True, file=out)
    quiet = step.count is go_json
    began = time.monotonic()
    process = subprocess.Popen(
        step.command,
        cwd=ROOT / step.folder,
        env={**os.environ, **step.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = []
    assert process.stdout is not None
    with log.open("a", encoding="utf-8") as file:
        for line in process.stdout:
            lines.append(line)
            file.write(line)
            if not quiet:
                print(line, end="", flush=True, file=out)
    status = process.wait()
    took.append((time.monotonic() - began, f"{step.folder}: {shown}"))
    text = "".join(lines)
    counts = step.count(text) if status == 0 or step.count is not one else Counts()
    if status != 0 and counts.failed == 0:
        counts.failed = 1
    if status == 0 and counts == Counts():
        print(f"FAILED: {shown}: ran no test", flush=True, file=out)
        counts.failed = 1
    if counts.failed:
        said = lines
        if quiet:
            shown_events = [json.loads(line) if line.startswith("{") else {"Output": line} for line in lines]
            said = [event.get("Output", "") for event in shown_events]
            print("".join(said), end="", flush=True, file=out)
        print(f"FAILED: {shown} (exit status {status})", flush=True, file=out)
        failed.append(f"{step.folder}: {shown}")
        failed.extend(f"  {line.strip()[:200]}" for line in said if FAILURE.match(line))
    return counts


@dataclass
class Result:
    name: str
    counts: Counts
    seconds: float
    # With what ran beside it.
    busy: float


def run_part(part: Part, out: TextIO) -> Result:
    """Runs its steps, those that go beside the others in a thread of their own."""
    print(f"\n=== {part.name} ===", flush=True, file=out)
    log = LOGS / f"{part.name}.log"
    log.unlink(missing_ok=True)
    began, busy_before = time.monotonic(), busy()

    def all_of(steps: list[Step], out: TextIO) -> Counts:
        return sum((run(step, log, out) for step in steps), Counts())

    shown_later = io.StringIO()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(all_of, part.beside, shown_later)
        counts = all_of(part.steps, out)
    print(shown_later.getvalue(), end="", flush=True, file=out)
    counts += beside.result()
    if part.name == "real" and counts.skipped and os.environ.get("CI"):
        print("FAILED: in CI the real servers must run, and some were skipped", flush=True, file=out)
        counts.failed += 1
    return Result(part.name, counts, time.monotonic() - began, busy() - busy_before)


def main() -> int:
    names = sys.argv[1:]
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        print(
            f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PARTS)}", file=sys.stderr
        )
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    chosen = [part for part in PARTS if (part.name in names if names else LONG or not part.long)]
    hosts = {part.name for part in chosen}
    for part in chosen:
        if part.beside_part in hosts:
            continue
        others = [other for other in chosen if other.beside_part == part.name]
        shown_later = io.StringIO()
        with ThreadPoolExecutor(1) as pool:
            beside = [pool.submit(run_part, other, shown_later) for other in others]
            results.append(run_part(part, sys.stdout))
            results.extend(other.result() for other in beside)
        print(shown_later.getvalue(), end="", flush=True)
        if part.name == "build":
            os.environ["NACOS_MADE_SHIMS"] = str(MADE_SHIMS)
            if results[-1].counts.failed:
                print("the build failed; nothing else can run", flush=True)
                break
    print("\n=== what took longest ===")
    for seconds, shown in sorted(took, reverse=True)[:SLOWEST]:
        print(f"{seconds:6.0f} s  {shown}")
    if failed:
        print("\n=== what failed ===")
        print("\n".join(failed))
    print("\n=== summary ===")
    for one in results:
        processors = one.busy / max(one.seconds, 1)
        print(f"{one.name:12} {one.counts!s:40} {one.seconds:6.0f} s, {processors:.1f} processors busy")
    total = sum((one.counts for one in results), Counts())
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
