"""The calls that block, each an object with all that it uses, so that any thread may make it and any may end it."""

from __future__ import annotations

import math
import time
from ctypes import CDLL, byref, create_string_buffer, memset, sizeof
from typing import Generic, TypeVar

from ._arguments import has_long_poll
from ._declarations import (
    CallOptions,
    Completion,
    DiagnoseOptions,
    OwnedError,
    OwnedHandle,
    OwnedResponse,
    OwnedToken,
    RequestOptions,
    TokenInfo,
    set_cancel,
)
from ._errors import keep_spare, spare_error, take_error
from ._response import Response, take_response
from ._state import Token

_BUFFER_TOO_SMALL = 105
_COMPLETION_SIZE = sizeof(Completion)
_Options = TypeVar("_Options", CallOptions, RequestOptions, DiagnoseOptions)


class NativeCall(Generic[_Options]):
    """Made where it is, unless it is told to be `cancellable`."""

    __slots__ = ("_deadline", "library", "options")

    def __init__(self, library: CDLL, options: _Options) -> None:
        self.library = library
        self.options: _Options = options
        self._deadline: float | None = None

    def be_cancellable(self, seconds: float) -> None:
        """For a call that another thread is to make, in this time; the wait for that thread counts."""
        set_cancel(self.options, self.library.nacos_cancel_new())
        if not (isinstance(self.options, RequestOptions) and not self.options.timeout_ms and self.is_long_poll()):
            self._deadline = time.monotonic() + seconds

    def cancel(self) -> None:
        if self.options.owned_cancel is not None:
            self.library.nacos_cancel_trigger(self.options.owned_cancel)

    def is_long_poll(self) -> bool:
        """Whether a header says how long the server waits: without a timeout, the library adds that to its own."""
        return isinstance(self.options, RequestOptions) and has_long_poll(self.options)

    def _begin(self) -> None:
        if self._deadline is not None:
            self.options.timeout_ms = max(1, math.ceil((self._deadline - time.monotonic()) * 1000))


def take_token(library: CDLL, token: OwnedToken) -> Token:
    """A copy. What is left of the native one is wiped when it is freed."""
    info = TokenInfo()
    library.nacos_token_describe(token, byref(info), None)
    value: bytes = library.nacos_token_text(token)
    return Token(value.decode(), info.generation, info.remaining_ms / 1000, bool(info.expired))


class Ended:
    """How a call has ended. It owns what that brings, from before there is something."""

    __slots__ = ("completion", "error", "pointer", "response", "token")

    def __init__(self) -> None:
        self.completion = completion = Completion(_COMPLETION_SIZE)
        self.response = completion.response
        self.token = completion.token
        self.error = completion.error
        self.pointer = byref(completion)


class TokenCall(NativeCall[CallOptions]):
    __slots__ = ("handle",)

    def __init__(self, library: CDLL, handle: OwnedHandle, options: CallOptions) -> None:
        super().__init__(library, options)
        self.handle = handle

    def run(self) -> Token:
        self._begin()
        info, size = TokenInfo(), 4096
        while True:
            buffer, error = create_string_buffer(size), OwnedError()
            status = self.library.nacos_get_token(
                self.handle, byref(self.options), buffer, size, byref(info), byref(error)
            )
            if status != _BUFFER_TOO_SMALL:
                break
            size = info.length + 1
        if status:
            raise take_error(self.library, status, error)
        try:
            return Token(buffer.value.decode(), info.generation, info.remaining_ms / 1000, bool(info.expired))
        finally:
            memset(buffer, 0, size)


class RequestCall(NativeCall[RequestOptions]):
    __slots__ = ("_method", "_path", "handle")

    def __init__(self, library: CDLL, handle: OwnedHandle, options: RequestOptions, method: str, path: str) -> None:
        super().__init__(library, options)
        self.handle = handle
        self._method = method
        self._path = path

    def run(self) -> Response:
        self._begin()
        return send(self.library, self.handle, self.options, self._method, self._path)


def send(library: CDLL, handle: OwnedHandle, options: RequestOptions, method: str, path: str) -> Response:
    """Blocks."""
    response, error = OwnedResponse(), spare_error()
    status = library.nacos_request(handle, byref(options), byref(response), byref(error))
    if status:
        raise take_error(library, status, error)
    keep_spare(error)
    return take_response(library, response, method, path)
