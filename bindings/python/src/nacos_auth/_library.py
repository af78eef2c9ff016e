"""Finds and loads the native library, when it is first used."""

from __future__ import annotations

import os
from ctypes import CDLL, PyDLL
from functools import partial

from ._declarations import ABI_VERSION, FUNCTIONS, Owned
from ._errors import LibraryError

_SONAME = f"libnacos_auth.so.{ABI_VERSION}"
_QUICK = (
    *("nacos_response_", "nacos_error_", "nacos_status_", "nacos_diagnosis_"),
    *("nacos_token_", "nacos_request_start", "nacos_operation_", "nacos_queue_"),
)
"""How functions begin that wait for nothing."""
_loaded: CDLL | None = None


def library() -> CDLL:
    """The loaded library. Raises `LibraryError` saying what was tried; the next call tries again.

    No lock: loading twice at once is harmless, and a lock could be inherited held over a fork.
    """
    global _loaded  # noqa: PLW0603
    if _loaded is None:
        _loaded = _load()
    return _loaded


def library_version() -> str:
    """The version of the native library, such as "0.1.0"."""
    version: bytes = library().nacos_auth_version()
    return version.decode()


def _load() -> CDLL:
    tried = []
    for candidate in _candidates():
        try:
            return _declare(CDLL(candidate), PyDLL(candidate))
        except (OSError, AttributeError, LibraryError) as failure:
            tried.append(f"{candidate} ({failure})")
    raise _failure(
        f"cannot load the native library; tried {'; '.join(tried)}. "
        "Install a wheel that carries it, or let NACOS_AUTH_LIBRARY name its file"
    )


def _candidates() -> list[str]:
    override = os.environ.get("NACOS_AUTH_LIBRARY")
    if override:  # alone: falling back from a choice made on purpose would hide its failure
        return [override]
    return [os.path.join(os.path.dirname(__file__), "libnacos_auth.so"), _SONAME]


def _declare(library: CDLL, quick: PyDLL) -> CDLL:
    """Other Python threads run during every call, except those that wait for nothing.

    A dozen of these belong to each request, and to fight for the interpreter after each one halves what many threads
    get done, at two to four times the processor time.
    """
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(quick if name.startswith(_QUICK) else library, name)
        function.restype, function.argtypes = result, arguments
        setattr(library, name, function)
    for kind in Owned.__subclasses__():
        # A finalizer that is called like any other, by way of a property, and yet has no line of Python: in one the
        # handler of a signal might raise before anything is freed, and what it raises would be lost. The property
        # calls the native function and has to give something to be called: a `slice` of no meaning.
        finalizer = (quick if kind.free.startswith(_QUICK) else library)[kind.free]
        finalizer.restype, finalizer.argtypes = FUNCTIONS[kind.free]
        finalizer.errcheck = partial(partial, slice)  # type: ignore[assignment]
        setattr(kind, "__del__", property(finalizer))  # noqa: B010
    abi = library.nacos_auth_abi_version()
    if abi != ABI_VERSION:
        raise _failure(f"it has ABI {abi}, this package needs ABI {ABI_VERSION}")
    return library


def _failure(message: str) -> LibraryError:
    return LibraryError(message, status="LIBRARY", code=0)
