"""What both clients are: a native handle, and the token it last gave kept on this side of the boundary."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ctypes import byref, c_uint64
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from . import _environment, _log
from ._arguments import (
    Anonymous,
    Body,
    Path,
    TokenIn,
    Unpack,
    closing_time,
    content,
    duration,
    life,
    number,
    optional_text,
    server_list,
    text,
)
from ._callbacks import (
    Credentials,
    Functions,
    forget,
    is_asked,
    is_inside,
    log_by_default,
    refuse_at_the_end,
    register,
)
from ._calls import RequestCall, TokenCall
from ._causes import Cause
from ._declarations import (
    NO_WAIT,
    AuthOptions,
    AuthStatistics,
    CallOptions,
    OwnedError,
    OwnedHandle,
    Rejection,
)
from ._declarations import Advice as NativeAdvice
from ._ending import at_end
from ._errors import ClosedError, InvalidArgumentError, NacosError, take_error
from ._forks import in_child, look
from ._greenlets import in_hub, leave_to_a_thread, run, run_cancellable, waiting
from ._health import Health, health_of, metrics_of
from ._library import library
from ._settings import EverySetting, auth_options
from ._state import REFRESH_STATES, TOKEN_STATES, Advice, Advised, Event, Stats, Token

if TYPE_CHECKING:
    from ._workers import WaitedBell

_TIMEOUT = 201
_CLOSED = 401
_BETWEEN_SIGNALS = 0.05  # seconds that close() waits in one piece: handlers of signals run in between
_LONGEST_END_OF_LOG = 10_000  # milliseconds
_LONGEST_FLUSH = 1.0  # seconds that close() waits for a slow log handler
_LONGEST_LAST_FLUSH = 5.0  # and the end of the program
_LONGEST_AFTER_INTERRUPT = 1.0  # seconds that a function has left at the end of the program, after Ctrl-C
_DEFAULT_TIMEOUT = 15.0  # of the library: request_timeout_ms
_NOTHING_CACHED: tuple[int | None, Token] = (None, Token("", 0, 0, True))  # None equals no generation
_FINER = Stats._fields[Stats._fields.index("refresh_state") + 1 : -1]  # counters that are called as in C
_Result = TypeVar("_Result")
_Self = TypeVar("_Self", bound="BaseClient")


class BaseClient:
    """Settings, state and the two blocking calls."""

    # One tuple, replaced whole: a token never stands beside the generation of another.
    _cached: tuple[int | None, Token]

    __slots__ = (
        "__weakref__",
        "_cached",
        "_functions",
        "_handle",
        "_is_closed",
        "_is_log_asleep",
        "_library",
        "_log_handle",
        "_request_timeout",
        "_server_addr",
        "_token_in",
        "_word",
    )

    def __init__(
        self,
        server_addr: str | Sequence[str],
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
        ca_pem: Body | None = None,
        client_cert_pem: Body | None = None,
        client_key_pem: Body | None = None,
        tls_server_name: str | None = None,
        proxy: str | None = None,
        user_agent: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        max_connections: int | None = None,
        max_operations: int | None = None,
        max_response_size: int | None = None,
        token_in: TokenIn = "auto",
        anonymous: Anonymous = "auto",
        logger: logging.Logger | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """Checks and copies the configuration; connects to nothing.

        server_addr: "10.0.0.1:8848,https://b:443", or a list of such.
        username with password or password_file (read anew for each login); or a token, which nothing renews; or
        credentials, a function that gives for each login user name and password, or a token.
        context_path: None is "/nacos", "" is none.
        ca_file: PEM that replaces the system's roots. client_cert_file, client_key_file: PEM, for mutual TLS. All are
        read now, and again when a connection is made. ca_pem, client_cert_pem, client_key_pem: the PEM itself instead.
        tls_server_name: what certificates have to be for, instead of the server's host; not together with proxy.
        proxy: None is none; the environment is not read. user_agent: None names this library and its version.
        connect_timeout, request_timeout: seconds; None is 2 and 15, math.inf and all beyond a day is a day.
        max_connections: in use at the same time, by `request` and its like; a call beyond that waits. None is 128.
        max_operations: requests of an `AsyncClient` under way at the same time, those included that wait for a
        connection; one beyond that waits for its turn. None is 16384.
        max_response_size: bytes, decoded; beyond it a request raises `ProtocolError`. None is 64 MiB.
        token_in: where the token goes: "authorization" (every Nacos), "header" (accessToken, from 2.1), "query" (the
        URL), or "auto": "authorization", and "query" at a server that takes it only there (r-nacos up to 0.8.5).
        anonymous: "auto" lets requests go without a token where no login ever succeeded and a Nacos has shown that it
        asks nobody for one; with "never" they fail with the login's error.
        logger: told what happens, down to the level it has now; None: logging's "nacos_auth" is told, with whatever
        level it has in time (see README). on_event: the same as an `Event`.
        The functions run on threads of the library; what they raise goes to sys.unraisablehook, or fails the login.
        They are plain functions: an `async def` is refused. Where gevent has patched threading they run in greenlets of
        the main thread; eventlet has them refused. A client with functions lives until it is closed, also if nothing
        refers to it any more: close it to be rid of it.

        Raises `InvalidArgumentError` (INVALID_CONFIG, ...), or `LibraryError` if there is no native library.
        """
        self._server_addr = ""
        self._word = c_uint64(0)  # with these it can be shown, in a traceback of what fails here
        self._is_closed = False
        self._is_log_asleep = False
        try:
            self._server_addr = server_list(server_addr)
            options = auth_options(
                self._server_addr,
                username,
                password,
                password_file=password_file,
                token=token,
                context_path=context_path,
                ca_file=ca_file,
                client_cert_file=client_cert_file,
                client_key_file=client_key_file,
                ca_pem=ca_pem,
                client_cert_pem=client_cert_pem,
                client_key_pem=client_key_pem,
                tls_server_name=tls_server_name,
                proxy=proxy,
                user_agent=user_agent,
                connect_timeout=connect_timeout,
                request_timeout=request_timeout,
                max_connections=max_connections,
                max_operations=max_operations,
                max_response_size=max_response_size,
                token_in=token_in,
                anonymous=anonymous,
            )
        finally:
            del password, proxy, token, client_key_pem  # a traceback that shows variables must not find them here
        self._library = library()
        look()
        self._token_in: TokenIn = token_in
        self._request_timeout = duration("request_timeout", request_timeout) or _DEFAULT_TIMEOUT
        self._forget()
        # Each object is in its place before there is something that it owns: whatever is raised in between loses none.
        self._handle, self._log_handle, error = OwnedHandle(), OwnedHandle(), OwnedError()
        self._functions = register(Functions(credentials, on_event, logger), options)
        if self._functions is not None and logger is None:
            log_by_default(options)
        try:
            if self._functions is not None:
                # First: the end of the program, which another thread may have come to, waits for what is there.
                _open[id(self)] = self
                refuse_at_the_end()
            status = self._library.nacos_auth_init(byref(options), byref(self._handle), byref(error))
            if status:
                raise take_error(self._library, status, error)
            # Inside the native handle, and valid as long as that: reading it is one aligned load. That no other memory
            # is read after it makes the order of loads meaningless. It knows less than nacos_auth_generation: see
            # `_forget`; after a suspend it is late by milliseconds, in which a server may refuse the token, as always.
            self._word = c_uint64.from_address(self._library.nacos_auth_generation_pointer(self._handle))
            _clients[id(self)] = self
        except BaseException:
            _open.pop(id(self), None)
            forget(self._functions)
            raise
        if self._functions is None:
            self._log_by_default(options)

    @classmethod
    def from_env(cls: type[_Self], **settings: Unpack[EverySetting]) -> _Self:
        """A client from environment variables, which have the same names in every language.

        settings: as of the constructor; they count before the environment, and what they exclude there is not looked
        at: from_env(token=…) wants no NACOS_USERNAME.

        They are NACOS_SERVER_ADDR; NACOS_USERNAME with NACOS_PASSWORD or NACOS_PASSWORD_FILE, or else NACOS_TOKEN; and,
        where wanted, NACOS_CONTEXT_PATH, NACOS_CA_FILE, NACOS_CLIENT_CERT_FILE, NACOS_CLIENT_KEY_FILE,
        NACOS_TLS_SERVER_NAME, NACOS_PROXY, NACOS_TOKEN_IN. Each is the argument of its name; an empty one counts as not
        set.

        Raises `InvalidArgumentError` (INVALID_CONFIG) that names the variable. Nothing else here reads the environment,
        but `python -m nacos_auth`.
        """
        given: dict[str, Any] = dict(settings)
        all_settings: dict[str, Any] = {}
        try:
            all_settings = _environment.read(os.environ, given)
            return cls(**all_settings)
        except InvalidArgumentError as error:
            error.args = (_environment.name_the_variable(str(error), all_settings.keys() - given.keys()),)
            raise
        finally:
            del settings, given, all_settings  # a traceback that shows variables must not find secrets

    def _log_by_default(self, options: AuthOptions) -> None:
        """By a second handle, which makes no calls and hears of the login that both share.

        Since that can be closed at the end of the program, when no thread of the library may enter the interpreter any
        more, while this client goes on: daemon threads may be inside its calls, and see no error then. A token of
        somebody else is shared by no handles; whatever becomes of it, calls tell.
        """
        if options.token is None and not _log.is_over and log_by_default(options):
            # What goes wrong here does not concern the caller: the other handle is the same and could be made.
            self._library.nacos_auth_init(byref(options), byref(self._log_handle), None)
            if _log.is_over:  # in the meantime
                self._end_log()

    def _end_log(self) -> None:
        """What has happened so far is logged, and then no more. Waits for the interpreter only."""
        if self._log_handle:
            self._library.nacos_auth_close(self._log_handle, _LONGEST_END_OF_LOG, None)

    def _wake_log(self) -> None:
        """In a forked child, with the first call of the other handle: before it is used there, one hears of nothing."""
        self._is_log_asleep = False
        self._library.nacos_auth_generation(self._log_handle)

    def _ask(self, options: CallOptions) -> Token:
        """Asks the native library for the token, which may block."""
        look()
        if self._is_log_asleep:
            self._wake_log()
        if options.flags & NO_WAIT:
            return self._keep(TokenCall(self._library, self._handle, options).run())
        at_hand = self._ask_at_once()
        if at_hand is not None:
            return at_hand
        if self._is_closed:
            raise self._closed_error()
        call, make_bell = TokenCall(self._library, self._handle, options), waiting()
        return self._keep(call.run() if make_bell is None else self._call_elsewhere(call, make_bell))

    def _ask_at_once(self) -> Token | None:
        """The token where the native library has one at hand: that blocks nobody."""
        if not self._word.value:
            return None
        try:
            return self._keep(TokenCall(self._library, self._handle, CallOptions(flags=NO_WAIT)).run())
        except NacosError:  # it has gone meanwhile
            return None

    def _keep(self, token: Token) -> Token:
        self._cached = (token.generation, token)
        return token

    def _call_elsewhere(self, call: TokenCall | RequestCall, make_bell: Callable[[], WaitedBell]) -> Any:
        """Makes a call that blocks where it keeps no greenlets and no handlers of signals from running."""
        seconds = call.options.timeout_ms / 1000 or self._request_timeout
        call.be_cancellable(seconds)
        return run_cancellable(call, seconds, make_bell)

    def _closed_error(self) -> ClosedError:
        message: bytes = self._library.nacos_status_message(_CLOSED)
        return ClosedError(message.decode(), status="CLOSED", code=_CLOSED, cause=Cause.CLOSED)

    def set_credentials(self, username: str, password: str) -> None:
        """Replaces the account's name and password; the next call logs in with them, and calls that wait use them."""
        error = OwnedError()
        try:
            native = text("username", username), text("password", password)
            # First: if something is raised in between, nothing keeps the former account logged in.
            if self._log_handle:
                self._library.nacos_auth_set_credentials(self._log_handle, *native, None)
            status = self._library.nacos_auth_set_credentials(self._handle, *native, byref(error))
        finally:
            native = (b"", b"")
            del password
        if status:
            raise take_error(self._library, status, error)

    def set_token(self, token: str, ttl: float | None = None) -> None:
        """From now on uses this token, which somebody else got, for ttl seconds (None, math.inf: until refused).

        After that it is given out as expired. Nothing logs in.
        """
        error = OwnedError()
        try:
            status = self._library.nacos_auth_set_token(self._handle, text("token", token), life(ttl), byref(error))
        finally:
            del token
        if status:
            raise take_error(self._library, status, error)
        self._end_log()

    def retry(self) -> None:
        """Ends whatever pause there is between logins, and takes no server for one that is down. Never waits.

        For a program that knows that what was wrong has been mended: an operator has said so, the network has come
        back. Between two logins there is still a second at the least.
        """
        error = OwnedError()
        status = self._library.nacos_auth_retry(self._handle, byref(error))
        if status:
            raise take_error(self._library, status, error)

    def report_rejected(
        self,
        generation: int,
        http_status: int,
        body: Body = b"",
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
        advice, error = NativeAdvice(), OwnedError()
        try:
            answer = content("body", body) or b""
        finally:
            del body
        rejection = Rejection(
            generation=number("generation", generation, 0, 2**64 - 1),
            http_status=number("http_status", http_status, 0, 999),
            refused_before=number("refused_before", refused_before, 0, 2**32 - 1),
            body=answer,
            body_len=len(answer),
            server=optional_text("server", server),
            retry_after=optional_text("retry_after", retry_after),
        )
        status = self._library.nacos_auth_report_rejected(self._handle, byref(rejection), byref(advice), byref(error))
        if status:
            raise take_error(self._library, status, error)
        known = advice.advice in Advice.__members__.values()
        return Advised(Advice(advice.advice) if known else Advice.RETURN, advice.wait_ms / 1000)

    def health(self) -> Health:
        """Whether this client can do its work, from what is known: asks no server, waits for nothing, begins no login.

        A client without a token logs in only when a call wants one, so a probe asks for the token without waiting
        first, and goes by this whatever comes of it. Of a closed client too.
        """
        return health_of(self._library, self._handle)

    def metrics(self) -> str:
        """The figures of this client as Prometheus text; those of several clients: `nacos_auth.metrics`."""
        return metrics_of(self._library, [self._handle], None)

    def stats(self) -> Stats:
        """The counters and states of this moment, of a closed client too."""
        statistics, error = AuthStatistics(), OwnedError()
        status = self._library.nacos_auth_stats(self._handle, byref(statistics), byref(error))
        if status:
            raise take_error(self._library, status, error)
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
        generation: int = self._library.nacos_auth_generation(self._handle)
        return generation

    def _close(self, timeout: float | None) -> bool:
        look()
        seconds = self._closing_time(timeout)
        try:
            done = self._close_natively(seconds)
        except BaseException:  # what ends the waiting for a function leaves the client closed all the same
            self._give_up_waiting()
            raise
        self._has_closed(done)
        self._end_log()
        return done

    def _close_natively(self, seconds: float) -> bool:
        call = Closing(self._close_here, seconds)
        make_bell = in_hub()
        if make_bell is None:
            return call.run()
        if is_asked(self._functions):
            # Closing waits for the credentials function, so that must not wait for closing.
            leave_to_a_thread(call)
            return False
        return run(call, make_bell)

    def _give_up_waiting(self) -> None:
        """Closes all the same; what is still to be told is told no more."""
        done = False
        try:
            done = self._close_here(0)
        finally:
            self._let_go(done, waits=False)
            self._end_log()

    def _flush(self, timeout: float | None) -> bool:
        """Has what was logged reach the handlers, before a program goes on that may be about to end."""
        return is_inside() or _log.flush(min(self._closing_time(timeout), _LONGEST_FLUSH))

    def _closing_time(self, timeout: float | None) -> float:
        seconds = closing_time(timeout)
        return self._request_timeout if seconds is None else seconds

    def _close_here(self, seconds: float) -> bool:
        """In pieces, between which the handlers of signals run."""
        end = time.monotonic() + seconds
        while True:
            piece = min(end - time.monotonic(), _BETWEEN_SIGNALS)
            error = OwnedError()
            status = self._library.nacos_auth_close(self._handle, max(1, int(piece * 1000)), byref(error))
            self._is_closed = True
            if not status:
                return True
            failure = take_error(self._library, status, error)
            if status != _TIMEOUT:
                raise failure
            if time.monotonic() >= end:
                return False

    def _has_closed(self, done: bool) -> None:
        self._let_go(done)
        if self._functions is not None and not is_inside():
            for client in list(_unfinished.values()):
                if client._close_here(0):
                    _unfinished.pop(id(client), None)

    def _let_go(self, done: bool, *, waits: bool = True) -> None:
        if self._functions is None:
            return
        try:
            forget(self._functions, waits=waits)
        finally:
            # As long as a function runs, freeing the handle would wait for it, and who frees it may be the garbage
            # collector in the middle of something that the function waits for.
            if done and not is_inside():
                _unfinished.pop(id(self), None)
            else:
                _unfinished[id(self)] = self
            _open.pop(id(self), None)

    def _forget(self) -> None:
        """In the beginning, and in a forked child, where the word is 0 until the library has been asked."""
        self._cached = _NOTHING_CACHED

    def __repr__(self) -> str:
        return f"<nacos_auth.{type(self).__name__} {self._server_addr} generation {self._word.value}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it is a connection, not a value. "
            "Make one in each process, or make it before a fork and use it on both sides"
        )


class Closing:
    """Closing as a call, which cannot be ended before its time."""

    __slots__ = ("_close", "_seconds")

    def __init__(self, close: Callable[[Any], bool], seconds: Any) -> None:
        self._close = close
        self._seconds = seconds

    def run(self) -> bool:
        return self._close(self._seconds)

    def cancel(self) -> None:
        pass


# By id: a subclass may compare, or not be hashable.
_clients: WeakValueDictionary[int, BaseClient] = WeakValueDictionary()
_open: dict[int, BaseClient] = {}
"""Those with functions. Only closing takes them away."""
_unfinished: dict[int, BaseClient] = {}
"""Closed, while a function still ran."""


def _forget_what_was_inherited() -> None:
    _unfinished.clear()
    for client in list(_clients.values()):
        client._forget()
        client._is_log_asleep = bool(client._log_handle)


in_child(_forget_what_was_inherited)


def _end_functions() -> None:
    """Before the interpreter goes, which a thread of the library must not enter any more."""
    _log.is_over = True
    try:
        _end_all(math.inf)
    except BaseException as interrupt:
        leave_unless(partial(_end_all, _BETWEEN_SIGNALS), interrupt)
        raise
    _log.flush(_LONGEST_LAST_FLUSH)


def _end_all(seconds: float) -> bool:
    """False if a function still runs after so many seconds for each client."""
    for reference in _clients.valuerefs():  # a copy, which threads that make clients meanwhile do not disturb
        client = reference()
        if client is not None:
            client._end_log()
    with_functions = [*_open.values(), *_unfinished.values()]
    for client in with_functions:
        _wait_until_made(client)
    # Every one is closed, also after one that has not ended in time.
    ended = [client._close(seconds) for client in with_functions if client._handle]
    return all(ended)


def _wait_until_made(client: BaseClient) -> None:
    """By another thread, which is about to. One that a fork has taken away never does."""
    end = time.monotonic() + _LONGEST_AFTER_INTERRUPT
    while not client._handle and id(client) in _open and time.monotonic() < end:
        time.sleep(0.001)


def leave_unless(end_all: Callable[[], bool], interrupt: BaseException) -> None:
    """The handler of a signal, as Ctrl-C's, has ended the waiting for functions at the end of the program.

    They have a moment more. The thread of one that still runs would then come back into an interpreter that has gone:
    CPython ends the thread in the middle of the library, with which the process aborts (from 3.14 on it hangs, with
    whatever waits for it). So the process ends here, without what is left to be done at its end.
    """
    end = time.monotonic() + _LONGEST_AFTER_INTERRUPT
    with suppress(BaseException):  # of the next Ctrl-C
        while True:
            if end_all():
                return
            if time.monotonic() >= end:
                break
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()
    if isinstance(interrupt, KeyboardInterrupt):
        with suppress(BaseException):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    os._exit(1)


at_end(_end_functions)
