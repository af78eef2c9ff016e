"""Programs that end with the one that started them, whatever that dies of."""

from __future__ import annotations

import os
import shutil

__all__ = ["ends_with_us"]

# Whoever started this may have died before the kernel was told to watch it: then nothing is begun.
UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'


def ends_with_us(signal: str, *command: str, parent: int | None = None) -> list[str]:
    """`command`, which Linux sends `signal` when this program (`parent`) is gone; without util-linux's setpriv, as it is."""
    if not shutil.which("setpriv"):
        return list(command)
    watched = ("setpriv", "--pdeathsig", signal, "sh", "-c", UNLESS_ORPHANED)
    return [*watched, str(os.getpid() if parent is None else parent), *command]
