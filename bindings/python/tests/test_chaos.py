"""A short run of long/asyncio_chaos.py; a minute of it with HOST_LONG."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 60 if os.environ.get("HOST_LONG") else 15


def test_asyncio_with_cancellations_forks_signals_and_lost_tokens(tmp_path: Path) -> None:
    """Its seed is in the output of a failure."""
    script = Path(__file__).parent / "long" / "asyncio_chaos.py"
    output = tmp_path / "output"  # a pipe would be held open by children that hang
    with output.open("w") as file:
        done = subprocess.run(
            [sys.executable, str(script), "--minutes", str(SECONDS / 60)],
            env={**os.environ, "MALLOC_PERTURB_": "165"},
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS + 240,
            check=False,
        )
    assert done.returncode == 0, output.read_text()
