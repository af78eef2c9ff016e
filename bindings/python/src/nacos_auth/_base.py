"""What both clients are: a native handle, and the token it last gave kept on this side of the boundary."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from collections.abc import Callable
from ctypes import CDLL, byref, c_int32, c_uint64, c_void_p, create_string_buffer, memset
from typing import Any, TypeVar

from ._arguments import (
    ANONYMOUS,
    CARRIAGES,
    Anonymous,
    Carriage,
    Path,
    count,
    invalid,
    life,
    milliseconds,
    path_text,
    text,
)
from ._callbacks import Credentials, Functions, forget, is_asked, register
from ._declarations import AuthOptions, AuthStatistics, CallOptions, RequestOptions, TokenInfo
from ._errors import NacosError, take_error
from ._greenlets import run, run_cancellable, waiting
from ._interrupt import interruptible
from ._library import library
from ._response import Response, take_response
from ._state import REFRESH_STATES, TOKEN_STATES, Advice, Event, Stats, Token

_BUFFER_TOO_SMALL = 105
_DEFAULT_TIMEOUT = 15.0  # of the library: request_timeout_ms
_NOTHING_CACHED: tuple[int | None, Token] = (None, Token("", 0, 0, True))  # None equals no generation
_FINER = Stats._fields[Stats._fields.index("refresh_state") + 1 : -1]  # counters that are called as in C
_Result = TypeVar("_Result")
_Self = TypeVar("_Self", bound="BaseClient")


class _Handle:
    """Owns a native handle, and frees it with its last reference: whoever is inside a call holds one."""

    __slots__ = ("library", "pointer")

    def __init__(self, native: CDLL, options: AuthOptions) -> None:
        self.pointer = c_void_p()
        self.library = native
        error = c_void_p()
        status = native.nacos_auth_init(byref(options), byref(self.pointer), byref(error))
        if status:
            raise take_error(native, status, error)

    def __del__(self) -> None:
        # Uses nothing but its own attributes: at interpreter shutdown the module's names may be gone. NULL is a no-op.
        self.library.nacos_auth_free(self.pointer)


class BaseClient:
    """Settings, state and the two blocking calls."""

    __slots__ = (
        "__weakref__",
        "_cached",
        "_carriage",
        "_functions",
        "_handle",
        "_request_timeout",
        "_server_addr",
        "_word",
    )

    def __init__(
        self,
        server_addr: str,
        username: str | None = None,
        password: str | None = None,
        *,
        password_file: Path | None = None,
        token: str | None = None,
        credentials: Callable[[], Credentials] | None = None,
        context_path: str | None = None,
        ca_file: Path | None = None,
        client_cert_file: Path | None = None,
        client_key_file: Path | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        max_connections: int | None = None,
        carriage: Carriage = "auto",
        anonymous: Anonymous = "auto",
        logger: logging.Logger | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        """Checks and copies the configuration; connects to nothing.

        server_addr: "10.0.0.1:8848,https://b:443".
        username with password or password_file (read anew for each login); or a token, which nothing renews; or
        credentials, a function that gives for each login user name and password, or a token.
        context_path: None is "/nacos", "" is none.
        ca_file: PEM that replaces the system's roots. client_cert_file, client_key_file: PEM, for mutual TLS. All are
        read now, and again when a connection is made.
        proxy: None is none; the environment is not read. connect_timeout, request_timeout: None is 2 and 15 seconds.
        max_connections: in use at the same time, by `request` and its like; a call beyond that waits. None is 128.
        carriage: where the token rides: "bearer" (every Nacos), "header" (accessToken, from 2.1), "query" (the URL), or
        "auto": "bearer", and "query" at a server that takes it only there (r-nacos up to 0.8.5).
        anonymous: "auto" lets requests go without a token where no login ever succeeded and a Nacos has shown that it
        asks nobody for one; with "never" they fail with the login's error.
        logger: told what happens, down to the level it has now. on_event: the same as an `Event`.
        The functions run on threads of the library; what they raise goes to sys.unraisablehook, or fails the login.
        Where gevent has patched threading they run in greenlets of the main thread; eventlet has them refused.
        A client with functions must be closed to be let go of.

        Raises `InvalidArgumentError` (INVALID_CONFIG, ...), or `LibraryError` if there is no native library.
        """
        self._server_addr = server_addr
        self._word = c_uint64(0)  # with these two it can be shown, in a traceback of what fails here
        if carriage not in CARRIAGES:
            raise invalid("carriage must be one of " + ", ".join(CARRIAGES))
        if anonymous not in ANONYMOUS:
            raise invalid("anonymous must be one of " + ", ".join(ANONYMOUS))
        try:
            options = AuthOptions(
                server_addr=text("server_addr", server_addr),
                context_path=text("context_path", context_path),
                username=text("username", username),
                password=text("password", password),
                ca_file=path_text("ca_file", ca_file),
                client_cert_file=path_text("client_cert_file", client_cert_file),
                client_key_file=path_text("client_key_file", client_key_file),
                proxy=text("proxy", proxy),
                connect_timeout_ms=milliseconds("connect_timeout", connect_timeout),
                request_timeout_ms=milliseconds("request_timeout", request_timeout),
                max_connections=count("max_connections", max_connections),
                carriage=CARRIAGES[carriage],
                anonymous=ANONYMOUS[anonymous],
                password_file=path_text("password_file", password_file),
                token=text("token", token),
            )
        finally:
            del password, proxy, token  # a traceback that shows variables must not find them here
        native = library()
        self._functions = register(Functions(credentials, on_event, logger), options)
        try:
            self._handle = _Handle(native, options)
        except NacosError:
            forget(self._functions)
            raise
        self._carriage = carriage
        self._request_timeout = request_timeout or _DEFAULT_TIMEOUT
        # One tuple, replaced whole: a token never stands beside the generation of another.
        self._cached = _NOTHING_CACHED
        # Inside the native handle, and valid as long as that: reading it is one aligned load.
        self._word = c_uint64.from_address(native.nacos_auth_generation(self._handle.pointer))
        _clients.add(self)

    @classmethod
    def from_env(cls: type[_Self]) -> _Self:
        """A client from NACOS_SERVER_ADDR, NACOS_USERNAME and NACOS_PASSWORD. Raises `InvalidArgumentError`."""
        names = ("NACOS_SERVER_ADDR", "NACOS_USERNAME", "NACOS_PASSWORD")
        missing = [name for name in names if name not in os.environ]
        if missing:
            raise invalid(f"set {', '.join(missing)} in the environment")
        return cls(*(os.environ[name] for name in names))

    def _ask(self, options: CallOptions) -> Token:
        """Asks the native library for the token, which may block."""
        return self._call(options, lambda: self._ask_here(options))

    def _send(self, options: RequestOptions, method: str, path: str) -> Response:
        """Sends a request, which blocks."""
        return self._call(options, lambda: self._send_here(options, method, path))

    def _call(self, options: CallOptions | RequestOptions, call: Callable[[], _Result]) -> _Result:
        """Makes a call that blocks, where it keeps no greenlets from running."""
        wait = waiting()
        if wait is None:
            return call()
        seconds = options.timeout_ms / 1000 or self._request_timeout
        return run_cancellable(self._handle.library, options, seconds, call, wait)

    def _ask_here(self, options: CallOptions) -> Token:
        handle = self._handle
        info, error, size = TokenInfo(), c_void_p(), 4096
        while True:
            buffer = create_string_buffer(size)
            try:
                status = interruptible(
                    handle.library,
                    handle.library.nacos_get_token,
                    options,
                    handle.pointer,
                    byref(options),
                    buffer,
                    size,
                    byref(info),
                    byref(error),
                )
            except KeyboardInterrupt:
                handle.library.nacos_error_free(error)
                raise
            if status != _BUFFER_TOO_SMALL:
                break
            handle.library.nacos_error_free(error)
            size = info.length + 1
        if status:
            raise take_error(handle.library, status, error)
        token = Token(buffer.value.decode(), info.generation, info.remaining_ms / 1000, bool(info.expired))
        memset(buffer, 0, size)
        self._cached = (token.generation, token)
        return token

    def _send_here(self, options: RequestOptions, method: str, path: str) -> Response:
        handle, response, error = self._handle, c_void_p(), c_void_p()
        try:
            status = interruptible(
                handle.library,
                handle.library.nacos_request,
                options,
                handle.pointer,
                byref(options),
                byref(response),
                byref(error),
            )
        except KeyboardInterrupt:
            handle.library.nacos_response_free(response)
            handle.library.nacos_error_free(error)
            raise
        if status:
            raise take_error(handle.library, status, error)
        return take_response(handle.library, response, method, path)

    def set_credentials(self, username: str, password: str) -> None:
        """Replaces the account's name and password; the next call logs in with them, and calls that wait use them."""
        handle, error = self._handle, c_void_p()
        try:
            name, secret = text("username", username), text("password", password)
        finally:
            del password
        status = handle.library.nacos_auth_set_credentials(handle.pointer, name, secret, byref(error))
        del secret
        if status:
            raise take_error(handle.library, status, error)

    def set_token(self, token: str, ttl: float | None = None) -> None:
        """From now on uses this token, which somebody else got, for ttl seconds (None: until refused). No logins.

        After that it is given out as expired.
        """
        handle, error = self._handle, c_void_p()
        try:
            secret = text("token", token)
        finally:
            del token
        status = handle.library.nacos_auth_set_token(handle.pointer, secret, life(ttl), byref(error))
        del secret
        if status:
            raise take_error(handle.library, status, error)

    def report_rejected(self, generation: int, http_status: int, body: bytes | str = b"") -> Advice:
        """Tells that a request sent with the token of `generation` was refused, and learns what to do. Never waits.

        For callers with an HTTP client of their own; `request` does this itself. body: the answer's, its first 4 KiB
        will do.
        """
        handle, advice, error = self._handle, c_int32(), c_void_p()
        content = body.encode() if isinstance(body, str) else body
        status = handle.library.nacos_auth_report_rejected(
            handle.pointer, generation, http_status, content, len(content), byref(advice), byref(error)
        )
        if status:
            raise take_error(handle.library, status, error)
        return Advice(advice.value)

    def stats(self) -> Stats:
        """The counters and states of this moment, of a closed client too."""
        handle, statistics, error = self._handle, AuthStatistics(), c_void_p()
        status = handle.library.nacos_auth_stats(handle.pointer, byref(statistics), byref(error))
        if status:
            raise take_error(handle.library, status, error)
        return Stats(
            logins=statistics.logins,
            login_failures=statistics.login_failures,
            requests=statistics.requests,
            replays=statistics.replays,
            rejections=statistics.rejections,
            rejections_permission=statistics.rejections_permission,
            waits=statistics.waits,
            generation=statistics.generation,
            remaining=statistics.remaining_ms / 1000,
            token_state=TOKEN_STATES.get(statistics.token_state, "unknown"),
            refresh_state=REFRESH_STATES.get(statistics.refresh_state, "unknown"),
            **{name: getattr(statistics, name) for name in _FINER},
            retry_in=statistics.retry_in_ms / 1000,
        )

    @property
    def generation(self) -> int:
        """Generation of the token that may be used without asking, 0 if there is none. Costs no call."""
        return self._word.value

    def _close(self) -> None:
        wait = waiting()
        if wait is None:
            self._close_here()
        else:
            # Closing waits for the credentials function, so that must not wait for closing.
            run(self._close_here, None if is_asked(self._functions) else wait)
        forget(self._functions)

    def _close_here(self) -> None:
        self._handle.library.nacos_auth_close(self._handle.pointer)  # waits for a function that runs

    def _forget(self) -> None:
        """In a forked child: it draws its own refresh times, so it asks the native library once."""
        self._cached = _NOTHING_CACHED

    def __repr__(self) -> str:
        return f"<nacos_auth.{type(self).__name__} {self._server_addr} generation {self.generation}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it is a connection, not a value. "
            "Make one in each process, or make it before a fork and use it on both sides"
        )


_clients: weakref.WeakSet[BaseClient] = weakref.WeakSet()


def _forget_what_was_inherited() -> None:
    for client in list(_clients):
        client._forget()


os.register_at_fork(after_in_child=_forget_what_was_inherited)


def _close_those_with_functions() -> None:
    """Before the interpreter goes, which a thread of the library must not enter any more."""
    for client in list(_clients):
        if client._functions:
            client._close()


atexit.register(_close_those_with_functions)
