"""The ctypes declarations against the C header: names, types, layouts, numbers."""

from __future__ import annotations

import ctypes
import logging
import re
import subprocess
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import pytest

from devserver import REPOSITORY
from nacos_auth import (
    Advice,
    Cause,
    Severity,
    _arguments,
    _callbacks,
    _declarations,
    _errors,
    _health,
    _state,
    library_version,
)
from nacos_auth._declarations import FUNCTIONS
from nacos_auth._library import library

INCLUDE = REPOSITORY / "include"
HEADER = (INCLUDE / "nacos_auth.h").read_text()


STRUCTS: dict[str, type[ctypes.Structure]] = {
    "nacos_pair": _declarations.Pair,
    "nacos_auth_options": _declarations.AuthOptions,
    "nacos_event": _declarations.Event,
    "nacos_call_options": _declarations.CallOptions,
    "nacos_token_info": _declarations.TokenInfo,
    "nacos_request_options": _declarations.RequestOptions,
    "nacos_completion": _declarations.Completion,
    "nacos_start_options": _declarations.StartOptions,
    "nacos_auth_statistics": _declarations.AuthStatistics,
    "nacos_log_record": _declarations.LogRecord,
    "nacos_rejection": _declarations.Rejection,
    "nacos_advice": _declarations.Advice,
    "nacos_diagnose_options": _declarations.DiagnoseOptions,
    "nacos_finding": _declarations.Finding,
    "nacos_health": _declarations.NativeHealth,
}
FLAGS = ("NO_WAIT", "NO_REPLAY", "NO_FAILOVER", "IDEMPOTENT", "NOT_IDEMPOTENT", "NO_ANONYMOUS")
SCALARS = {
    "nacos_status": c_int32,
    "int32_t": c_int32,
    "int64_t": c_int64,
    "uint32_t": c_uint32,
    "uint64_t": c_uint64,
    "size_t": c_size_t,
}


def prototypes() -> dict[str, tuple[str, list[str]]]:
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", HEADER, flags=re.DOTALL)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*$", " ", text, flags=re.MULTILINE)
    text = re.sub(r"\b(extern|NACOS_MUST_USE|NACOS_NOEXCEPT|NACOS_API)\b", " ", text)
    found = {}
    for result, name, arguments in re.findall(r"([\w \t*]+?)\b(nacos_\w+)\s*\(([^(){};]*)\)\s*;", text):
        if "return" not in result:  # a call inside an inline initialiser
            parameters = [] if arguments.strip() in {"", "void"} else [part.strip() for part in arguments.split(",")]
            found[name] = (result.strip(), [re.sub(r"\w+$", "", part).strip() for part in parameters])
    return found


def in_ctypes(c_type: str, *, result: bool = False) -> Any:
    name = re.sub(r"\b(const|struct)\b", "", c_type).replace(" ", "")
    if name == "void":
        return None
    if name in SCALARS:
        return SCALARS[name]
    if name == "char*":  # a const one is a string, the other is a buffer to fill
        return c_char_p if "const" in c_type else c_void_p
    if name == "uint8_t*":
        return c_char_p if not result else c_void_p
    if name == "char**":
        return POINTER(c_char_p)
    if name.endswith("**"):
        return POINTER(c_void_p)
    pointee = name[:-1]
    if pointee in STRUCTS:
        return POINTER(STRUCTS[pointee])
    if pointee in SCALARS and not result:
        return POINTER(SCALARS[pointee])
    return c_void_p


def test_every_function_of_the_header_is_declared_and_no_other() -> None:
    assert set(prototypes()) == set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_types(name: str) -> None:
    result, arguments = prototypes()[name]
    declared = FUNCTIONS[name]
    owned = isinstance(declared[0], type) and issubclass(declared[0], _declarations.Owned)
    assert (c_void_p if owned else declared[0]) == in_ctypes(result, result=True)
    assert declared[1] == [in_ctypes(argument) for argument in arguments]


@pytest.mark.parametrize("name", ["credentials", "event", "log"])
def test_callbacks(name: str) -> None:
    declared = re.findall(rf"^typedef void \(\*nacos_{name}_callback\)\(void \*data, ([^)]*)\);", HEADER, re.MULTILINE)
    arguments = [in_ctypes(re.sub(r"\w+$", "", part)) for part in declared[0].split(",")]
    prototype: Any = getattr(_declarations, f"{name.upper()}_CALLBACK")
    assert prototype._restype_ is None
    assert prototype._argtypes_ == (c_size_t, *arguments)  # the data is a number here


def test_layouts(tmp_path: Path) -> None:
    fields = [(c_name, field[0]) for c_name, struct in STRUCTS.items() for field in struct._fields_]
    lines = [f'printf("{c} %zu\\n", sizeof({c}));' for c in STRUCTS]
    lines += [f'printf("{c}.{f} %zu %zu\\n", offsetof({c}, {f}), sizeof((({c} *)0)->{f}));' for c, f in fields]
    seen = run_c(tmp_path, lines)
    expected = [f"{c} {ctypes.sizeof(struct)}" for c, struct in STRUCTS.items()]
    for c_name, name in fields:
        place = getattr(STRUCTS[c_name], name)
        expected.append(f"{c_name}.{name} {place.offset} {place.size}")
    assert seen == expected


@pytest.mark.parametrize("struct", STRUCTS.values())
def test_no_padding(struct: type[ctypes.Structure]) -> None:
    """Fields that fill the struct without a gap leave no room for one that is missing here."""
    end = 0
    for field in struct._fields_:
        place = getattr(struct, field[0])
        assert place.offset == end
        end += place.size
    assert end == ctypes.sizeof(struct)


def test_numbers(tmp_path: Path) -> None:
    families_of = "ANONYMOUS|ADVICE|TOKEN|REFRESH|EVENT|LOG|FLAG|PAIR|SENT|SEVERITY|DIAGNOSE|HEALTH"
    names = sorted(set(re.findall(rf"#define (NACOS_(?:{families_of})_[A-Z_]+) ", HEADER)))
    seen = run_c(tmp_path, [f'printf("{name} %d\\n", (int)({name}));' for name in names])
    families: dict[str, dict[str, int]] = {
        "TOKEN_IN": _arguments._TOKEN_IN,
        "ANONYMOUS": _arguments._ANONYMOUS,
        "FLAG": {name: getattr(_declarations, name) for name in FLAGS},
        "PAIR": {"SENSITIVE": _declarations.PAIR_SENSITIVE},
        "SENT": {"NO": False, "PERHAPS": True},
        "ADVICE": {advice.name: advice.value for advice in Advice},
        "TOKEN": {name: number for number, name in _state.TOKEN_STATES.items()},
        "EVENT": {name: number for number, name in _state.EVENT_KINDS.items()},
        "LOG": {logging.getLevelName(level).replace("ING", ""): n for n, level in _callbacks._LEVELS.items()},
        "REFRESH": {name: number for number, name in _state.REFRESH_STATES.items()},
        "SEVERITY": {severity.name: severity.value for severity in Severity},
        "HEALTH": {name: number for number, name in _health.HEALTH.items()},
        "DIAGNOSE": {"SEND_WRITES": _declarations.DIAGNOSE_SEND_WRITES},
    }
    expected = {
        f"NACOS_{family}_{name.upper()} {int(n)}" for family, members in families.items() for name, n in members.items()
    }
    assert set(seen) == expected


def test_every_status_has_a_class() -> None:
    statuses = {int(number) for number in re.findall(r"\bNACOS_[A-Z_0-9]+[ \t=]+\(?(\d{3})\b", HEADER)}
    assert statuses == set(_errors._CLASSES)


def test_every_cause_is_there() -> None:
    assert {str(cause.value) for cause in Cause} == set(re.findall(r'#define NACOS_CAUSE_\w+ "(.+)"', HEADER))
    assert [_errors.cause_of(word) for word in (b"tls-failed", b"new-one", b"")] == [Cause.TLS_FAILED, "new-one", None]
    assert f"{Cause.TLS_FAILED} {Cause.TLS_FAILED!s}" == "tls-failed tls-failed"


def test_names_are_those_of_the_library() -> None:
    native = library()
    for names, function in (
        (_state.EVENT_KINDS, native.nacos_event_name),
        (_state.TOKEN_STATES, native.nacos_token_state_name),
        (_state.REFRESH_STATES, native.nacos_refresh_state_name),
        ({number: name for name, number in _arguments._TOKEN_IN.items()}, native.nacos_token_in_name),
        ({advice.value: advice.name for advice in Advice}, native.nacos_advice_name),
        ({severity.value: severity.name for severity in Severity}, native.nacos_severity_name),
    ):
        assert {number: function(number).decode() for number in names} == {n: s.upper() for n, s in names.items()}
        assert function(99) == b"UNKNOWN"


def test_version_number() -> None:
    number = library().nacos_auth_version_number()
    assert library_version() == f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def test_abi_version() -> None:
    assert re.findall(r"NACOS_AUTH_ABI_VERSION[ \t]+(\d+)", HEADER) == [str(_declarations.ABI_VERSION)]


def run_c(folder: Path, lines: list[str]) -> list[str]:
    source = folder / "print.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <nacos_auth.h>\nint main(void) {\n"
        + "\n".join(lines)
        + "\nreturn 0; }\n"
    )
    subprocess.run(["cc", "-I", str(INCLUDE), "-o", str(folder / "print"), str(source)], check=True)
    output = subprocess.run([str(folder / "print")], check=True, capture_output=True, text=True).stdout
    return output.splitlines()
