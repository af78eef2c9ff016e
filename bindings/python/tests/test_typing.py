"""What type checkers say to users' programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nacos_auth

PROGRAMS = Path(__file__).parent / "typing"
PACKAGE = Path(nacos_auth.__file__).parent


def mypy(file: Path, folder: Path) -> tuple[set[int], str]:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={folder}", "--no-pretty", str(file)],
        env={**os.environ, "MYPYPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return errors(done.stdout, file, ": error: "), done.stdout


def pyright(file: Path, folder: Path) -> tuple[set[int], str]:
    settings = folder / "pyrightconfig.json"
    settings.write_text(
        f'{{"typeCheckingMode": "strict", "include": ["{file}"], "extraPaths": ["{PACKAGE.parent}"]}}',
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "--project", str(settings)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return errors(done.stdout, file, " - error: "), done.stdout


def errors(said: str, file: Path, mark: str) -> set[int]:
    lines = (line.strip() for line in said.splitlines() if mark in line)
    return {int(line.split(":")[1]) for line in lines if Path(line.split(":")[0]).name == file.name}


checkers = pytest.mark.parametrize("check", [mypy, pyright])


def skip_without(check: object) -> None:
    if check is pyright:
        pytest.importorskip("basedpyright")
    else:
        pytest.importorskip("mypy")


@checkers
def test_what_is_right_passes(check: object, tmp_path: Path) -> None:
    skip_without(check)
    assert callable(check)
    found, said = check(PROGRAMS / "right.py", tmp_path)
    assert not found, said


@checkers
def test_what_is_wrong_is_found(check: object, tmp_path: Path) -> None:
    skip_without(check)
    assert callable(check)
    file = tmp_path / "wrong.py"
    shutil.copy(PROGRAMS / "wrong.py", file)
    text = file.read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(text, start=1) if line.endswith("# wrong")}
    found, said = check(file, tmp_path)
    assert found == wrong, f"not found: {sorted(wrong - found)}, too much: {sorted(found - wrong)}\n{said}"


def test_the_package_says_that_it_has_types() -> None:
    assert (PACKAGE / "py.typed").exists()
