"""The client for asyncio: what may wait is done by threads, what is in memory at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ._arguments import CallSettings, Pairs, call_options, is_long_poll, request_options
from ._base import BaseClient
from ._causes import Cause
from ._declarations import CallOptions, RequestOptions
from ._errors import NacosTimeoutError
from ._greenlets import Cancel
from ._response import Response
from ._state import Token

if TYPE_CHECKING:
    from typing_extensions import Unpack

_THREADS = 64
_Result = TypeVar("_Result")


class AsyncClient(BaseClient):
    """`Client` for asyncio, with the same settings, errors and methods; those that may wait are coroutines.

    Cancelling a task that waits, or a time-out around it, frees the task at once and ends the call. At most 64 calls
    run at a time, others wait for their turn within their timeout. Not bound to an event loop.
    """

    _threads: ThreadPoolExecutor | None = None

    async def token(self, timeout: float | None = None, *, wait: bool = True) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        With wait=False it ends at once: without a token it raises `WouldBlockError`, and a login begins.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        return (await self.token_info(timeout, wait=wait)).value

    async def token_info(self, timeout: float | None = None, *, wait: bool = True) -> Token:
        """The token with its generation, for a caller that reports rejections."""
        generation, token = self._cached
        if self._word.value == generation:
            return token
        options = call_options(timeout, wait)
        if not wait:
            return self._ask(options)
        at_hand = self._ask_at_once()
        if at_hand is not None:
            return at_hand
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
        **settings: Unpack[CallSettings],
    ) -> Response:
        """Sends a request with the token, once more if the server refused the token and a login gave a new one.

        path: after the context path, "/v1/cs/configs"; it may carry a query that is already percent-encoded.
        params: the query, data: a form; both are percent-encoded here. A value that is secret goes into `Sensitive`.
        body: not together with data. settings: see `CallSettings`.

        Any HTTP status is an answer: see `Response.raise_for_status`. Raises as `token` does.
        """
        options = request_options(method, path, params, headers, data, body, settings)
        return await self._run(lambda: self._send(options, method, path), options, settings.get("timeout"))

    async def get(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, **settings: Unpack[CallSettings]
    ) -> Response:
        """`request` with GET."""
        return await self.request("GET", path, params=params, headers=headers, **settings)

    async def post(
        self,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        **settings: Unpack[CallSettings],
    ) -> Response:
        """`request` with POST."""
        return await self.request("POST", path, params=params, headers=headers, data=data, body=body, **settings)

    async def put(
        self,
        path: str,
        *,
        params: Pairs | None = None,
        headers: Pairs | None = None,
        data: Pairs | None = None,
        body: bytes | str | None = None,
        **settings: Unpack[CallSettings],
    ) -> Response:
        """`request` with PUT."""
        return await self.request("PUT", path, params=params, headers=headers, data=data, body=body, **settings)

    async def delete(
        self, path: str, *, params: Pairs | None = None, headers: Pairs | None = None, **settings: Unpack[CallSettings]
    ) -> Response:
        """`request` with DELETE."""
        return await self.request("DELETE", path, params=params, headers=headers, **settings)

    async def close(self, timeout: float | None = None) -> bool:
        """Ends the client: calls in progress, and all later ones, raise `ClosedError`. Idempotent.

        Waits for a function of the client's that runs, for `timeout` seconds at the most (None: its request_timeout).
        False if one still runs then: the client is closed all the same.
        """
        threads, self._threads = self._threads, None
        # A function that runs may need the loop.
        done = await asyncio.to_thread(self._close, timeout)
        if threads is not None:
            threads.shutdown(wait=False)
        return done

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
                cause=Cause.DEADLINE,
            ) from None
        finally:
            timer.cancel()

    def _forget(self) -> None:
        super()._forget()
        self._threads = None  # they are the parent's
