"""Where PyInstaller finds what to put into a program besides the modules that it sees."""

from __future__ import annotations

import os


def get_hook_dirs() -> list[str]:
    return [os.path.dirname(__file__)]
