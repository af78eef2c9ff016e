"""Why does a server refuse? The examination, and what it finds."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Sequence
from ctypes import CDLL, byref
from dataclasses import dataclass
from weakref import WeakValueDictionary

from ._arguments import Unpack, flag, invalid, milliseconds, optional_text, server_list
from ._base import leave_unless
from ._callbacks import Credentials, Functions, forget, register
from ._calls import NativeCall
from ._causes import Cause
from ._declarations import DIAGNOSE_SEND_WRITES, DiagnoseOptions, OwnedDiagnosis, OwnedError, set_cancel
from ._declarations import Finding as NativeFinding
from ._ending import at_end
from ._errors import InternalError, NacosError, cause_of, server_of, take_error
from ._forks import in_child, look
from ._greenlets import run_cancellable, waiting
from ._library import library
from ._settings import ClientSettings, PlainSettings, auth_options

_DEFAULT_TIMEOUT = 10.0  # of the library: timeout_ms
_TOO_LATE = "the program is ending: its credentials function is not called any more"


class Severity(enum.IntEnum):
    """How bad a finding is."""

    OK = 0
    """As it should be."""
    INFORMATION = 1
    """Worth knowing; nothing has to be done."""
    WARNING = 2
    """It works, and may not for long, or not well."""
    ERROR = 3
    """It does not work."""


@dataclass(frozen=True)
class Finding:
    """One step of an examination. Holds no password, token or query."""

    severity: Severity
    cause: Cause | str
    """Why, as in `NacosError.cause`: `Cause.HEALTHY` of what is as it should be."""
    server: str | None
    """The server it is about, "host:port"; None if it is about none, or about all of them."""
    seen: str
    """What was seen: the server's own words, times, versions."""
    means: str
    """What it means, in a sentence."""
    cure: str
    """What to do about it, in a sentence."""


@dataclass(frozen=True)
class Diagnosis:
    """What an examination found. Holds no password, token or query, so that it can be shown to anybody."""

    findings: tuple[Finding, ...]
    """In the order in which they were made."""
    severity: Severity
    """That of the worst finding."""
    text: str
    """All findings for people, a paragraph each."""
    json: str
    """All findings as JSON: `{"severity": "error", "findings": [{"severity", "cause", "server", …}]}`."""


class DiagnoseCall(NativeCall[DiagnoseOptions]):
    __slots__ = ("__weakref__", "_auth_options", "_functions")

    def __init__(
        self,
        options: DiagnoseOptions,
        server_addr: str | Sequence[str],
        username: str | None,
        password: str | None,
        *,
        credentials: Callable[[], Credentials] | None = None,
        logger: object = None,
        on_event: object = None,
        **settings: Unpack[PlainSettings],
    ) -> None:
        """The functions that are told what happens are not called."""
        try:
            self._auth_options = auth_options(server_list(server_addr), username, password, **settings)
        finally:
            del password, settings
        super().__init__(library(), options)
        look()
        if credentials is not None:
            set_cancel(options, self.library.nacos_cancel_new())  # for the end of the program
        self._functions = register(Functions(credentials, None, None), self._auth_options)

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return self.options.timeout_ms / 1000 or _DEFAULT_TIMEOUT

    def run(self) -> Diagnosis:
        self._begin()
        try:
            if self._functions is not None:
                _asking[id(self)] = self
                if _is_over:
                    raise InternalError(_TOO_LATE, cause=Cause.INTERNAL)
            return self._run()
        finally:
            _asking.pop(id(self), None)
            forget(self._functions)

    def _run(self) -> Diagnosis:
        diagnosis, error = OwnedDiagnosis(), OwnedError()
        status = self.library.nacos_auth_diagnose(
            byref(self._auth_options), byref(self.options), byref(diagnosis), byref(error)
        )
        if status:
            raise _named(take_error(self.library, status, error))
        return _read(self.library, diagnosis)


_asking: WeakValueDictionary[int, DiagnoseCall] = WeakValueDictionary()
"""By id: those under way that may call a credentials function."""
_is_over = False


def _end_those_with_functions() -> None:
    """Before the interpreter goes, which no thread must enter any more from below the native library."""
    global _is_over  # noqa: PLW0603
    _is_over = True
    try:
        while not _have_ended():
            pass
    except BaseException as interrupt:
        leave_unless(_have_ended, interrupt)
        raise


def _have_ended() -> bool:
    for reference in _asking.valuerefs():
        call = reference()
        if call is not None:
            call.cancel()
    time.sleep(0.01)
    return not _asking


at_end(_end_those_with_functions)
in_child(_asking.clear)


def _named(failure: NacosError) -> NacosError:
    """To the native library it is the examination's token; that of a client is a setting."""
    if failure.status == "INVALID_ARGUMENT" and str(failure).startswith("token:"):
        failure.args = (f"refused_{failure}",)
    return failure


def _read(library: CDLL, diagnosis: OwnedDiagnosis) -> Diagnosis:
    found, findings = NativeFinding(), []
    for index in range(library.nacos_diagnosis_count(diagnosis)):
        error = OwnedError()
        status = library.nacos_diagnosis_finding(diagnosis, index, byref(found), byref(error))
        if status:
            raise take_error(library, status, error)
        findings.append(
            Finding(
                severity=_severity(found.severity),
                cause=cause_of(found.cause) or "",
                server=server_of(found.server),
                seen=found.seen.decode("utf-8", "replace"),
                means=found.means.decode("utf-8", "replace"),
                cure=found.cure.decode("utf-8", "replace"),
            )
        )
    return Diagnosis(
        tuple(findings),
        _severity(library.nacos_diagnosis_severity(diagnosis)),
        library.nacos_diagnosis_text(diagnosis).decode("utf-8", "replace"),
        library.nacos_diagnosis_json(diagnosis).decode("utf-8", "replace"),
    )


def _severity(number: int) -> Severity:
    """One that is newer than this package is worse than those it knows."""
    return Severity(min(number, Severity.ERROR))


def diagnose_options(
    method: object, path: object, refused_token: object, send_writes: object, timeout: object
) -> DiagnoseOptions:
    try:
        if method is not None and path is None:
            raise invalid("method goes with path: give both, or neither")
        return DiagnoseOptions(
            method=optional_text("method", method),
            path=optional_text("path", path),
            token=optional_text("refused_token", refused_token),
            timeout_ms=milliseconds("timeout", timeout),
            flags=DIAGNOSE_SEND_WRITES if flag("send_writes", send_writes) else 0,
        )
    finally:
        del path, refused_token  # a traceback that shows variables must not find them here


def diagnose(
    server_addr: str | Sequence[str],
    username: str | None = None,
    password: str | None = None,
    *,
    method: str | None = None,
    path: str | None = None,
    refused_token: str | None = None,
    send_writes: bool = False,
    timeout: float | None = None,
    **settings: Unpack[ClientSettings],
) -> Diagnosis:
    """Finds out whether these settings work, and if not, why not; and what is wrong with a token or a request.

    Is the server there, is it a Nacos, does it let this user in, does it take its own token, do the servers of the list
    share a secret and a clock? Whatever is wrong is a finding, and raises nothing. Makes connections and logins of its
    own, at most two logins at each server, and none at the others once one has refused the password.

    server_addr, username, password, settings: as of `Client`. Of its functions only credentials is called.
    method, path: of a request that fails; the path comes after the context path, and may carry a query that is already
    percent-encoded. One that may change something (neither GET, HEAD nor OPTIONS) is sent only with send_writes; no
    body goes along. refused_token: one that a server refuses; no login is made with it.
    timeout: seconds, for all of it. None is 10, enough for three servers of which two do not answer.

    Raises `InvalidArgumentError` as `Client` does, or `LibraryError`.
    """
    try:
        options = diagnose_options(method, path, refused_token, send_writes, timeout)
        call = DiagnoseCall(options, server_addr, username, password, **settings)
    finally:
        del password, path, refused_token, settings  # a traceback that shows variables must not find them here
    make_bell = waiting()
    if make_bell is None:
        return call.run()
    call.be_cancellable(call.seconds)
    return run_cancellable(call, call.seconds, make_bell)
