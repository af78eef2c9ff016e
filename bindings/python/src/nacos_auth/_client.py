"""The client whose calls block."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from . import _main_thread
from ._arguments import Body, CallSettings, Content, Pairs, Params, Unpack, call_options, request_options
from ._base import BaseClient
from ._calls import RequestCall, send
from ._forks import look
from ._greenlets import waiting
from ._response import Response
from ._state import Token
from ._workers import Lock

_Self = TypeVar("_Self", bound="Client")


class Client(BaseClient):
    """Keeps one account of one Nacos cluster logged in.

    Safe to share between threads and to inherit over a fork. Clients of the same account in one process share their
    token. Nothing is sent before the first token is needed. Every call that may wait has a timeout in seconds: None is
    `request_timeout`, math.inf and all beyond a day is a day; 0 and less are refused. Close it, or leave its `with`
    block, when done.
    """

    __slots__ = ()

    def token(self, timeout: float | None = None, *, wait: bool = True) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        With wait=False it never blocks: where it would have to, it raises `WouldBlockError`, and a login begins.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        generation, token = self._cached
        if self._word.value == generation:
            return token.value
        return self.token_info(timeout, wait=wait).value

    def token_info(self, timeout: float | None = None, *, wait: bool = True) -> Token:
        """The token with its generation, for a caller that reports rejections. Always asks the native library."""
        return self._ask(call_options(timeout, wait))

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Pairs | None = None,
        data: Params | None = None,
        body: Body | None = None,
        json: object = None,
        **settings: Unpack[CallSettings],
    ) -> Response:
        """Sends a request with the token, once more if the server refused the token and a login gave a new one.

        path: after the context path, "/v1/cs/configs"; it may carry a query that is already percent-encoded. Paths that
        lead out of the context path, and headers such as Host and Content-Length, are refused.
        params: the query, data: a form; both are percent-encoded here. Numbers are written as Python does, truth values
        as "true" and "false", an Enum as its value; None is left out, a list or tuple is that many of the same name. A
        value that is secret goes into `Sensitive`.
        body: what is sent as it is; json: the body as a value. One of data, body and json. A body lies in memory, so
        that it can be sent again: read files and generators first. settings: see `CallSettings`.

        Any HTTP status is an answer: see `Response.raise_for_status`. Raises as `token` does.
        """
        content = Content(path, params, headers, data, body, json)
        del path, params, headers, data, body, json
        return self._send(method, content, settings)

    def get(
        self, path: str, *, params: Params | None = None, headers: Pairs | None = None, **settings: Unpack[CallSettings]
    ) -> Response:
        """`request` with GET."""
        content = Content(path, params, headers)
        del path, params, headers
        return self._send("GET", content, settings)

    def post(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Pairs | None = None,
        data: Params | None = None,
        body: Body | None = None,
        json: object = None,
        **settings: Unpack[CallSettings],
    ) -> Response:
        """`request` with POST."""
        content = Content(path, params, headers, data, body, json)
        del path, params, headers, data, body, json
        return self._send("POST", content, settings)

    def put(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Pairs | None = None,
        data: Params | None = None,
        body: Body | None = None,
        json: object = None,
        **settings: Unpack[CallSettings],
    ) -> Response:
        """`request` with PUT."""
        content = Content(path, params, headers, data, body, json)
        del path, params, headers, data, body, json
        return self._send("PUT", content, settings)

    def patch(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Pairs | None = None,
        data: Params | None = None,
        body: Body | None = None,
        json: object = None,
        **settings: Unpack[CallSettings],
    ) -> Response:
        """`request` with PATCH."""
        content = Content(path, params, headers, data, body, json)
        del path, params, headers, data, body, json
        return self._send("PATCH", content, settings)

    def delete(
        self, path: str, *, params: Params | None = None, headers: Pairs | None = None, **settings: Unpack[CallSettings]
    ) -> Response:
        """`request` with DELETE."""
        content = Content(path, params, headers)
        del path, params, headers
        return self._send("DELETE", content, settings)

    def _send(self, method: str, content: Content, settings: CallSettings) -> Response:
        options = request_options(method, content, settings)
        look()
        if self._is_log_asleep:
            self._wake_log()
        if self._is_closed:
            raise self._closed_error()
        make_bell = waiting()
        if make_bell is None:
            return send(self._library, self._handle, options, method, content.path_alone)
        if make_bell is Lock:
            answer = _main_thread.send(self._library, self._handle, options, method, content.path_alone)
            if answer is not None:
                return answer
        call = RequestCall(self._library, self._handle, options, method, content.path_alone)
        response: Response = self._call_elsewhere(call, make_bell)
        return response

    def close(self, timeout: float | None = None) -> bool:
        """Ends the client: calls in progress in other threads, and all later ones, raise `ClosedError`. Idempotent.

        Waits for a function of the client's that runs, for `timeout` seconds at the most (None: its request_timeout, 0:
        not at all). False if one still runs then: the client is closed all the same.
        """
        done = self._close(timeout)
        self._flush(timeout)
        return done

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
