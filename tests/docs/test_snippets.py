"""The programs in the documentation do what they say: each is built, and run against the development server."""

from __future__ import annotations

from pathlib import Path

import pytest
from snippets import Snippet, build, environment, run, snippets

NO_PROGRAMS = {"dockerfile", "ini", "nginx", "sh", "yaml"}
PROGRAMS = [snippet for snippet in snippets() if not snippet.name and snippet.language not in NO_PROGRAMS]


@pytest.mark.parametrize("snippet", PROGRAMS, ids=lambda s: f"{s.page}:{s.line}")
def test_snippet(snippet: Snippet, server: str, tmp_path: Path) -> None:
    run(build(snippet, server, tmp_path), tmp_path, environment(server))


def test_pages_have_snippets() -> None:
    pages = {snippet.page for snippet in PROGRAMS}
    for page in ("README.md", "docs/index.md", "docs/zh/index.md", "docs/403.md", "docs/c-and-cpp.md"):
        assert page in pages
