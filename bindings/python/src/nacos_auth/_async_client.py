"""The client for asyncio: what may wait is done by threads, what is in memory at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from ._arguments import Pairs, is_long_poll, milliseconds, request_options
from ._base import BaseClient
from ._declarations import CallOptions, RequestOptions
from ._errors import NacosTimeoutError
from ._greenlets import Cancel
from ._response import Response
from ._state import Token

_THREADS = 64
_Result = TypeVar("_Result")


class AsyncClient(BaseClient):
    """`Client` for asyncio, with the same settings, errors and methods; those that may wait are coroutines.

    Cancelling a task that waits, or a time-out around it, frees the task at once and ends the call. At most 64 calls
    run at a time, others wait for their turn within their timeout. Not bound to an event loop.
    """

    _threads: ThreadPoolExecutor | None = None

    async def token(self, timeout: float | None = None) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        return (await self.token_info(timeout)).value

    async def token_info(self, timeout: float | None = None) -> Token:
        """The token with its generation, for a caller that reports rejections."""
        generation, token = self._cached
        if self._word.value == generation:
            return token
        options = CallOptions(timeout_ms=milliseconds("timeout", timeout))
        return await self._run(lambda: self._ask(options), options, timeout)

    async def request(
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
        options = request_options(method, path, params, headers, data, body, timeout)
        return await self._run(lambda: self._send(options, method, path), options, timeout)

    async def get(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, timeout: float | None = None
    ) -> Response:
        """`request` with GET."""
        return await self.request("GET", path, params=params, headers=headers, timeout=timeout)

    async def post(
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
        return await self.request("POST", path, params=params, headers=headers, data=data, body=body, timeout=timeout)

    async def put(
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
        return await self.request("PUT", path, params=params, headers=headers, data=data, body=body, timeout=timeout)

    async def delete(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, timeout: float | None = None
    ) -> Response:
        """`request` with DELETE."""
        return await self.request("DELETE", path, params=params, headers=headers, timeout=timeout)

    async def close(self) -> None:
        """Ends the client: calls in progress, and all later ones, raise `ClosedError`. Idempotent."""
        threads, self._threads = self._threads, None
        # A function that runs may need the loop.
        await asyncio.to_thread(self._close)
        if threads is not None:
            threads.shutdown(wait=False)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(
        self, call: Callable[[], _Result], options: CallOptions | RequestOptions, timeout: float | None
    ) -> _Result:
        """Makes a blocking call on a thread."""
        loop = asyncio.get_running_loop()
        seconds = self._request_timeout if timeout is None else timeout
        deadline = None if is_long_poll(options) else time.monotonic() + seconds
        cancel = Cancel(self._handle.library)
        options.cancel = cancel.pointer

        def begin() -> _Result:
            _ = cancel  # lives as long as the call, which outlives a task that is cancelled
            if deadline is not None:
                options.timeout_ms = max(1, math.ceil((deadline - time.monotonic()) * 1000))
            return call()

        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="nacos-auth")
        job = self._threads.submit(begin)
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = job.cancel()  # only if it has no thread yet: the library ends those that have begun

        timer = loop.call_later(seconds, expire)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            cancel.trigger()
            if not expired:
                raise
            raise NacosTimeoutError(
                f"{_THREADS} other calls kept every thread of this client busy for {seconds:.1f} s",
                status="TIMEOUT",
                code=201,
                retryable=True,
            ) from None
        finally:
            timer.cancel()

    def _forget(self) -> None:
        super()._forget()
        self._threads = None  # they are the parent's
