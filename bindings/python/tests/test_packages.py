"""What is in the wheel and the sdist. `tests/dist/python.sh` installs and uses them."""

from __future__ import annotations

import email
import email.policy
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import nacos_auth
from devserver import REPOSITORY
from nacos_auth import __pyinstaller

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
    assert re.fullmatch(rf"nacos_auth-{nacos_auth.__version__}-py3-none-manylinux_2_\d+_[\w.]+\.whl", wheel.name)
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


def description(package: Path) -> str:
    """The page that PyPI shows."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            text = archive.read(name)
    else:
        with tarfile.open(package) as archive:
            file = archive.extractfile(f"nacos_auth-{nacos_auth.__version__}/PKG-INFO")
            assert file is not None
            text = file.read()
    metadata = email.message_from_bytes(text, policy=email.policy.default)
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    body = metadata.get_payload()
    assert isinstance(body, str)
    return body


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_the_page_of_the_package_links_to_is_there(kind: str, request: pytest.FixtureRequest) -> None:
    """It stands beside no file of the repository, and its headings have no anchors."""
    pages = f"https://github.com/nacos-auth/nacos-auth/blob/v{nacos_auth.__version__}/"
    links = re.findall(r"\]\(([^)]*)\)", description(request.getfixturevalue(kind)))
    ours = [link for link in links if link.startswith(pages)]
    assert [link for link in links if link not in ours and not link.startswith("https://")] == []
    assert f"{pages}docs/environment.md" in ours
    for link in ours:
        assert (REPOSITORY / link[len(pages) :].partition("#")[0]).is_file(), link


def test_pyinstaller_finds_its_hook(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entries,) = [archive.read(name) for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "nacos_auth/__pyinstaller/hook-nacos_auth.py" in archive.namelist()
    assert entries.decode().split() == ["[pyinstaller40]", "hook-dirs", "=", "nacos_auth.__pyinstaller:get_hook_dirs"]
    (folder,) = __pyinstaller.get_hook_dirs()
    hook = (Path(folder) / "hook-nacos_auth.py").read_text()
    later = {f"nacos_auth.{module}" for module in nacos_auth._LATER.values()}  # type: ignore[attr-defined]
    assert later <= set(re.findall(r'"(nacos_auth\.\w+)"', hook))


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


class Needs:
    """A part of a library that names versions of symbols."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def iter_versions(self) -> list[tuple[str, list[SimpleNamespace]]]:
        return [("libc.so.6", [SimpleNamespace(name=name) for name in self.names])]


class Library(dict[str, str]):
    def __init__(self, machine: str, *parts: object) -> None:
        super().__init__(e_machine=machine)
        self.parts = parts

    def iter_sections(self) -> tuple[object, ...]:
        return self.parts


@pytest.mark.parametrize(
    ("library", "tag"),
    [
        (Library("EM_X86_64", Needs("GLIBC_2.2.5", "GLIBC_2.17")), "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        (Library("EM_AARCH64", Needs("GLIBC_2.17")), "manylinux_2_17_aarch64.manylinux2014_aarch64"),
        # Nothing that is older has a name that every tool knows.
        (Library("EM_X86_64", Needs("GLIBC_2.2.5")), "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        (Library("EM_X86_64", Needs("GLIBC_2.9", "GCC_4.2.0"), Needs("GLIBC_2.34")), "manylinux_2_34_x86_64"),
        (Library("EM_X86_64", Needs("GLIBC_2.18")), "manylinux_2_18_x86_64"),
        (Library("EM_X86_64"), "of_this_machine"),
        (Library("EM_RISCV", Needs("GLIBC_2.34")), "of_this_machine"),
    ],
)
def test_the_platform_is_the_oldest_that_suits(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: Library, tag: str
) -> None:
    monkeypatch.setattr(hook, "GNUVerNeedSection", Needs)
    monkeypatch.setattr(hook, "ELFFile", lambda file: library)
    monkeypatch.setattr(hook, "platform_tags", lambda: iter(["linux_x86_64", "of_this_machine", "older"]))
    (tmp_path / "library").touch()
    assert hook.platform_of(tmp_path / "library") == tag


def test_the_sdist_has_all_that_a_build_needs(sdist: Path, tmp_path: Path) -> None:
    assert sdist.stat().st_size < 1e6
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
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
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path / "source")
    (root,) = (tmp_path / "source").iterdir()
    assert build("wheel", tmp_path / "built", root, NACOS_AUTH_BUILD_LIBRARY="").name.startswith("nacos_auth-")
