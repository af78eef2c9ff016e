"""The CMake projects in docs/c-and-cpp.md build, with what is installed and with these sources for what is fetched."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from snippets import PREFIX, RELEASE, ROOT, environment, run

PROJECTS = re.findall(r"^```cmake\n(.*?)^```$", (ROOT / "docs/c-and-cpp.md").read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
@pytest.mark.parametrize("project", PROJECTS, ids=lambda text: "fetched" if "FetchContent" in text else "installed")
def test_project(project: str, server: str, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(project, encoding="utf-8")
    shutil.copy(ROOT / "tests/packaging/consumer/main.cpp", tmp_path)
    options = [
        f"-DCMAKE_PREFIX_PATH={PREFIX}",
        f"-DFETCHCONTENT_SOURCE_DIR_NACOS_AUTH={ROOT}",
        f"-DNACOS_AUTH_PREBUILT_DIR={RELEASE}",
    ]
    run(["cmake", "-B", "build", *options], tmp_path)
    run(["cmake", "--build", "build"], tmp_path)
    assert run(["build/example"], tmp_path, environment(server)) == "200 hello\n"


def test_there_are_two() -> None:
    assert len(PROJECTS) == 2
