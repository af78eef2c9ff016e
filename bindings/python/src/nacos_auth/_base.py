"""What both clients are: a native handle, and the token it last gave kept on this side of the boundary."""

from __future__ import annotations

import atexit
import logging
import math
import os
import time
import weakref
from collections.abc import Callable
from ctypes import CDLL, byref, c_uint64, c_void_p, create_string_buffer, memset
from typing import Any, TypeVar

from ._arguments import (
    ANONYMOUS,
    TOKEN_IN,
    Anonymous,
    Path,
    TokenIn,
    count,
    invalid,
    life,
    milliseconds,
    path_text,
    pem,
    text,
)
from ._callbacks import Credentials, Functions, forget, is_asked, register
from ._declarations import NO_WAIT, AuthOptions, AuthStatistics, CallOptions, Rejection, RequestOptions, TokenInfo
from ._declarations import Advice as NativeAdvice
from ._errors import NacosError, take_error
from ._greenlets import in_hub, leave_to_a_thread, run, run_cancellable, waiting
from ._library import library
from ._response import Response, take_response
from ._state import REFRESH_STATES, TOKEN_STATES, Advice, Advised, Event, Stats, Token

_BUFFER_TOO_SMALL = 105
_TIMEOUT = 201
_BETWEEN_SIGNALS = 0.05  # seconds that close() waits in one piece: handlers of signals run in between
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
        "_functions",
        "_handle",
        "_request_timeout",
        "_server_addr",
        "_token_in",
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
        ca_pem: str | bytes | None = None,
        client_cert_pem: str | bytes | None = None,
        client_key_pem: str | bytes | None = None,
        tls_server_name: str | None = None,
        proxy: str | None = None,
        user_agent: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        max_connections: int | None = None,
        max_response_size: int | None = None,
        token_in: TokenIn = "auto",
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
        read now, and again when a connection is made. ca_pem, client_cert_pem, client_key_pem: the PEM itself instead.
        tls_server_name: what certificates have to be for, instead of the server's host; not together with proxy.
        proxy: None is none; the environment is not read. user_agent: None names this library and its version.
        connect_timeout, request_timeout: None is 2 and 15 seconds.
        max_connections: in use at the same time, by `request` and its like; a call beyond that waits. None is 128.
        max_response_size: bytes, decoded; beyond it a request raises `ProtocolError`. None is 64 MiB.
        token_in: where the token goes: "authorization" (every Nacos), "header" (accessToken, from 2.1), "query" (the
        URL), or "auto": "authorization", and "query" at a server that takes it only there (r-nacos up to 0.8.5).
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
        if token_in not in TOKEN_IN:
            raise invalid("token_in must be one of " + ", ".join(TOKEN_IN))
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
                ca_pem=pem("ca_pem", ca_pem),
                client_cert_pem=pem("client_cert_pem", client_cert_pem),
                client_key_pem=pem("client_key_pem", client_key_pem),
                tls_server_name=text("tls_server_name", tls_server_name),
                proxy=text("proxy", proxy),
                user_agent=text("user_agent", user_agent),
                connect_timeout_ms=milliseconds("connect_timeout", connect_timeout),
                request_timeout_ms=milliseconds("request_timeout", request_timeout),
                max_connections=count("max_connections", max_connections),
                max_response_size=count("max_response_size", max_response_size, 64),
                token_in=TOKEN_IN[token_in],
                anonymous=ANONYMOUS[anonymous],
                password_file=path_text("password_file", password_file),
                token=text("token", token),
            )
        finally:
            del password, proxy, token, client_key_pem  # a traceback that shows variables must not find them here
        native = library()
        self._functions = register(Functions(credentials, on_event, logger), options)
        try:
            self._handle = _Handle(native, options)
        except NacosError:
            forget(self._functions)
            raise
        self._token_in = token_in
        self._request_timeout = request_timeout or _DEFAULT_TIMEOUT
        # One tuple, replaced whole: a token never stands beside the generation of another.
        self._cached = _NOTHING_CACHED
        # Inside the native handle, and valid as long as that: reading it is one aligned load. That no other memory is
        # read after it makes the order of loads meaningless. It knows less than nacos_auth_generation: see `_forget`;
        # after a suspend it is late by milliseconds, in which a server may refuse the token, as it always may.
        self._word = c_uint64.from_address(native.nacos_auth_generation_pointer(self._handle.pointer))
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
        if options.flags & NO_WAIT:
            return self._ask_here(options)
        at_hand = self._ask_at_once()
        return at_hand if at_hand is not None else self._call(options, lambda: self._ask_here(options))

    def _ask_at_once(self) -> Token | None:
        """The token where the native library has one at hand: that blocks nobody."""
        if not self._word.value:
            return None
        try:
            return self._ask_here(CallOptions(flags=NO_WAIT))
        except NacosError:  # it has gone meanwhile
            return None

    def _send(self, options: RequestOptions, method: str, path: str) -> Response:
        """Sends a request, which blocks."""
        return self._call(options, lambda: self._send_here(options, method, path))

    def _call(self, options: CallOptions | RequestOptions, call: Callable[[], _Result]) -> _Result:
        """Makes a call that blocks, where it keeps no greenlets and no handlers of signals from running."""
        make_bell = waiting()
        if make_bell is None:
            return call()
        seconds = options.timeout_ms / 1000 or self._request_timeout
        return run_cancellable(self._handle.library, options, seconds, call, make_bell)

    def _ask_here(self, options: CallOptions) -> Token:
        handle = self._handle
        info, error, size = TokenInfo(), c_void_p(), 4096
        while True:
            buffer = create_string_buffer(size)
            status = handle.library.nacos_get_token(
                handle.pointer, byref(options), buffer, size, byref(info), byref(error)
            )
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
            status = handle.library.nacos_request(handle.pointer, byref(options), byref(response), byref(error))
        except BaseException:  # of the handler of a signal, where there was no thread for this call
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

    def retry(self) -> None:
        """Ends whatever pause there is between logins, and takes no server for one that is down. Never waits.

        For a program that knows that what was wrong has been mended: an operator has said so, the network has come
        back. Between two logins there is still a second at the least.
        """
        handle, error = self._handle, c_void_p()
        status = handle.library.nacos_auth_retry(handle.pointer, byref(error))
        if status:
            raise take_error(handle.library, status, error)

    def report_rejected(
        self,
        generation: int,
        http_status: int,
        body: bytes | str = b"",
        *,
        server: str | None = None,
        retry_after: str | None = None,
        refused_before: int = 0,
    ) -> Advised:
        """Tells how a request sent with the token of `generation` was answered, and learns what to do. Never waits.

        For callers with an HTTP client of their own; `request` does this itself. To be called for every answer: one
        that refuses nothing gives RETURN, and tells that the token is good. Repeat a request twice at the most.
        body: the answer's, its first 4 KiB will do. server: who answered, as in server_addr, or any URL of it; with it
        a token is judged server by server, and one that is too new for a server gets its time. retry_after: the value
        of that header. refused_before: how often this request has been refused the same token before.
        """
        handle, advice, error = self._handle, NativeAdvice(), c_void_p()
        content = body.encode() if isinstance(body, str) else body
        rejection = Rejection(
            generation=generation,
            http_status=http_status,
            refused_before=refused_before,
            body=content,
            body_len=len(content),
            server=text("server", server),
            retry_after=text("retry_after", retry_after),
        )
        status = handle.library.nacos_auth_report_rejected(
            handle.pointer, byref(rejection), byref(advice), byref(error)
        )
        if status:
            raise take_error(handle.library, status, error)
        known = advice.advice in Advice.__members__.values()
        return Advised(Advice(advice.advice) if known else Advice.RETURN, advice.wait_ms / 1000)

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
        """Generation of the token that may be used without asking, 0 if there is none. Never waits."""
        number: int = self._handle.library.nacos_auth_generation(self._handle.pointer)
        return number

    def _close(self, timeout: float | None) -> bool:
        make_bell = in_hub()
        if make_bell is None:
            done = self._close_here(timeout)
        elif is_asked(self._functions):
            # Closing waits for the credentials function, so that must not wait for closing.
            leave_to_a_thread(lambda: self._close_here(timeout))
            done = False
        else:
            done = run(lambda: self._close_here(timeout), make_bell)
        forget(self._functions)
        (_unfinished.discard if done else _unfinished.add)(self)
        return done

    def _close_here(self, timeout: float | None) -> bool:
        """In pieces, between which the handlers of signals run."""
        handle = self._handle
        end = time.monotonic() + (self._request_timeout if timeout is None else timeout)
        while True:
            piece = min(end - time.monotonic(), _BETWEEN_SIGNALS)
            error = c_void_p()
            status = handle.library.nacos_auth_close(handle.pointer, max(1, int(piece * 1000)), byref(error))
            if not status:
                return True
            failure = take_error(handle.library, status, error)
            if status != _TIMEOUT:
                raise failure
            if time.monotonic() >= end:
                return False

    def _forget(self) -> None:
        """In a forked child: there the word stands still until the native library has been asked once."""
        self._cached = _NOTHING_CACHED

    def __repr__(self) -> str:
        return f"<nacos_auth.{type(self).__name__} {self._server_addr} generation {self._word.value}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it is a connection, not a value. "
            "Make one in each process, or make it before a fork and use it on both sides"
        )


_clients: weakref.WeakSet[BaseClient] = weakref.WeakSet()
_unfinished: set[BaseClient] = set()
"""Closed, while a function still ran."""


def _forget_what_was_inherited() -> None:
    _unfinished.clear()
    for client in list(_clients):
        client._forget()


os.register_at_fork(after_in_child=_forget_what_was_inherited)


def _close_those_with_functions() -> None:
    """Before the interpreter goes, which a thread of the library must not enter any more."""
    for client in list(_clients):
        if client._functions:
            client._close(math.inf)  # a function that still ran would be in the middle of an interpreter that has gone


atexit.register(_close_those_with_functions)
