"""What the site has beyond docs/: pages from elsewhere in the repository, references, links between all."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

import jieba  # type: ignore[import-untyped]
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
import causes
import go_reference

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/nacos-auth/nacos-auth/blob/main/"
DOXYGEN = ROOT / "build" / "doxygen" / "html"

# Pages that stand elsewhere in the repository, and where the site has them.
ELSEWHERE = {
    "bindings/go/README.md": "go.md",
    "bindings/python/README.md": "python.md",
    "CHANGELOG.md": "changes.md",
    "bindings/python/CHANGELOG.md": "changes-python.md",
    "bindings/go/CHANGELOG.md": "changes-go.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "devserver/README.md": "devserver.md",
    "tests/conformance/README.md": "conformance.md",
}
# What the site has no page for, but something better than the file in the repository.
INSTEAD = {"README.md": "index.md", "include/nacos_auth.h": "reference/c.md"}

# How much more a page counts in a search: what explains comes before what lists.
BOOSTS = {"403.md": 6, "causes.md": 3, "reference/": 0.2, "changes": 0.2}

C_REFERENCE = """# C and C++ reference

The reference of the two headers is made from their comments.

- [nacos_auth.h](c/nacos__auth_8h.html): C, and C++ from C++11 on
- [nacos_auth.hpp](c/nacos__auth_8hpp.html): C++17 and later
- [Structures and classes](c/annotated.html)
"""

PYTHON_REFERENCE = """# Python reference

This is what the package says of itself; [Python](../python.md) is the way in.
"""
# What its reference begins with; the rest follows in the order of __all__.
PYTHON_FIRST = ["Client", "AsyncClient", "Response", "NacosError", "Token", "Stats", "Event", "Advised", "CallSettings"]


def on_config(config: MkDocsConfig) -> None:
    jieba.setLogLevel("WARNING")  # that it reads its dictionary is no news


def python_reference() -> str:
    module = ast.parse((ROOT / "bindings/python/src/nacos_auth/__init__.py").read_text(encoding="utf-8"))
    (exported,) = (
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    names = [*PYTHON_FIRST, *(name for name in exported if name not in PYTHON_FIRST and not name.startswith("_"))]
    return "\n".join([PYTHON_REFERENCE, *(f"::: nacos_auth.{name}\n" for name in names)])


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "reference/c.md", content=C_REFERENCE))
    files.append(File.generated(config, "reference/python.md", content=python_reference()))
    files.append(File.generated(config, "reference/go.md", content=go_reference.page(ROOT / "bindings" / "go")))
    for path in DOXYGEN.rglob("*"):
        if path.is_file():
            name = f"reference/c/{path.relative_to(DOXYGEN).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    name = page.file.src_uri
    if posixpath.basename(name) == "causes.md":
        markdown = causes.as_sections(markdown)
    page.meta.setdefault("description", first_sentence(markdown))
    page.meta["search"] = {"boost": next((boost for part, boost in BOOSTS.items() if part in name), 1)}
    source = next((path for path, other in ELSEWHERE.items() if other == name), f"docs/{name}")
    folder, here = posixpath.dirname(source), posixpath.dirname(name)

    def moved(match: re.Match[str]) -> str:
        target, _, anchor = match[1].partition("#")
        if not target or ":" in target or name.startswith("reference/"):
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        known = ELSEWHERE.get(path) or INSTEAD.get(path) or (path[5:] if path.startswith("docs/") else None)
        if known:
            return f"]({posixpath.relpath(known, here or '.')}{'#' + anchor if anchor else ''})"
        if (ROOT / path).exists():
            return f"]({REPOSITORY}{path})"
        return match[0]  # mkdocs says that it is not there

    return re.sub(r"\]\(([^)\s]+)\)", moved, markdown)


def first_sentence(markdown: str) -> str:
    """What search engines show below the title."""
    for block in markdown.split("\n\n"):
        text = re.sub(r"!?\[([^]]*)\]\([^)]*\)|[*_`]", r"\1", " ".join(block.split()))
        if text[:1].isalpha():
            return re.match(r".*?[.!?。]( |$)|.*", text)[0].strip()  # type: ignore[index]
    return ""


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Names in tables break where a reader would break them, options in sentences nowhere; Chinese pages say so."""

    def names(code: re.Match[str]) -> str:
        return re.sub(r"(?<=[\w\)\]][._/,])(?=\w)", "<wbr>", code[0])

    def options(code: re.Match[str]) -> str:
        return re.sub(r"--\w[\w-]*", r'<span class="option">\g<0></span>', code[0])

    parts = re.split(r"(<td>.*?</td>)", output)
    for index, part in enumerate(parts):
        pattern, change = (r"(?<=<code>)[^<]+", names) if index % 2 else (r"(?<!</span>)<code>[^<]*</code>", options)
        parts[index] = re.sub(pattern, change, part)
    output = "".join(parts)
    return output.replace('<html lang="en"', '<html lang="zh"', 1) if page.file.src_uri.startswith("zh/") else output


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """A sitemap and a page for what is not found need an address, which the site does not know."""
    for name in ("404.html", "sitemap.xml", "sitemap.xml.gz"):
        (Path(config.site_dir) / name).unlink(missing_ok=True)
