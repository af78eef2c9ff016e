"""The client whose calls block."""

from __future__ import annotations

from types import TracebackType

from ._arguments import Pairs, milliseconds, request_options
from ._base import BaseClient
from ._declarations import CallOptions
from ._response import Response
from ._state import Token


class Client(BaseClient):
    """Keeps one account of one Nacos cluster logged in.

    Safe to share between threads and to inherit over a fork. Clients of the same account in one process share their
    token. Nothing is sent before the first token is needed. Every call that may wait has a timeout in seconds; a call
    without one has `request_timeout`. Close it, or leave its `with` block, when done.
    """

    __slots__ = ()

    def token(self, timeout: float | None = None) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        generation, token = self._cached
        if self._word.value == generation:
            return token.value
        return self.token_info(timeout).value

    def token_info(self, timeout: float | None = None) -> Token:
        """The token with its generation, for a caller that reports rejections. Always asks the native library."""
        return self._ask(CallOptions(timeout_ms=milliseconds("timeout", timeout)))

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

        path: after the context path, "/v1/cs/configs"; it may carry a query that is already percent-encoded. Paths that
        lead out of the context path, and headers such as Host and Content-Length, are refused.
        params: the query, data: a form; both are percent-encoded here. body: not together with data. timeout: None is
        the client's request_timeout, and as much more as a header Long-Pulling-Timeout says.

        Any HTTP status is an answer: see `Response.raise_for_status`. Raises as `token` does.
        """
        return self._send(request_options(method, path, params, headers, data, body, timeout), method, path)

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

    def close(self) -> None:
        """Ends the client: calls in progress in other threads, and all later ones, raise `ClosedError`. Idempotent."""
        self._close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
