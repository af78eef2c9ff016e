"""README shows what the demo prints: the lines of a run on this machine, but for their numbers."""

from __future__ import annotations

from pathlib import Path

import demo_output
import pytest
from demo_output import OUTPUT, README, excerpt, shape, shown

RUN = """30 s against a Nacos look-alike at 127.0.0.1:33813, whose tokens live for 5 s
  0.9 s  cpp: requests 5, tokens 1, rejected 0, failures 0
 30.2 s  go: requests 143, tokens 12, rejected 1, failures 0
 30.2 s  go: ended well

program  requests  tokens  rejected  failures
go            143      12         1         0  ok

seconds  0         10        20
go       .11222333455566777888999aabbbc
                   S         X
S at 10.0 s: new secret, every token is refused
"""


def test_readme_has_the_shape_of_a_run() -> None:
    lines = shown(README.read_text(encoding="utf-8"))
    if not OUTPUT.exists():
        pytest.skip("there is no build/demo.txt: make demo writes it")
    output = OUTPUT.read_text(encoding="utf-8")
    if "left out: " in output:
        pytest.skip("the demo left out a language whose toolchain is missing here")
    assert shape(lines) == shape(excerpt(output)), "README shows another output than the demo prints; make readme"


def test_what_is_shown_of_a_run() -> None:
    assert excerpt(RUN)[:4] == [
        "  …",
        " 30.2 s  go: requests 143, tokens 12, rejected 1, failures 0",
        "  …",
        "program  requests  tokens  rejected  failures",
    ]
    assert excerpt(RUN)[-1] == "S at 10.0 s: new secret, every token is refused"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("143", "150"),
        ("30.2 s  go: requests", "29.8 s  python: requests"),
        (".11222333455566777888999aabbbc", "111223334455566777888999aabbbc"),
        ("                   S         X", "                    S        X"),
        ("at 10.0 s", "at 10.1 s"),
    ],
)
def test_numbers_make_no_other_shape(old: str, new: str) -> None:
    assert old in RUN
    assert shape(excerpt(RUN.replace(old, new))) == shape(excerpt(RUN))


@pytest.mark.parametrize(
    ("old", "new"), [("rejected  failures", "failures"), ("go   ", "rust "), ("  ok", "  FAILED: gone")]
)
def test_words_do(old: str, new: str) -> None:
    assert old in RUN
    assert shape(excerpt(RUN.replace(old, new))) != shape(excerpt(RUN))


def test_the_block_is_replaced_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    readme = README.read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    (tmp_path / "demo.txt").write_text(RUN, encoding="utf-8")
    monkeypatch.setattr(demo_output, "README", tmp_path / "README.md")
    monkeypatch.setattr(demo_output, "OUTPUT", tmp_path / "demo.txt")
    assert demo_output.main() == 0
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert shown(written) == excerpt(RUN)
    assert written.replace("\n".join(shown(written)), "") == readme.replace("\n".join(shown(readme)), "")
