"""Build hooks: the native library goes into the wheel, which then suits every Python 3, its sources into the sdist.

The page of the package is README.md, with links that lead into the repository.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface
from packaging.tags import platform_tags

_OLDEST = (2, 17)
"""glibc, of what Rust makes."""
# Besides everything in Rust.
_NEEDED = {"Cargo.lock", "Cargo.toml", "LICENSE", "THIRD-PARTY.txt", "README.md", "cbindgen.toml", "include", "tools"}


class ReadmeHook(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        """PyPI shows no other file of the repository: relative links get the address that a file has there."""
        pages = f"{metadata['urls']['Source']}/blob/v{metadata['version']}/"

        def absolute(link: re.Match[str]) -> str:
            return f"]({pages}{posixpath.normpath(posixpath.join('bindings/python', link[1]))})"

        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = re.sub(r"\]\((?![a-z]+:|#)([^)\s]+)\)", absolute, text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


class NativeLibraryHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """For an editable install nothing is put into src/: see "In a checkout" in README.md."""
        packed = Path(self.root) / "rust"  # in an sdist
        crate = packed if packed.exists() else Path(self.root).parents[1]
        if self.target_name == "sdist":
            build_data["force_include"].update(_sources(crate, Path(self._scratch.name)))
        elif version != "editable":
            library = _library(crate)
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_of(library)}"
            build_data["force_include"][str(library)] = "nacos_auth/libnacos_auth.so"
            for text in ("LICENSE", "THIRD-PARTY.txt"):
                build_data["force_include"][str(crate / text)] = f"nacos_auth/{text}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self._scratch.cleanup()

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._scratch = tempfile.TemporaryDirectory()


def _sources(crate: Path, scratch: Path) -> dict[str, str]:
    """What `cargo package` takes, whose manifest and lock file do without the rest of the repository."""
    subprocess.run(
        ["cargo", "package", "--quiet", "--no-verify", "--allow-dirty", "--target-dir", scratch],
        cwd=crate,
        check=True,
    )
    (packed,) = (scratch / "package").glob("*.crate")
    with tarfile.open(packed) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # 3.12 and 3.13 warn where none is chosen
        archive.extractall(scratch)
    root = scratch / packed.stem
    files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(root / file): f"rust/{file}" for file in files if file.suffix == ".rs" or file.parts[0] in _NEEDED}


def _library(crate: Path) -> Path:
    """NACOS_AUTH_BUILD_LIBRARY if it names one, else the one that cargo builds, if anything has changed.

    NACOS_AUTH_LIBRARY does not count: it is for programs that run, and may be set for quite another reason.
    """
    given = os.environ.get("NACOS_AUTH_BUILD_LIBRARY")
    if given:
        return Path(given).resolve(strict=True)
    target = crate / "target"
    build = ["build", "--release", "--locked", "-p", "nacos-auth", "--features", "wiping", "--target-dir", str(target)]
    subprocess.run(
        ["bash", crate / "tools" / "cargo-release.sh", *build],
        cwd=crate,
        check=True,
    )
    return target / "release" / "libnacos_auth.so"


def platform_of(program: Path) -> str:
    """The tag of the oldest C library that has what this library or program wants of it."""
    with program.open("rb") as file:
        elf = ELFFile(file)
        machine = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}.get(elf["e_machine"])
        needs = [part for part in elf.iter_sections() if isinstance(part, GNUVerNeedSection)]
        names = [entry.name for part in needs for _, entries in part.iter_versions() for entry in entries]
    versions = [tuple(map(int, name[6:].split("."))) for name in names if name.startswith("GLIBC_2")]
    if machine is None or not versions:  # of this machine's, whatever that is: musl
        return next(tag for tag in platform_tags() if not tag.startswith("linux_"))
    oldest = max(*versions, _OLDEST)
    tag = f"manylinux_{oldest[0]}_{oldest[1]}_{machine}"
    return f"{tag}.manylinux2014_{machine}" if oldest == _OLDEST else tag  # by which pip knows it before 20.3
