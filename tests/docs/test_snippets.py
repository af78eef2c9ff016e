"""The programs in the documentation do what they say: each is built, and run against the development server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = ROOT / "build" / "prefix"
DEVSERVER = os.environ.get("NACOS_DEVSERVER", str(ROOT / "target" / "debug" / "nacos-devserver"))
PAGES = ["README.md", "docs/403.md", "docs/c-and-cpp.md", "bindings/python/README.md", "bindings/go/README.md"]
MODULE = "github.com/nacos-auth/nacos-auth/bindings/go"

# What stands around the few lines of the front page.
FRAMES = {
    "c": """#include <nacos_auth.h>
#include <stdio.h>
int main(void) {
  nacos_auth *auth; nacos_error *error; nacos_response *response; size_t length;
  nacos_request_options request = nacos_request_options_default();
  @
  fwrite(body, 1, length, stdout);
  nacos_response_free(response);
  nacos_auth_free(auth);
  return 0;
}
""",
    "cpp": "#include <iostream>\n#include <nacos_auth.hpp>\nint main() {\n@\n}\n",
    "go": f"""package main
import ("context"; "fmt"; "net/url"; nacosauth "{MODULE}")
func main() {{
	ctx := context.Background()
	@
	if err != nil {{ panic(err) }}
}}
""",
}


@dataclass
class Snippet:
    page: str
    line: int
    language: str
    text: str

    def program(self) -> str:
        is_whole = self.language == "python" or re.search(r"\bmain\(", self.text)
        return self.text if is_whole else FRAMES[self.language].replace("@", self.text)


def snippets() -> Iterator[Snippet]:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for match in re.finditer(r"^```(c|cpp|go|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield Snippet(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with a configuration `demo`."""
    process = subprocess.Popen([DEVSERVER, "--stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    address = str(json.loads(process.stdout.readline())["address"])
    login = json.loads(post(f"http://{address}/nacos/v1/auth/login", username="nacos", password="nacos"))
    for name in ("demo", "app.yaml"):
        form = {"dataId": name, "group": "DEFAULT_GROUP", "content": "hello", "accessToken": login["accessToken"]}
        assert post(f"http://{address}/nacos/v1/cs/configs", **form) == "true"
    yield address
    process.stdin.close()
    process.wait(60)


def post(url: str, **form: str) -> str:
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=60) as answer:
        return str(answer.read().decode())


def build(snippet: Snippet, program: str, folder: Path) -> list[str]:
    if snippet.language == "python":
        (folder / "main.py").write_text(program, encoding="utf-8")
        return [sys.executable, "main.py"]
    source = folder / f"main.{snippet.language}"
    source.write_text(program, encoding="utf-8")
    if snippet.language == "go":
        shutil.copy(ROOT / "bindings" / "go" / "go.mod", folder / "go.mod")
        requires = f"\nrequire {MODULE} v0.0.0\nreplace {MODULE} => {ROOT / 'bindings' / 'go'}\n"
        module = (folder / "go.mod").read_text(encoding="utf-8")
        (folder / "go.mod").write_text(re.sub("^module .*$", "module snippet", module, flags=re.M) + requires)
        run(["go", "build", "-tags", "nacos_auth_static", "-o", "main", "."], folder)
        return ["./main"]
    compiler = ["cc", "-std=c99"] if snippet.language == "c" else ["c++", "-std=c++20"]
    link = [f"-I{PREFIX}/include", f"-L{PREFIX}/lib", "-lnacos_auth", f"-Wl,-rpath,{PREFIX}/lib", "-lpthread"]
    run([*compiler, "-Wall", "-Wextra", "-Werror", source.name, "-o", "main", *link], folder)
    return ["./main"]


def run(command: list[str], folder: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("snippet", list(snippets()), ids=lambda s: f"{s.page}:{s.line}")
def test_snippet(snippet: Snippet, server: str, tmp_path: Path) -> None:
    command = build(snippet, snippet.program().replace("127.0.0.1:8848", server), tmp_path)
    env = {
        **os.environ,
        "NACOS_SERVER_ADDR": server,
        "NACOS_USERNAME": "nacos",
        "NACOS_PASSWORD": "nacos",
        "NACOS_AUTH_LIBRARY": str(PREFIX / "lib" / "libnacos_auth.so"),
        "PYTHONPATH": str(ROOT / "bindings" / "python" / "src"),
    }
    run(command, tmp_path, env)


def test_every_page_has_snippets() -> None:
    assert {snippet.page for snippet in snippets()} == set(PAGES)
