"""The client for event loops: what may wait is started, and the loop told of its end."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from . import _log
from ._arguments import (
    Body,
    CallSettings,
    Content,
    Pairs,
    Params,
    Unpack,
    call_options,
    closing_time,
    has_long_poll,
    request_options,
)
from ._base import BaseClient, Closing
from ._calls import Ended, TokenCall, take_token
from ._causes import Cause
from ._declarations import NO_WAIT, RequestOptions
from ._diagnose import DiagnoseCall, Diagnosis, diagnose_options
from ._errors import InternalError, NacosTimeoutError, WouldBlockError
from ._forks import look
from ._operations import Loop, running_loop
from ._response import Response, take_response
from ._settings import ClientSettings
from ._state import Token
from ._workers import Call, Job, Workers

_LONGEST_TURN = 0.25  # seconds
_Result = TypeVar("_Result")
_Self = TypeVar("_Self", bound="AsyncClient")


class _LoopBell:
    """For a task."""

    __slots__ = ("_loop", "rung")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.rung = loop.new_waiter()

    def ring(self) -> None:
        self._loop.wake_from_thread(self.rung, None)


async def _on_a_thread(loop: Loop, call: Call[_Result]) -> _Result:
    """The result of a call that blocks. Whatever ends the waiting for it ends the call."""
    threads, bell = Workers(1), _LoopBell(loop)
    job = Job(call, bell)
    try:
        if not threads.start(job) and not threads.count and job.withdraw():
            raise InternalError(
                "this call needs a thread, and the system has none left: raise its limit, or use fewer elsewhere",
                cause=Cause.INTERNAL,
                retryable=True,
            )
        await bell.rung
    except BaseException:
        if not job.withdraw():
            job.cancel()
        raise
    finally:
        threads.retire()
    return job.result()


class AsyncClient(BaseClient):
    """`Client` for asyncio and trio, with the same settings, errors and methods; those that may wait are coroutines.

    No thread waits for a call, so there may be thousands: `max_operations` are under way at a time, of which
    `max_connections` are with servers; others wait for their turn within their timeout. A call for a token waits for
    none of these. Cancelling a task that waits, or a time-out around it, frees the task at once and ends the call. Not
    bound to an event loop: one client serves several, one after the other or each in its thread.
    """

    __slots__ = ("_turns",)

    async def token(self, timeout: float | None = None, *, wait: bool = True) -> str:
        """A token to send, from the cache while it may be used without asking, else after the login.

        With wait=False it ends at once: without a token it raises `WouldBlockError`, and a login begins.

        Raises `BadCredentialsError`, `NacosConnectionError`, `NacosTimeoutError`, `ClosedError`, ...
        """
        generation, token = self._cached
        if self._word.value == generation:
            return token.value
        return (await self.token_info(timeout, wait=wait)).value

    async def token_info(self, timeout: float | None = None, *, wait: bool = True) -> Token:
        """The token with its generation, for a caller that reports rejections. Always asks the native library."""
        options = call_options(timeout, wait)
        if not wait:
            return self._ask(options)
        look()
        if self._is_log_asleep:
            self._wake_log()
        at_hand = self._ask_at_once()
        if at_hand is not None:
            return at_hand
        loop = self._open_loop()
        try:
            ended = await loop.run(self._library.nacos_token_start, self._handle, options)
        except WouldBlockError:  # max_operations, which requests have used up
            pass
        else:
            return self._keep(take_token(self._library, ended.token))
        call = TokenCall(self._library, self._handle, options)
        call.be_cancellable(options.timeout_ms / 1000 or self._request_timeout)
        return self._keep(await _on_a_thread(loop, call))

    async def request(
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

        path: after the context path, "/v1/cs/configs"; it may carry a query that is already percent-encoded.
        params: the query, data: a form; both are percent-encoded here. Numbers are written as Python does, truth values
        as "true" and "false", an Enum as its value; None is left out, a list or tuple is that many of the same name. A
        value that is secret goes into `Sensitive`.
        body: what is sent as it is; json: the body as a value. One of data, body and json. A body lies in memory, so
        that it can be sent again: read files and generators first. settings: see `CallSettings`.

        Any HTTP status is an answer: see `Response.raise_for_status`. Raises as `token` does.
        """
        content = Content(path, params, headers, data, body, json)
        del path, params, headers, data, body, json
        return await self._send(method, content, settings)

    async def get(
        self, path: str, *, params: Params | None = None, headers: Pairs | None = None, **settings: Unpack[CallSettings]
    ) -> Response:
        """`request` with GET."""
        content = Content(path, params, headers)
        del path, params, headers
        return await self._send("GET", content, settings)

    async def post(
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
        return await self._send("POST", content, settings)

    async def put(
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
        return await self._send("PUT", content, settings)

    async def patch(
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
        return await self._send("PATCH", content, settings)

    async def delete(
        self, path: str, *, params: Params | None = None, headers: Pairs | None = None, **settings: Unpack[CallSettings]
    ) -> Response:
        """`request` with DELETE."""
        content = Content(path, params, headers)
        del path, params, headers
        return await self._send("DELETE", content, settings)

    async def close(self, timeout: float | None = None) -> bool:
        """Ends the client: calls in progress, and all later ones, raise `ClosedError`. Idempotent.

        Waits for a function of the client's that runs, for `timeout` seconds at the most (None: its request_timeout, 0:
        not at all). False if one still runs then: the client is closed all the same, as when the task is cancelled.
        """
        closing_time(timeout)
        try:
            # At once where no function runs, and no calls are under way whose ends the library has to tell.
            done = self._functions is None and self._close(0)
            if not done:
                done = await self._close_on_a_thread(Closing(self._close, timeout))
        except BaseException:  # the task is cancelled, perhaps before a thread has begun
            self._give_up_waiting()
            raise
        if _log.is_busy():
            await self._close_on_a_thread(Closing(self._flush, timeout))
        return done

    async def _close_on_a_thread(self, closing: Closing) -> bool:
        """A function that runs, or a log handler, may need the loop."""
        try:
            return await _on_a_thread(running_loop(self._library), closing)
        except InternalError:  # no thread, or no descriptor
            return closing.run()

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, method: str, content: Content, settings: CallSettings) -> Response:
        options = request_options(method, content, settings)
        look()
        if self._is_log_asleep:
            self._wake_log()
        loop = self._open_loop()
        try:
            ended = await loop.run(self._library.nacos_request_start, self._handle, options)
        except WouldBlockError as error:
            if options.flags & NO_WAIT or error.cause is not Cause.TOO_MANY_OPERATIONS:
                raise
        else:
            return take_response(self._library, ended.response, method, content.path_alone)
        finally:
            self._give_turn()
        ended = await self._run_in_turn(loop, options)
        return take_response(self._library, ended.response, method, content.path_alone)

    async def _run_in_turn(self, loop: Loop, options: RequestOptions) -> Ended:
        """When others have ended: as many are under way as may be."""
        seconds = options.timeout_ms / 1000 or self._request_timeout
        has_end = options.timeout_ms or not has_long_poll(options)
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            turn = loop.new_waiter()
            self._turns[turn] = loop
            try:
                await loop.wait(turn, min(left, _LONGEST_TURN))
            finally:
                self._turns.pop(turn, None)
            left = end - time.monotonic()
            if has_end:
                options.timeout_ms = max(1, math.ceil(left * 1000))
            if self._is_closed:
                raise self._closed_error()
            try:
                return await loop.run(self._library.nacos_request_start, self._handle, options)
            except WouldBlockError as error:
                if error.cause is not Cause.TOO_MANY_OPERATIONS:
                    raise
                if left <= 0:
                    message, cause = f"no end of others within {seconds:.1f} s: {error}", error.cause
                    break
            finally:
                self._give_turn()
        raise NacosTimeoutError(message, status="TIMEOUT", code=201, retryable=True, cause=cause)

    def _give_turn(self) -> None:
        """One has ended. What has been cancelled is still under way then, so those that wait look by themselves too."""
        if self._turns:
            with suppress(StopIteration, KeyError, RuntimeError):  # another thread was faster
                turn = next(iter(self._turns))
                self._turns.pop(turn).wake_from_thread(turn, None)

    def _forget(self) -> None:
        super()._forget()
        self._turns: dict[Any, Loop] = {}

    def _open_loop(self) -> Loop:
        if self._is_closed:
            raise self._closed_error()
        return running_loop(self._library)


async def diagnose_async(
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
    """`diagnose` for asyncio and trio. Cancelling the task, or a time-out around it, frees it at once, and ends it."""
    try:
        options = diagnose_options(method, path, refused_token, send_writes, timeout)
        call = DiagnoseCall(options, server_addr, username, password, **settings)
    finally:
        del password, path, refused_token, settings
    call.be_cancellable(call.seconds)
    return await _on_a_thread(running_loop(call.library), call)
