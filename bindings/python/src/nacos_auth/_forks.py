"""What a forked child does not go on with, and begins anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from ._workers import true

_beginnings: list[Callable[[], object]] = []
_process = os.getpid()
_lock = true("RLock")()


def in_child(begin_anew: Callable[[], object]) -> None:
    """Has this called in the child of each later fork; more than once does no harm."""
    _beginnings.append(begin_anew)


def look() -> None:
    """Where a call begins: Python does not hear of each fork, not of those of uWSGI."""
    if os.getpid() != _process:
        with _lock:
            if os.getpid() != _process:
                _begin_anew()


def is_uwsgi_master() -> bool:
    """Whether uWSGI loads the program here and forks its workers afterwards, or is there no more than that.

    It does so whoever has the interpreter. In the child nobody ever gives that back: so no other thread may run Python
    here. A worker counts from one.
    """
    uwsgi = sys.modules.get("uwsgi")  # which exists inside of uWSGI only
    worker_id = getattr(uwsgi, "worker_id", None)
    return worker_id is not None and worker_id() == 0


def _begin_anew() -> None:
    global _process  # noqa: PLW0603
    for begin_anew in _beginnings:
        begin_anew()
    _process = os.getpid()  # only now: if a handler of a signal raises, the next call does the rest


def _in_child() -> None:
    global _lock  # noqa: PLW0603
    _lock = true("RLock")()  # another thread of the parent may have held it
    _begin_anew()


os.register_at_fork(after_in_child=_in_child)
