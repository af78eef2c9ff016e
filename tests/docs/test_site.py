"""The site is built without a warning, is readable without a network, and no link in it leads to nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAUSE = re.compile(r'^    \w+ = "([a-z-]+)",$', re.M)
# What a browser fetches by itself, with the attribute that names it.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


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
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-f", str(config), "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    return said if done.returncode or "WARNING" in said or "ERROR" in said else ""


def faults(site: Path) -> list[str]:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
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
    subprocess.run(["doxygen", "docs/Doxyfile"], cwd=ROOT, timeout=120, check=True)
    folder = tmp_path_factory.mktemp("site")
    assert not build(folder)
    yield folder


def test_every_link_leads_somewhere_and_nothing_comes_from_the_network(site: Path) -> None:
    assert not faults(site)
