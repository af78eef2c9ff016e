"""Build hook: carries the native library inside the wheel, which then suits every Python 3 of one platform."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags


class NativeLibraryHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # the package stays in src/, where nothing is put; see "In a checkout" in README.md
            return
        repository = Path(self.root).parents[1]
        library = repository / "target" / "release" / "libnacos_auth.so"
        if not library.exists():
            if not (repository / "Cargo.toml").exists():
                raise RuntimeError(
                    "the wheel must be built inside a checkout: the native library is compiled from there"
                )
            subprocess.run(
                ["cargo", "build", "--release", "--locked", "--package", "nacos-auth"], cwd=repository, check=True
            )
        build_data["pure_python"] = False
        # The first tag that names a C library names this machine's, which the native library was linked with.
        platform = next(tag for tag in platform_tags() if not tag.startswith("linux_"))
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][str(library)] = "nacos_auth/libnacos_auth.so"
        build_data["force_include"][str(repository / "LICENSE")] = "nacos_auth/LICENSE"
