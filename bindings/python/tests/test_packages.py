"""The wheel and the sdist, and a program that has nothing but the wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import nacos_auth
from devserver import REPOSITORY, DevServer

PROJECT = REPOSITORY / "bindings" / "python"


def build(kind: str, folder: Path, project: Path = PROJECT, **environment: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", folder, project],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (package,) = folder.iterdir()
    return package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = os.environ["NACOS_AUTH_LIBRARY"]  # that of the checkout, see conftest.py
    return build("wheel", tmp_path_factory.mktemp("wheel"), NACOS_AUTH_BUILD_LIBRARY=built)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


def test_one_wheel_with_a_stripped_library(wheel: Path) -> None:
    assert re.fullmatch(rf"nacos_auth-{nacos_auth.__version__}-py3-none-manylinux_2_\d+_\w+\.whl", wheel.name)
    assert wheel.stat().st_size < 2.5e6
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        library = archive.read("nacos_auth/libnacos_auth.so")
    assert sizes["nacos_auth/libnacos_auth.so"] <= 4 * 1024 * 1024
    assert b".symtab" not in library
    assert os.fsencode(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) not in library
    modules = {f"nacos_auth/{path.name}" for path in (PROJECT / "src" / "nacos_auth").glob("*.py")}
    assert modules | {"nacos_auth/py.typed", "nacos_auth/LICENSE"} <= set(sizes)
    assert {name.split("/")[0] for name in sizes} == {"nacos_auth", f"nacos_auth-{nacos_auth.__version__}.dist-info"}


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build hook, whose cargo is one that only says that it was called."""
    specification = importlib.util.spec_from_file_location("hatch_build", PROJECT / "hatch_build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module.subprocess, "run", lambda command, **_: print(*command))
    return module


def test_the_library_of_a_running_program_is_not_packed(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "of-a-running-program.so"
    foreign.touch()
    monkeypatch.setenv("NACOS_AUTH_LIBRARY", str(foreign))
    for absent in (None, ""):
        if absent is None:
            monkeypatch.delenv("NACOS_AUTH_BUILD_LIBRARY", raising=False)
        else:
            monkeypatch.setenv("NACOS_AUTH_BUILD_LIBRARY", absent)
        assert hook._library(tmp_path) == tmp_path / "target" / "release" / "libnacos_auth.so"
        assert "build --release" in capsys.readouterr().out
    built = tmp_path / "built.so"
    monkeypatch.setenv("NACOS_AUTH_BUILD_LIBRARY", str(built))
    with pytest.raises(FileNotFoundError, match=r"built\.so"):
        hook._library(tmp_path)
    built.touch()
    assert hook._library(tmp_path) == built
    assert capsys.readouterr().out == ""


def test_the_wheel_has_the_library_that_the_build_was_given(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read("nacos_auth/libnacos_auth.so")
    assert packed == Path(os.environ["NACOS_AUTH_LIBRARY"]).read_bytes()


def test_the_wheel_keeps_what_its_tag_claims(wheel: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", wheel], capture_output=True, text=True, check=True
    ).stdout
    claimed = wheel.name.removesuffix(".whl").split("-")[-1]
    assert f'is consistent with the following platform tag: "{claimed}"' in " ".join(shown.split())


def test_a_program_that_has_nothing_but_the_wheel(wheel: Path, server: DevServer, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", str(wheel)], check=True)
    code = """
import nacos_auth
with nacos_auth.Client.from_env() as client:
    answer = client.get("/v1/cs/configs", params={"dataId": "demo", "group": "DEFAULT_GROUP"})
    print(answer.status, nacos_auth._library.library()._name)
"""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"NACOS_AUTH_LIBRARY", "PYTHONPATH"}
    }
    environment |= {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    done = subprocess.run([python, "-I", "-c", code], env=environment, capture_output=True, text=True, check=True)
    status, library = done.stdout.split()
    assert status == "200"
    assert Path(library).is_relative_to(tmp_path / "venv")


def test_the_sdist_has_all_that_a_build_needs(sdist: Path, tmp_path: Path) -> None:
    assert sdist.stat().st_size < 1e6
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)
    (root,) = tmp_path.iterdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "src/nacos_auth/__init__.py", "rust/src/lib.rs"):
        assert (root / name).exists()
    assert not list(root.rglob("*.so"))
    # Every file that the manifest names is there, and the lock file fits it. Not offline: no build fetches all crates
    # that this asks for.
    subprocess.run(["cargo", "tree", "--locked"], cwd=root / "rust", check=True, stdout=subprocess.DEVNULL)
    assert build("sdist", tmp_path / "again", root).name == sdist.name


@pytest.mark.skipif("CI" not in os.environ, reason="compiles the core, which takes minutes; CI=true does it")
def test_the_sdist_builds_a_wheel(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source")
    (root,) = (tmp_path / "source").iterdir()
    assert build("wheel", tmp_path / "built", root, NACOS_AUTH_BUILD_LIBRARY="").name.startswith("nacos_auth-")
