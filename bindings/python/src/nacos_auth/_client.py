"""The client: a native handle, and the token it last gave kept on this side of the boundary."""

from __future__ import annotations

import os
import weakref
from ctypes import CDLL, byref, c_int32, c_uint64, c_void_p, create_string_buffer, memset, sizeof
from types import TracebackType
from typing import Any

from ._arguments import CARRIAGES, Carriage, Pairs, Path, invalid, milliseconds, pairs, path_text, text
from ._declarations import AuthOptions, AuthStatistics, CallOptions, RequestOptions, TokenInfo
from ._errors import take_error
from ._library import library
from ._response import Response, take_response
from ._state import REFRESH_STATES, TOKEN_STATES, Advice, Stats, Token

_BUFFER_TOO_SMALL = 105
_REQUEST_OPTIONS_SIZE = sizeof(RequestOptions)
_NOTHING_CACHED: tuple[int | None, str] = (None, "")  # None equals no generation


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


class Client:
    """Keeps one account of one Nacos cluster logged in.

    Safe to share between threads and to inherit over a fork. Clients of the same account in one process share their
    token. Nothing is sent before the first token is needed. Every call that may wait has a timeout in seconds; a call
    without one has `request_timeout`. Close it, or leave its `with` block, when done.
    """

    __slots__ = ("__weakref__", "_cached", "_handle", "_server_addr", "_word")

    def __init__(
        self,
        server_addr: str,
        username: str,
        password: str,
        *,
        context_path: str | None = None,
        ca_file: Path | None = None,
        client_cert_file: Path | None = None,
        client_key_file: Path | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        carriage: Carriage = "bearer",
    ) -> None:
        """Checks and copies the configuration; connects to nothing.

        server_addr: "10.0.0.1:8848,https://b:443". context_path: None is "/nacos", "" is none.
        ca_file: PEM that replaces the system's roots. client_cert_file, client_key_file: PEM, for mutual TLS.
        proxy: None is none; the environment is not read. connect_timeout, request_timeout: None is 2 and 15 seconds.
        carriage: where the token rides: "bearer" (every Nacos), "header" (accessToken, from 2.1) or "query" (the URL).

        Raises `InvalidArgumentError` (INVALID_CONFIG, ...), or `LibraryError` if there is no native library.
        """
        if carriage not in CARRIAGES:
            raise invalid("carriage must be one of " + ", ".join(CARRIAGES))
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
            carriage=CARRIAGES[carriage],
        )
        del password, proxy  # a traceback that shows variables must not find them here
        native = library()
        self._handle = _Handle(native, options)
        self._server_addr = server_addr
        # One tuple, replaced whole: a token never stands beside the generation of another.
        self._cached = _NOTHING_CACHED
        # Inside the native handle, and valid as long as that: reading it is one aligned load.
        self._word = c_uint64.from_address(native.nacos_auth_generation(self._handle.pointer))
        _clients.add(self)

    @classmethod
    def from_env(cls) -> Client:
        """A client from NACOS_SERVER_ADDR, NACOS_USERNAME and NACOS_PASSWORD. Raises `InvalidArgumentError`."""
        values = {name: os.environ.get(f"NACOS_{name.upper()}") for name in ("server_addr", "username", "password")}
        missing = [f"NACOS_{name.upper()}" for name, value in values.items() if value is None]
        if missing:
            raise invalid(f"set {', '.join(missing)} in the environment")
        return cls(**values)  # type: ignore[arg-type]

    def token(self, timeout: float | None = None) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        generation, token = self._cached
        if self._word.value == generation:
            return token
        del token  # a traceback that shows variables must not find it here
        return self.token_info(timeout).value

    def token_info(self, timeout: float | None = None) -> Token:
        """The token with its generation, for a caller that reports rejections. Always asks the native library."""
        handle = self._handle
        options = CallOptions(timeout_ms=milliseconds("timeout", timeout))
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
        self._cached = (token.generation, token.value)
        return token

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Sends a request with the token, once more if the server refused the token and a login gave a new one.

        path: after the context path, "/v1/cs/configs"; it may carry a query that is already percent-encoded.
        params: the query, data: a form; both are percent-encoded here. body: not together with data.

        Any HTTP status is an answer: see `Response.raise_for_status`. Raises as `token` does.
        """
        handle = self._handle
        query, query_count = pairs("params", params)
        header_list, header_count = pairs("headers", headers)
        form, form_count = pairs("data", data)
        content = body.encode() if isinstance(body, str) else body
        options = RequestOptions(
            _REQUEST_OPTIONS_SIZE,
            text("method", method),
            text("path", path),
            query,
            query_count,
            header_list,
            header_count,
            form,
            form_count,
            content,
            0 if content is None else len(content),
            None,
            milliseconds("timeout", timeout),
        )
        response, error = c_void_p(), c_void_p()
        status = handle.library.nacos_request(handle.pointer, byref(options), byref(response), byref(error))
        if status:
            raise take_error(handle.library, status, error)
        return take_response(handle.library, response, method, path)

    def get(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, timeout: float | None = None
    ) -> Response:
        """`request` with GET."""
        return self.request("GET", path, params=params, headers=headers, timeout=timeout)

    def post(
        self,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """`request` with POST."""
        return self.request("POST", path, params=params, headers=headers, data=data, body=body, timeout=timeout)

    def put(
        self,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """`request` with PUT."""
        return self.request("PUT", path, params=params, headers=headers, data=data, body=body, timeout=timeout)

    def delete(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, timeout: float | None = None
    ) -> Response:
        """`request` with DELETE."""
        return self.request("DELETE", path, params=params, headers=headers, timeout=timeout)

    def set_credentials(self, username: str, password: str) -> None:
        """Replaces the account's name and password; the next call logs in with them."""
        handle, error = self._handle, c_void_p()
        name, secret = text("username", username), text("password", password)
        del password
        status = handle.library.nacos_auth_set_credentials(handle.pointer, name, secret, byref(error))
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
        )

    @property
    def generation(self) -> int:
        """Generation of the token that may be used without asking, 0 if there is none. Costs no call."""
        return self._word.value

    def close(self) -> None:
        """Ends the client: calls in progress in other threads, and all later ones, raise `ClosedError`. Idempotent."""
        self._handle.library.nacos_auth_close(self._handle.pointer)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<nacos_auth.Client {self._server_addr} generation {self.generation}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "a Client cannot be pickled or copied: it is a connection, not a value. "
            "Make one in each process, or make it before a fork and use it on both sides"
        )


# A forked child drops what it inherited: it draws its own refresh times, so it asks the native library once.
_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _forget_tokens() -> None:
    for client in list(_clients):
        client._cached = _NOTHING_CACHED


os.register_at_fork(after_in_child=_forget_tokens)
