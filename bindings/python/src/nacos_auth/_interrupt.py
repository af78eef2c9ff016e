"""Ctrl-C during a call into the native library.

Python runs signal handlers between two of its own instructions, so not while the main thread is inside C. What it does
at once is to write the signal's number to a "wakeup" file. For the length of a call that file is the pipe of a thread
which ends the call when the number is that of Ctrl-C and its handler is Python's own, which always raises. Any other
handler may return, and then the call has to go on: such signals are handled when it is over.
"""

from __future__ import annotations

import contextlib
import os
import posix
import signal
import threading
from collections.abc import Callable
from ctypes import CDLL, c_void_p

from ._declarations import CallOptions, RequestOptions
from ._greenlets import start_thread

# Files are used by way of posix: what gevent and eventlet put into os waits for a hub, which the watcher has not.

_NO_FILE = -1  # as signal.set_wakeup_fd spells it


def interruptible(
    library: CDLL, function: Callable[..., int], options: CallOptions | RequestOptions, *arguments: object
) -> int:
    """The status of `function(*arguments)`. On the main thread it sets `options.cancel`, and Ctrl-C ends the call.

    Raises KeyboardInterrupt then; what the function has given out by then is the caller's to free.
    """
    if threading.get_ident() != threading.main_thread().ident:
        return function(*arguments)
    global _watcher  # noqa: PLW0603
    watcher = _watcher
    if watcher is None:
        try:
            watcher = _watcher = _Watcher(library)
        except (OSError, RuntimeError):  # no descriptor or no thread to be had: the call matters more than Ctrl-C
            return function(*arguments)
    options.cancel = watcher.cancel
    try:
        outer = signal.set_wakeup_fd(watcher.writer, warn_on_full_buffer=False)
        try:
            if outer != watcher.writer:  # else this call is made by the handler of a signal, which interrupts another
                watcher.outer = outer
            return function(*arguments)
        finally:
            signal.set_wakeup_fd(outer)
    except KeyboardInterrupt:
        _watcher = None  # its cancel is used up, or is about to be
        watcher.detach()
        posix.close(watcher.writer)  # ends its thread
        raise


class _Watcher:
    """A thread that reads the numbers of the signals that arrive while the main thread is in a call."""

    def __init__(self, library: CDLL) -> None:
        self.outer = _NO_FILE
        self.reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.writer, False)  # the handler in C that writes to it must never wait
        self.cancel: int = library.nacos_cancel_new()
        try:
            start_thread(self._watch, (library,))
        except RuntimeError:
            posix.close(self.reader)
            posix.close(self.writer)
            library.nacos_cancel_free(c_void_p(self.cancel))
            raise

    def detach(self) -> None:
        """Makes sure that no signal is written to the pipe any more."""
        current = signal.set_wakeup_fd(_NO_FILE)
        if current != self.writer:
            signal.set_wakeup_fd(current)

    def _watch(self, library: CDLL) -> None:
        while numbers := posix.read(self.reader, 64):
            if signal.SIGINT in numbers and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                library.nacos_cancel_trigger(self.cancel)
            if self.outer != _NO_FILE:
                with contextlib.suppress(OSError):
                    posix.write(self.outer, numbers)
        posix.close(self.reader)
        library.nacos_cancel_free(c_void_p(self.cancel))


_watcher: _Watcher | None = None


def _leave_watcher_behind() -> None:
    """In a forked child, where its thread is missing and its pipe is the parent's."""
    global _watcher
    watcher, _watcher = _watcher, None
    if watcher is not None:
        watcher.detach()
        posix.close(watcher.writer)
        posix.close(watcher.reader)


os.register_at_fork(after_in_child=_leave_watcher_behind)
