"""include/nacos_auth.h in ctypes words; tests/test_declarations.py compares the two."""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)
from typing import Any, ClassVar

ABI_VERSION = 1

# Handles and memory the library owns are c_void_p: a c_char_p result would be copied and its address lost.
# Strings and bodies going in are c_char_p: ctypes then keeps the bytes object alive for as long as the struct.
# Borrowed NUL-terminated strings coming out are c_char_p: the copy is what is wanted.
Handle = c_void_p


class Owned(c_void_p):
    """A native object, freed with this one, which is there before it: give it as the out-parameter. NULL is nothing.

    `_library` gives each class its finalizer.
    """

    __slots__ = ()
    free: ClassVar[str]
    """The function that frees it."""


class OwnedHandle(Owned):
    __slots__ = ()
    free = "nacos_auth_free"


class OwnedResponse(Owned):
    __slots__ = ()
    free = "nacos_response_free"


class OwnedError(Owned):
    __slots__ = ()
    free = "nacos_error_free"


class OwnedDiagnosis(Owned):
    __slots__ = ()
    free = "nacos_diagnosis_free"


class OwnedMetrics(Owned):
    __slots__ = ()
    free = "nacos_metrics_free"


class OwnedToken(Owned):
    __slots__ = ()
    free = "nacos_token_free"


class OwnedQueue(Owned):
    __slots__ = ()
    free = "nacos_queue_free"


class OwnedOperation(Owned):
    """The hold on a call under way, which goes on without it."""

    __slots__ = ()
    free = "nacos_operation_free"


class OwnedCancel(Owned):
    """A signal that ends calls; whoever holds options with it may make the call."""

    __slots__ = ()
    free = "nacos_cancel_free"


class _Sized(Structure):
    """A struct that opens with its own size; the fields not named are zero, which means "default"."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(sizeof(self), **fields)


class Event(Structure):
    struct_size: int
    kind: int
    level: int
    generation: int
    status: int
    http_status: int
    retry_after_ms: int
    message: bytes
    server: bytes
    cause: bytes
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("level", c_int32),
        ("generation", c_uint64),
        ("status", c_int32),
        ("http_status", c_int32),
        ("retry_after_ms", c_uint64),
        ("message", c_char_p),
        ("server", c_char_p),
        ("cause", c_char_p),
    ]


class LogRecord(Structure):
    struct_size: int
    level: int
    message: bytes
    server: bytes
    cause: bytes
    _fields_ = [
        ("struct_size", c_size_t),
        ("level", c_int32),
        ("reserved0", c_int32),
        ("message", c_char_p),
        ("server", c_char_p),
        ("cause", c_char_p),
    ]


# The first argument is callback_data, in which this binding keeps a number.
CREDENTIALS_CALLBACK = CFUNCTYPE(None, c_size_t, Handle)
EVENT_CALLBACK = CFUNCTYPE(None, c_size_t, POINTER(Event))
LOG_CALLBACK = CFUNCTYPE(None, c_size_t, POINTER(LogRecord))


class AuthOptions(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("server_addr", c_char_p),
        ("context_path", c_char_p),
        ("username", c_char_p),
        ("password", c_char_p),
        ("password_file", c_char_p),
        ("token", c_char_p),
        ("credentials", CREDENTIALS_CALLBACK),
        ("event", EVENT_CALLBACK),
        ("log", LOG_CALLBACK),
        # Not used: as a function of Python's it would be called by daemon threads while the interpreter ends, which
        # up to 3.13 ends such a thread with pthread_exit, and that ends the process when frames of Rust are below.
        ("keep_waiting", c_void_p),
        ("callback_data", c_size_t),
        ("callback_drop", c_void_p),
        ("ca_file", c_char_p),
        ("client_cert_file", c_char_p),
        ("client_key_file", c_char_p),
        ("ca_pem", c_char_p),
        ("client_cert_pem", c_char_p),
        ("client_key_pem", c_char_p),
        ("tls_server_name", c_char_p),
        ("proxy", c_char_p),
        ("user_agent", c_char_p),
        ("max_response_size", c_uint64),
        ("connect_timeout_ms", c_uint32),
        ("request_timeout_ms", c_uint32),
        ("max_connections", c_uint32),
        ("token_in", c_int32),
        ("anonymous", c_int32),
        ("log_level", c_int32),
        ("max_operations", c_uint32),
        ("reserved0", c_uint32),
    ]


# Flags of calls.
NO_WAIT = 1
NO_REPLAY = 2
NO_FAILOVER = 4
IDEMPOTENT = 8
NOT_IDEMPOTENT = 16
NO_ANONYMOUS = 32


class CallOptions(_Sized):
    timeout_ms: int
    flags: int
    owned_cancel: OwnedCancel | None = None
    """Whose address is in `cancel`, in which ctypes would not keep it alive: see `set_cancel`."""
    _fields_ = [
        ("struct_size", c_size_t),
        ("cancel", Handle),
        ("timeout_ms", c_uint32),
        ("flags", c_uint32),
    ]


class TokenInfo(_Sized):
    length: int
    generation: int
    remaining_ms: int
    expired: int
    _fields_ = [
        ("struct_size", c_size_t),
        ("length", c_size_t),
        ("generation", c_uint64),
        ("remaining_ms", c_int64),
        ("expired", c_int32),
        ("reserved0", c_int32),
    ]


PAIR_SENSITIVE = 1


class Pair(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("value", c_char_p),
        ("name_len", c_size_t),
        ("value_len", c_size_t),
        ("flags", c_uint32),
        ("reserved0", c_uint32),
    ]


class RequestOptions(Structure):
    """Made for every request, so without the comfort of `_Sized`: give all fields in order."""

    timeout_ms: int
    flags: int
    header_count: int
    headers: Any
    owned_cancel: OwnedCancel | None = None
    """As that of `CallOptions`."""
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_char_p),
        ("path", c_char_p),
        ("query", POINTER(Pair)),
        ("query_count", c_size_t),
        ("headers", POINTER(Pair)),
        ("header_count", c_size_t),
        ("form", POINTER(Pair)),
        ("form_count", c_size_t),
        ("body", c_char_p),
        ("body_len", c_size_t),
        ("cancel", Handle),
        ("timeout_ms", c_uint32),
        ("flags", c_uint32),
    ]


class Completion(Structure):
    """How a call under way has ended. Made for every call, so without the comfort of `_Sized`: give the size.

    Reading `response`, `token` or `error` makes the owner of what is there, or will be: read each once, and beforehand.
    """

    data: int | None
    response: OwnedResponse
    token: OwnedToken
    error: OwnedError
    status: int
    _fields_ = [
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("response", OwnedResponse),
        ("token", OwnedToken),
        ("error", OwnedError),
        ("status", c_int32),
        ("reserved0", c_int32),
    ]


class StartOptions(_Sized):
    data: int | None
    _fields_ = [
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("queue", Handle),
        # Not used: it is called by a thread of the library, which must not enter an interpreter that ends.
        ("on_complete", c_void_p),
    ]


DIAGNOSE_SEND_WRITES = 1


class DiagnoseOptions(_Sized):
    timeout_ms: int
    owned_cancel: OwnedCancel | None = None
    """As that of `CallOptions`."""
    _fields_ = [
        ("struct_size", c_size_t),
        ("method", c_char_p),
        ("path", c_char_p),
        ("token", c_char_p),
        ("cancel", Handle),
        ("timeout_ms", c_uint32),
        ("flags", c_uint32),
    ]


def set_cancel(options: CallOptions | RequestOptions | DiagnoseOptions, cancel: OwnedCancel) -> None:
    options.owned_cancel = cancel
    options.cancel = cancel


class Rejection(_Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("generation", c_uint64),
        ("http_status", c_int32),
        ("refused_before", c_uint32),
        ("body", c_char_p),
        ("body_len", c_size_t),
        ("server", c_char_p),
        ("retry_after", c_char_p),
    ]


class Advice(_Sized):
    advice: int
    wait_ms: int
    _fields_ = [
        ("struct_size", c_size_t),
        ("advice", c_int32),
        ("reserved0", c_int32),
        ("wait_ms", c_uint64),
    ]


class AuthStatistics(_Sized):
    logins: int
    login_failures: int
    requests: int
    replays: int
    rejections: int
    rejections_permission: int
    waits: int
    generation: int
    remaining_ms: int
    token_state: int
    refresh_state: int
    logins_first: int
    logins_renewal: int
    logins_rejection: int
    failures_unreachable: int
    failures_overloaded: int
    failures_refused: int
    failures_other: int
    rejections_identity: int
    rejections_unknown: int
    suppressed_by_pause: int
    suppressed_by_rejection: int
    suppressed_by_generation: int
    waiting: int
    retry_in_ms: int
    _fields_ = [
        ("struct_size", c_size_t),
        ("logins", c_uint64),
        ("login_failures", c_uint64),
        ("requests", c_uint64),
        ("replays", c_uint64),
        ("rejections", c_uint64),
        ("rejections_permission", c_uint64),
        ("waits", c_uint64),
        ("generation", c_uint64),
        ("remaining_ms", c_int64),
        ("token_state", c_int32),
        ("refresh_state", c_int32),
        ("logins_first", c_uint64),
        ("logins_renewal", c_uint64),
        ("logins_rejection", c_uint64),
        ("failures_unreachable", c_uint64),
        ("failures_overloaded", c_uint64),
        ("failures_refused", c_uint64),
        ("failures_other", c_uint64),
        ("rejections_identity", c_uint64),
        ("rejections_unknown", c_uint64),
        ("suppressed_by_pause", c_uint64),
        ("suppressed_by_rejection", c_uint64),
        ("suppressed_by_generation", c_uint64),
        ("waiting", c_uint64),
        ("retry_in_ms", c_uint64),
    ]


class Finding(_Sized):
    cause: bytes
    server: bytes
    seen: bytes
    means: bytes
    cure: bytes
    severity: int
    _fields_ = [
        ("struct_size", c_size_t),
        ("cause", c_char_p),
        ("server", c_char_p),
        ("seen", c_char_p),
        ("means", c_char_p),
        ("cure", c_char_p),
        ("severity", c_int32),
        ("reserved0", c_int32),
    ]


class NativeHealth(_Sized):
    status: int
    ready: int
    cause: bytes
    failing_for_ms: int
    remaining_ms: int
    retry_in_ms: int
    token_state: int
    refresh_state: int
    _fields_ = [
        ("struct_size", c_size_t),
        ("status", c_int32),
        ("ready", c_int32),
        ("cause", c_char_p),
        ("failing_for_ms", c_uint64),
        ("remaining_ms", c_int64),
        ("retry_in_ms", c_uint64),
        ("token_state", c_int32),
        ("refresh_state", c_int32),
    ]


_OUT = POINTER(c_void_p)

# name: (result, arguments)
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "nacos_auth_init": (c_int32, [POINTER(AuthOptions), _OUT, _OUT]),
    "nacos_get_token": (c_int32, [Handle, POINTER(CallOptions), c_void_p, c_size_t, POINTER(TokenInfo), _OUT]),
    "nacos_request": (c_int32, [Handle, POINTER(RequestOptions), _OUT, _OUT]),
    "nacos_token_text": (c_char_p, [Handle]),
    "nacos_token_describe": (c_int32, [Handle, POINTER(TokenInfo), _OUT]),
    "nacos_token_free": (None, [Handle]),
    "nacos_request_start": (c_int32, [Handle, POINTER(RequestOptions), POINTER(StartOptions), _OUT, _OUT]),
    "nacos_token_start": (c_int32, [Handle, POINTER(CallOptions), POINTER(StartOptions), _OUT, _OUT]),
    "nacos_operation_cancel": (None, [Handle]),
    "nacos_operation_free": (None, [Handle]),
    "nacos_queue_new": (c_int32, [_OUT, _OUT]),
    "nacos_queue_fd": (c_int32, [Handle]),
    "nacos_queue_next": (c_int32, [Handle, POINTER(Completion), _OUT]),
    "nacos_queue_free": (None, [Handle]),
    "nacos_auth_generation": (c_uint64, [Handle]),
    "nacos_auth_generation_pointer": (c_void_p, [Handle]),
    "nacos_auth_report_rejected": (c_int32, [Handle, POINTER(Rejection), POINTER(Advice), _OUT]),
    "nacos_auth_set_credentials": (c_int32, [Handle, c_char_p, c_char_p, _OUT]),
    "nacos_auth_set_token": (c_int32, [Handle, c_char_p, c_uint64, _OUT]),
    "nacos_credentials_set_password": (c_int32, [Handle, c_char_p, c_char_p, _OUT]),
    "nacos_credentials_set_token": (c_int32, [Handle, c_char_p, c_uint64, _OUT]),
    "nacos_credentials_set_failure": (c_int32, [Handle, c_char_p, _OUT]),
    "nacos_auth_stats": (c_int32, [Handle, POINTER(AuthStatistics), _OUT]),
    "nacos_auth_health": (c_int32, [Handle, POINTER(NativeHealth), _OUT, _OUT]),
    "nacos_auth_metrics": (c_int32, [_OUT, POINTER(c_char_p), c_size_t, _OUT, _OUT]),
    "nacos_metrics_text": (c_char_p, [Handle]),
    "nacos_metrics_free": (None, [Handle]),
    "nacos_auth_retry": (c_int32, [Handle, _OUT]),
    "nacos_auth_ref": (c_void_p, [Handle]),
    "nacos_auth_close": (c_int32, [Handle, c_uint32, _OUT]),
    "nacos_auth_free": (None, [Handle]),
    "nacos_response_status": (c_int32, [Handle]),
    "nacos_response_body": (c_void_p, [Handle, POINTER(c_size_t)]),
    "nacos_response_header_count": (c_size_t, [Handle]),
    "nacos_response_header_at": (c_int32, [Handle, c_size_t, POINTER(c_char_p), POINTER(c_char_p), _OUT]),
    "nacos_response_header": (c_char_p, [Handle, c_char_p]),
    "nacos_response_generation": (c_uint64, [Handle]),
    "nacos_response_replays": (c_uint32, [Handle]),
    "nacos_response_server": (c_char_p, [Handle]),
    "nacos_response_attempts": (c_uint32, [Handle]),
    "nacos_response_is_truncated": (c_int32, [Handle]),
    "nacos_response_free": (None, [Handle]),
    "nacos_auth_diagnose": (c_int32, [POINTER(AuthOptions), POINTER(DiagnoseOptions), _OUT, _OUT]),
    "nacos_diagnosis_count": (c_size_t, [Handle]),
    "nacos_diagnosis_finding": (c_int32, [Handle, c_size_t, POINTER(Finding), _OUT]),
    "nacos_diagnosis_severity": (c_int32, [Handle]),
    "nacos_diagnosis_text": (c_char_p, [Handle]),
    "nacos_diagnosis_json": (c_char_p, [Handle]),
    "nacos_diagnosis_free": (None, [Handle]),
    "nacos_error_status": (c_int32, [Handle]),
    "nacos_error_message": (c_char_p, [Handle]),
    "nacos_error_cause": (c_char_p, [Handle]),
    "nacos_error_server": (c_char_p, [Handle]),
    "nacos_error_was_sent": (c_int32, [Handle]),
    "nacos_error_http_status": (c_int32, [Handle]),
    "nacos_error_is_retryable": (c_int32, [Handle]),
    "nacos_error_retry_after_ms": (c_uint64, [Handle]),
    "nacos_error_free": (None, [Handle]),
    "nacos_cancel_new": (OwnedCancel, []),
    "nacos_cancel_trigger": (None, [Handle]),
    "nacos_cancel_free": (None, [Handle]),
    "nacos_auth_abi_version": (c_uint32, []),
    "nacos_auth_version": (c_char_p, []),
    "nacos_auth_version_number": (c_uint32, []),
    "nacos_status_name": (c_char_p, [c_int32]),
    "nacos_status_message": (c_char_p, [c_int32]),
    "nacos_event_name": (c_char_p, [c_int32]),
    "nacos_log_level_name": (c_char_p, [c_int32]),
    "nacos_token_state_name": (c_char_p, [c_int32]),
    "nacos_refresh_state_name": (c_char_p, [c_int32]),
    "nacos_token_in_name": (c_char_p, [c_int32]),
    "nacos_advice_name": (c_char_p, [c_int32]),
    "nacos_severity_name": (c_char_p, [c_int32]),
    "nacos_health_name": (c_char_p, [c_int32]),
}
