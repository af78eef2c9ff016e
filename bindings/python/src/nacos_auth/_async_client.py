"""The client for event loops: what may wait is started, and the loop told of its end."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from . import _log
from ._arguments import Body, CallSettings, Content, Pairs, Params, call_options, closing_time, request_options
from ._base import BaseClient, Closing
from ._calls import take_token
from ._causes import Cause
from ._diagnose import DiagnoseCall, Diagnosis, diagnose_options
from ._errors import InternalError
from ._operations import Loop, running_loop
from ._response import Response, take_response
from ._state import Token
from ._workers import Call, Job, Workers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._settings import ClientSettings

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

    No thread waits for a call, so there may be thousands: `max_operations` of them, of which `max_connections` are with
    servers at a time, while the others wait for their turn within their timeout. A call for a token waits for none of
    these. Cancelling a task that waits, or a time-out around it, frees the task at once and ends the call. Not bound to
    an event loop: one client serves several, one after the other or each in its thread.
    """

    __slots__ = ()

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
        if self._is_log_asleep:
            self._wake_log()
        at_hand = self._ask_at_once()
        if at_hand is not None:
            return at_hand
        ended = await self._open_loop().run(self._library.nacos_token_start, self._handle, options)
        return self._keep(take_token(self._library, ended.token))

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
        not at all). False if one still runs then: the client is closed all the same.
        """
        closing_time(timeout)
        closing = Closing(self._close, timeout)
        if self._functions is None:
            done = closing.run()  # waits for nothing
        else:
            done = await self._close_on_a_thread(closing)
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
        if self._is_log_asleep:
            self._wake_log()
        ended = await self._open_loop().run(self._library.nacos_request_start, self._handle, options)
        return take_response(self._library, ended.response, method, str(content.path))

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
