"""The site is built without a warning, is readable without a network, and no link in it leads to nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from snippets import snippets

ROOT = Path(__file__).resolve().parents[2]
CAUSES = re.findall(r'^    \w+ = "([a-z-]+)",$', (ROOT / "src" / "cause.rs").read_text(encoding="utf-8"), re.M)
MARKDOWN = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "bindings/*/*.md", "devserver/*.md", "fuzz/*.md", "tests/*/*.md")
    for path in ROOT.glob(pattern)
)
# What a browser fetches by itself, with the attribute that names it.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a page has of anchors and links."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.language = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values and tag != "meta")
        if tag == "html":
            self.language = values.get("lang", "")
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and not values.get("rel", "").startswith("canonical"):
            self.fetched.append(values.get("href", ""))
        if FETCHED.get(tag) in values:
            self.fetched.append(values[FETCHED[tag]])


def build(folder: Path, config: Path = ROOT / "mkdocs.yml") -> str:
    """Builds the site, and returns what was complained of: nothing if all is well."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def faults(site: Path) -> list[str]:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if link == "https://" and "reference/c" in path.as_posix():
                continue  # doxygen makes a link of these words of the header
            where = f"{path.relative_to(site)}: {link}"
            if parts.scheme in ("http", "https"):
                if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.hostname or ""):
                    found.append(f"{where}: no such host can be")
                if link in page.fetched:
                    found.append(f"{where}: fetched from the network")
                continue
            if parts.scheme:
                if parts.scheme not in ("mailto", "data", "javascript"):
                    found.append(f"{where}: an unknown scheme")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir() or not target.is_relative_to(site) or not target.exists():
                found.append(f"{where}: leads to nothing")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{where}: there is no such anchor")
    for sheet in site.rglob("*.css"):
        found += [f"{sheet.name}: {url}" for url in re.findall(r"url\([\"']?(https?:[^)]*)", sheet.read_text("utf-8"))]
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    for tool in ("doxygen", "go"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is missing")
    subprocess.run(["doxygen", "docs/Doxyfile"], cwd=ROOT, timeout=120, check=True)
    folder = tmp_path_factory.mktemp("site")
    said = build(folder)
    assert not said, said
    yield folder


def test_every_link_leads_somewhere_and_nothing_comes_from_the_network(site: Path) -> None:
    assert not faults(site)


def test_a_link_to_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text('<h2 id="here">', encoding="utf-8")
    for link, fault in {
        "there.html#here": "",
        "#other": "there is no such anchor",
        "there.html#gone": "there is no such anchor",
        "gone.html": "leads to nothing",
        "https://nowhere": "no such host can be",
    }.items():
        (tmp_path / "page.html").write_text(f'<a href="{link}">', encoding="utf-8")
        assert [found.rpartition(": ")[2] for found in faults(tmp_path)] == [fault] * bool(fault), link
    (tmp_path / "page.html").write_text('<script src="https://cdn.example.com/x.js"></script>', encoding="utf-8")
    assert "fetched from the network" in faults(tmp_path)[0]


def test_a_page_with_a_link_to_nothing_is_not_built(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    config = read("mkdocs.yml").replace("docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}")
    for name in ("tools/site/hooks.py", "bindings/python/src"):
        config = config.replace(name, str(ROOT / name))
    (tmp_path / "mkdocs.yml").write_text(config, encoding="utf-8")
    with (tmp_path / "docs" / "limits.md").open("a", encoding="utf-8") as page:
        page.write("\n[a](gone.md) [b](403.md#gone) [c](/403.md)\n")
    (tmp_path / "docs" / "forgotten.md").write_text("# In no menu\n", encoding="utf-8")
    said = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    for planted in ("'gone.md'", "'#gone'", "'/403.md'", "forgotten.md"):
        assert planted in said, said


def test_every_cause_has_an_address(site: Path) -> None:
    assert CAUSES
    for name in ("causes.html", "zh/causes.html"):
        missing = [cause for cause in CAUSES if cause not in Page(site / name).ids]
        assert not missing, f"{name} lacks {', '.join(missing)}"


def test_the_pages_in_chinese_have_all_that_the_english_ones_have() -> None:
    for page, row in {"causes.md": r"^\| (?:<a[^|]*>)?`([a-z-]+)` \|", "403.md": r"^\| (\d+ \| `[^`]*`) \|"}.items():
        english, chinese = (re.findall(row, read(f"docs/{folder}{page}"), re.M) for folder in ("", "zh/"))
        missing, too_many = set(english) - set(chinese), set(chinese) - set(english)
        assert not missing, f"docs/zh/{page} lacks {', '.join(sorted(missing))}"
        assert not too_many, f"docs/zh/{page} has what the English page has not: {', '.join(sorted(too_many))}"


def test_programs_in_chinese_pages_are_those_of_the_english_ones() -> None:
    programs = {snippet.page: "" for snippet in snippets()}
    for snippet in snippets():
        programs[snippet.page] += re.sub(r" *#.*", "", snippet.text) if snippet.language == "python" else snippet.text
    for page in ("index.md", "403.md"):
        assert programs[f"docs/zh/{page}"] in programs[f"docs/{page}"], page


def test_the_settings_are_those_of_the_sources() -> None:
    command = [sys.executable, "tools/site/settings.py", "--print"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == read("docs/settings.md"), (
        "docs/settings.md is not what the sources say; run tools/site/settings.py"
    )


def test_pages_in_chinese_say_so(site: Path) -> None:
    assert Page(site / "zh" / "index.html").language == "zh"
    assert Page(site / "index.html").language == "en"


def test_search_finds_words_of_both_languages(site: Path) -> None:
    script = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    index = " ".join(page["title"] + page["text"] for page in json.loads(script.partition("=")[2])["docs"])
    for words in ("token expired!", "wrong-credentials", "令牌"):
        assert words in index, words


@pytest.mark.parametrize("page", MARKDOWN)
def test_links_between_files_of_the_repository(page: str) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", read(page), flags=re.M | re.S)
    assert not re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE), f"{page}: a merge has been left unfinished"
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path = link.partition("#")[0]
        assert ":" in path or (ROOT / page).parent.joinpath(path).exists(), f"{page}: {link} leads to nothing"
