"""Several interpreters in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nacos_auth

IN_SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters  # 3.13
except ImportError:
    import _xxsubinterpreters as interpreters
for kind in ("legacy", "isolated"):
    if interpreters.__name__ == "_interpreters":
        number = interpreters.create(kind)
    else:
        number = interpreters.create(isolated=kind == "isolated")
    code = f"import sys; sys.path[:] = {sys.path}"
    code += '''
try:
    import nacos_auth
except ImportError as refusal:
    print("refused" if "interpreter" in str(refusal) else refusal)
'''
    (getattr(interpreters, "exec", None) or interpreters.run_string)(number, code)
    interpreters.destroy(number)
import nacos_auth
print("welcome")
"""


def test_subinterpreters_are_told_that_they_cannot() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_SUBINTERPRETER],
        env={**os.environ, "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "refused\nrefused\nwelcome\n", "")
