"""What is done at the end of the program, before the interpreter goes."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable


def at_end(end: Callable[[], object]) -> None:
    """Has this called by the exit handlers; or after them, if they run already, which no further one is called by."""
    atexit.register(_End(end))


class _End:
    """An exit handler, to which nothing else refers."""

    __slots__ = ("_end", "_is_called")

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._is_called = False

    def __call__(self) -> None:
        self._is_called = True
        self._end()

    def __del__(self) -> None:
        # The interpreter lets go of its exit handlers after the last of them, when all of Python still works. A caller
        # in Python has but cleared them, as multiprocessing does in a forked child.
        if not self._is_called and sys._getframe().f_back is None:
            self()
