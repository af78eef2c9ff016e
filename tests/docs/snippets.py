"""The programs in the documentation: where they stand, and how one is built and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREFIX = ROOT / "build" / "prefix"
DEVSERVER = os.environ.get("NACOS_DEVSERVER", str(ROOT / "target" / "debug" / "nacos-devserver"))
PAGES = [
    "README.md",
    "bindings/go/README.md",
    "bindings/python/README.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
]
RELEASE = Path(os.environ.get("NACOS_AUTH_LIBDIR", ROOT / "target" / "release"))
COMMAND = Path(os.environ.get("NACOS_AUTH_COMMAND", ROOT / "target" / "debug" / "nacos-auth"))
# What other headers in C belong to.
LIBRARIES = {"uv.h": "libuv", "glib-unix.h": "glib-2.0"}
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
    "rust": """use nacos_auth::{Client, Config, Request};
fn main() -> Result<(), Box<dyn std::error::Error>> {
    @
    Ok(())
}
""",
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
    name: str  # of the file, where the page gives one: such a program has a test of its own
    text: str

    def program(self) -> str:
        is_whole = self.language not in FRAMES or re.search(r"\bmain\(", self.text)
        return self.text if is_whole else FRAMES[self.language].replace("@", self.text)


def snippets() -> Iterator[Snippet]:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        fence = r"^```(c|cpp|dockerfile|go|ini|nginx|python|rust|sh|yaml)(?: title=\"(.*?)\")?\n(.*?)^```$"
        for match in re.finditer(fence, text, re.MULTILINE | re.DOTALL):
            yield Snippet(page, text.count("\n", 0, match.start()) + 1, match[1], match[2] or "", match[3])


def named(name: str) -> Snippet:
    return next(snippet for snippet in snippets() if snippet.name == name)


def environment(server: str) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "NACOS_SERVER_ADDR": server,
        "NACOS_USERNAME": "nacos",
        "NACOS_PASSWORD": "nacos",
        "NACOS_AUTH_LIBRARY": str(PREFIX / "lib" / "libnacos_auth.so"),
        "PYTHONPATH": str(ROOT / "bindings" / "python" / "src"),
    }


def post(url: str, **form: str) -> str:
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=60) as answer:
        return str(answer.read().decode())


def build(snippet: Snippet, server: str, folder: Path) -> list[str]:
    """Makes a program of it, for a server, and returns the command that runs it in the folder."""
    program = snippet.program().replace("127.0.0.1:8848", server)
    if snippet.language == "sh":
        return ["sh", "-euc", program]
    if snippet.language == "python":
        name = snippet.name or "main.py"
        (folder / name).write_text(program, encoding="utf-8")
        return [sys.executable, name]
    source = folder / f"main.{ {'rust': 'rs'}.get(snippet.language, snippet.language) }"
    source.write_text(program, encoding="utf-8")
    if snippet.language == "go":
        module = (ROOT / "examples" / "go" / "go.mod").read_text(encoding="utf-8")
        (folder / "go.mod").write_text(module.replace("../../bindings/go", str(ROOT / "bindings" / "go")))
        run(["go", "build", "-o", "main", "."], folder)
        return ["./main"]
    if snippet.language == "rust":
        crate = ["--extern", f"nacos_auth={RELEASE / 'libnacos_auth.rlib'}", "-L", f"dependency={RELEASE / 'deps'}"]
        run(
            ["rustc", "--edition=2024", "-D", "warnings", "-C", "debuginfo=0", *crate, source.name, "-o", "main"],
            folder,
        )
        return ["./main"]
    compiler = ["cc", "-std=c99"] if snippet.language == "c" else ["c++", "-std=c++20"]
    link = [f"-I{PREFIX}/include", f"-L{PREFIX}/lib", "-lnacos_auth", f"-Wl,-rpath,{PREFIX}/lib", "-lpthread"]
    for header, package in LIBRARIES.items():
        if f"#include <{header}>" in program:
            flags = run(["pkg-config", "--cflags", "--libs", package], folder)
            link.extend(flags.split())
    run([*compiler, "-Wall", "-Wextra", "-Werror", source.name, "-o", "main", *link], folder)
    return ["./main"]


def token_of(server: str) -> str:
    answer = json.loads(post(f"http://{server}/nacos/v1/auth/login", username="nacos", password="nacos"))
    return str(answer["accessToken"])


def output(command: list[str], folder: Path, env: dict[str, str] | None = None) -> str:
    """What it prints, whatever its exit status."""
    done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, timeout=300, check=False)
    return done.stdout


def run(command: list[str], folder: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
