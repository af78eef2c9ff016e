#!/usr/bin/env python3
"""Writes docs/settings.md: every setting with its default, its range, what it is for and its name in each language.

All of it is read from the sources: the C header, which has the words, nacos_auth.hpp, the Python signature, Go's
Options and Rust's Config. A setting that one of them lacks is an error, unless ABSENT says so.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"

# What belongs to C's way of calling, and is no setting.
PLUMBING = {"struct_size", "callback_data", "callback_drop", "reserved0"}
# Where a language calls it otherwise than in C.
OTHERWISE = {
    ("Python", "event"): "on_event",
    ("Python", "log"): "logger",
    ("Go", "event"): "OnEvent",
    ("Go", "log"): "Logger",
    ("Rust", "server_addr"): "Config::new",
    ("Rust", "username"): "Config::new",
    ("Rust", "password"): "Config::new",
    ("Rust", "password_file"): "Config::with_password_file",
    ("Rust", "token"): "Config::with_token",
    ("Rust", "credentials"): "Config::with_callback",
    ("Rust", "event"): "on_event",
    ("Rust", "log"): "on_log",
    ("Rust", "log_level"): "on_log",
}
# What a language does in another way.
ABSENT = {
    ("Python", "keep_waiting"): "handlers of signals run during a call, and end it by what they raise",
    ("Python", "log_level"): "the level that `logger` has",
    ("Go", "keep_waiting"): "the context of the call",
    ("Go", "log_level"): "the level that `Logger` has",
}


@dataclass
class Field:
    name: str
    type: str
    comment: str

    @property
    def title(self) -> str:
        return self.name.removesuffix("_ms")


def between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def header() -> tuple[list[Field], dict[str, list[str]]]:
    """The fields of the options, and the constants that some of them take."""
    text = read("include/nacos_auth.h")
    body = between(text, "typedef struct nacos_auth_options {", "} nacos_auth_options;")
    fields = []
    for comment, kind, name in re.findall(r"/\*\*\n(.*?)\*/\n\s*([^;]*?[ *])(\w+);", body, re.S):
        words = " ".join(line.strip(" *") for line in comment.splitlines()).strip()
        fields.append(Field(name, kind.replace(" *", "*").strip(), words))
    constants = {
        prefix: re.findall(rf"^#define (NACOS_{prefix}_\w+) \d", text, re.M)
        for prefix in ("TOKEN_IN", "ANONYMOUS", "LOG")
    }
    return fields, constants


def meanings() -> dict[str, str]:
    """What the header says of each constant."""
    found = re.findall(r"/\*\*\n((?: \*[^\n]*\n)+?) \*/\n#define (NACOS_\w+) \d", read("include/nacos_auth.h"))
    return {name: " ".join(line.strip(" *") for line in comment.splitlines()).strip() for comment, name in found}


def python() -> dict[str, str]:
    """The arguments of Client with their types."""
    tree = ast.parse(read("bindings/python/src/nacos_auth/_base.py"))
    init = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    arguments = [*init.args.args[1:], *init.args.kwonlyargs]
    return {one.arg: ast.unparse(one.annotation) if one.annotation else "" for one in arguments}


def go() -> dict[str, str]:
    body = between(read("bindings/go/client.go"), "type Options struct {", "\n}")
    return dict(re.findall(r"^\t([A-Z]\w*) +([^`/\n]*?) *(?:`[^`]*`)?(?: *//.*)?$", body, re.M))


def cpp() -> dict[str, str]:
    body = between(read("include/nacos_auth.hpp"), "struct options {", "\n};")
    return {name: kind for kind, name in re.findall(r"^  (\S.*?) (\w+) = ", body, re.M)}


def rust() -> dict[str, str]:
    text = between(read("src/client/config.rs"), "impl Config {", "\n}")
    found = re.findall(r"pub fn (\w+)(?:<[^>]*>)?\(\s*(.*?),?\s*\) -> Self", text, re.S)
    return {
        (name if parameters.startswith("mut self") else f"Config::{name}"): re.sub(
            r"^mut self, |\s+(?=\s)|\n", "", parameters
        )
        for name, parameters in found
    }


def go_name(title: str) -> str:
    upper = {"ca": "CA", "pem": "PEM", "tls": "TLS"}
    return "".join(upper.get(word, word.capitalize()) for word in title.split("_"))


def default(field: Field, constants: dict[str, list[str]]) -> str:
    said = re.search(r"\b(?:NULL|0): (.*?)(?:[;.](?: |$))", field.comment)
    if said:
        value = "none" if said[1].startswith("nobody") else said[1]
        if field.name.endswith("_ms"):
            return f"{int(value) / 1000:g} s"
        return f"`{value}`" if value.startswith("NACOS_") else value.replace('"', "`")
    if field.comment.startswith("Required"):
        return "none: required"
    if field.type == "int32_t":
        return f"`{constants[field.name.upper()][0]}`"
    return "none"


def taken(field: Field, constants: dict[str, list[str]]) -> list[str]:
    return constants[field.name.upper().removesuffix("_LEVEL")]


def limits(field: Field, constants: dict[str, list[str]]) -> str:
    if field.name.endswith("_ms"):
        return "1 ms to 49.7 days in C, to a day in C++, Go and Python: [time-outs](timeouts.md)"
    if field.name == "server_addr":
        return "`[http(s)://]host[:port]`, one or several"
    if field.type == "int32_t":
        return ", ".join(f"`{name}`" for name in taken(field, constants))
    if field.type.startswith("uint"):
        return f"1 to 2<sup>{field.type[4:6]}</sup> - 1"
    if field.type.endswith("_callback"):
        return "a function"
    return "a path" if field.name.endswith("_file") else "PEM" if field.name.endswith("_pem") else "UTF-8"


def plain(text: str) -> str:
    """A comment of the header as Markdown."""
    return re.sub(r"`[^`]*`|\b(?:nacos|NACOS)_\w+\*?|\"[^\"]*\"|\b(?:ca|client_cert|client_key)_file\b", _code, text)


def _code(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith("`") or text == '""':
        return text if text.startswith("`") else f"`{text}`"
    return "`" + text.strip('"') + "`"


def names(field: Field) -> list[tuple[str, str, str]]:
    """Language, name and type; where a language has no such setting, what it has instead."""
    rows = [("C", field.name, field.type)]
    for language, found, name in (
        ("C++", cpp(), field.title),
        ("Python", python(), field.title),
        ("Go", go(), go_name(field.title)),
        ("Rust", rust(), field.title),
    ):
        name = OTHERWISE.get((language, field.title), name)
        if (language, field.title) in ABSENT:
            assert name not in found, f"{language} has {name} now"
            rows.append((language, "", ABSENT[language, field.title]))
        else:
            assert name in found, f"{language} has no setting {name}"
            rows.append((language, name, found[name]))
    return rows


def check_nothing_left(fields: list[Field]) -> None:
    """What a language has beyond C is not on the page."""
    known = {(language, name) for field in fields for language, name, _ in names(field)}
    for language, found in (("C++", cpp()), ("Python", python()), ("Go", go()), ("Rust", rust())):
        left = [name for name in found if (language, name) not in known]
        assert not left, f"{language} has {', '.join(left)}, which C has not"


def page() -> str:
    fields, constants = header()
    said = meanings()
    environment = set(re.findall(r'"(NACOS_\w+)"', read("src/client/config/environment.rs")))
    fields = [field for field in fields if field.name not in PLUMBING]
    check_nothing_left(fields)
    out = [
        "<!-- Generated by tools/site/settings.py from the sources. Do not edit. -->",
        "# Settings",
        "",
        "Every setting of a client, with its default and its range, and its name in each language. Those of single",
        "calls are in the pages of the languages: [C and C++](c-and-cpp.md#one-call-unlike-the-others),",
        "[Python](../bindings/python/README.md#requests),",
        "[Go](../bindings/go/README.md#which-way-to-send-requests). Some can be taken from",
        "[environment variables](environment.md).",
        "",
        "| setting | unless set | range |",
        "|---|---|---|",
    ]
    out += [f"| [`{f.title}`](#{f.title}) | {default(f, constants)} | {limits(f, constants)} |" for f in fields]
    for field in fields:
        out += ["", f"## {field.title}", "", plain(field.comment), "", "| | name | type |", "|---|---|---|"]
        rows = names(field)
        if field.type == "int32_t":
            out[-2:-2] = [f"- `{name}`: {plain(said[name])}" for name in taken(field, constants)] + [""]
        variable = f"NACOS_{field.title.upper()}"
        if variable in environment:
            rows.append(("[environment](environment.md)", variable, ""))
        for language, name, kind in rows:
            cells = [language, *(f"`{cell}`" if cell and name else cell for cell in (name, kind.replace("|", "\\|")))]
            out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        print(page(), end="")
    else:
        PAGE.write_text(page(), encoding="utf-8")
