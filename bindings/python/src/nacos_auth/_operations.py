"""Calls under way for which no thread waits: how an event loop is told of their ends.

The native library puts what has ended into a queue with a descriptor. Each event loop has one such queue, for all
clients, and watches its descriptor; who waits for a call awaits a future of that loop, or an event of trio's.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from ctypes import CDLL, byref
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from ._calls import Ended
from ._declarations import (
    CallOptions,
    OwnedError,
    OwnedHandle,
    OwnedOperation,
    OwnedQueue,
    RequestOptions,
    StartOptions,
)
from ._errors import keep_spare, spare_error, take_error
from ._forks import in_child, look

_MOST_AT_ONCE = 200
"""Ends between which nothing else of the loop has its turn."""


class Loop:
    """What an event loop has of this package, for as long as it is open: the loop alone refers to it for long.

    Its thread alone uses it, but for `wake_from_thread`.
    """

    __slots__ = ("__weakref__", "_ended", "_next", "_numbers", "_queue", "_starts", "_waiting", "library", "new_waiter")

    def __init__(self, library: CDLL, new_waiter: Callable[[], Any]) -> None:
        self.library = library
        self.new_waiter = new_waiter
        """What it makes is awaited by one task, which gets what it is woken with."""
        self._next = library.nacos_queue_next
        self._queue, error = OwnedQueue(), OwnedError()
        self._ended = Ended()
        self._numbers = itertools.count(1)
        self._starts: list[StartOptions] = []
        self._waiting: dict[int | None, Any] = {}
        status = library.nacos_queue_new(byref(self._queue), byref(error))
        if status:
            raise take_error(library, status, error)

    @property
    def descriptor(self) -> int:
        descriptor: int = self.library.nacos_queue_fd(self._queue)
        return descriptor

    async def wait(self, waiter: Any, seconds: float) -> None:
        """Until it is woken, or for so long."""
        raise NotImplementedError

    def wake(self, waiter: Any, value: object) -> None:
        """Nothing happens if it has been woken, or if nobody waits any more."""
        raise NotImplementedError

    def wake_from_thread(self, waiter: Any, value: object) -> None:
        """The same from any thread, and when the loop has ended."""
        raise NotImplementedError

    def _again(self) -> None:
        """Has `take` called soon."""
        raise NotImplementedError

    async def run(self, start: Callable[..., int], handle: OwnedHandle, options: RequestOptions | CallOptions) -> Ended:
        """Starts a call and waits for its end. Whatever ends the waiting ends the call."""
        operation, error = OwnedOperation(), spare_error()
        waiter, number = self.new_waiter(), next(self._numbers)
        try:
            how = self._starts.pop()
        except IndexError:
            how = StartOptions(queue=self._queue)
        how.data = number
        self._waiting[number] = waiter
        try:
            status = start(handle, byref(options), byref(how), byref(operation), byref(error))
            self._starts.append(how)
            if status:
                raise take_error(self.library, status, error)
            keep_spare(error)
            ended: Ended = await waiter
        finally:
            if self._waiting.pop(number, None) is not None:
                self.library.nacos_operation_cancel(operation)
        if ended.completion.status:
            raise take_error(self.library, ended.completion.status, ended.error)
        return ended

    def take(self) -> None:
        """Hands over what has ended, a part at a time. To be called as long as the descriptor is readable."""
        try:
            for _ in range(_MOST_AT_ONCE):
                if not self._take_one():
                    break
        except BaseException:  # of the handler of a signal: nobody is forgotten for that
            self._again()
            raise

    def _take_one(self) -> bool:
        # In such an order that it can be done once more after whatever has been raised in between.
        ended = self._ended
        number = ended.completion.data
        if number is None:
            if self._next(self._queue, ended.pointer, None):
                return False
            number = ended.completion.data
        waiter = self._waiting.get(number)
        if waiter is not None:
            self.wake(waiter, ended)
            self._waiting.pop(number, None)
        self._ended = Ended()  # what nobody waits for goes with the former one
        return True


class _AsyncioLoop(Loop):
    __slots__ = ("loop",)

    def __init__(self, library: CDLL, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(library, loop.create_future)
        self.loop = loop
        # For good: a loop that is closed lets go of it, and its descriptor is open until then.
        loop.add_reader(self.descriptor, self.take)

    async def wait(self, waiter: asyncio.Future[Any], seconds: float) -> None:
        timer = self.loop.call_later(seconds, self.wake, waiter, None)
        try:
            await waiter
        finally:
            timer.cancel()

    def wake(self, waiter: asyncio.Future[Any], value: object) -> None:
        if not waiter.done():
            waiter.set_result(value)

    def wake_from_thread(self, waiter: asyncio.Future[Any], value: object) -> None:
        with suppress(RuntimeError):  # it has been closed
            self.loop.call_soon_threadsafe(self.wake, waiter, value)

    def _again(self) -> None:
        self.loop.call_soon(self.take)


class _TrioWaiter:
    __slots__ = ("event", "value")

    def __init__(self, trio: Any) -> None:
        self.event = trio.Event()
        self.value: object = None

    def __await__(self) -> Generator[Any, Any, object]:
        waiting: Awaitable[object] = self.event.wait()
        yield from waiting.__await__()
        return self.value


class _TrioLoop(Loop):
    __slots__ = ("token", "trio")

    def __init__(self, library: CDLL, trio: Any, token: Any) -> None:
        super().__init__(library, partial(_TrioWaiter, trio))
        self.trio = trio
        self.token = token
        trio.lowlevel.spawn_system_task(self._watch, name="nacos_auth")

    async def wait(self, waiter: _TrioWaiter, seconds: float) -> None:
        with self.trio.move_on_after(seconds):
            await waiter

    def wake(self, waiter: _TrioWaiter, value: object) -> None:
        if not waiter.event.is_set():
            waiter.value = value
            waiter.event.set()

    def wake_from_thread(self, waiter: _TrioWaiter, value: object) -> None:
        with suppress(self.trio.RunFinishedError):
            self.token.run_sync_soon(self.wake, waiter, value)

    def _again(self) -> None:
        self.token.run_sync_soon(self.take)

    async def _watch(self) -> None:
        """Until all other tasks have ended."""
        while True:
            await self.trio.lowlevel.wait_readable(self.descriptor)
            self.take()


_loops: WeakValueDictionary[int, Any] = WeakValueDictionary()
"""By the id of asyncio's loop or trio's token."""


def running_loop(library: CDLL) -> Loop:
    """That of the caller. Raises RuntimeError if none runs."""
    look()
    trio = sys.modules.get("trio")
    if trio is not None and sys.modules["sniffio"].thread_local.name == "trio":  # which trio says itself
        token = trio.lowlevel.current_trio_token()
        known = _loops.get(id(token))
        if known is None or known.token is not token:
            _loops[id(token)] = known = _TrioLoop(library, trio, token)
        return known
    loop = asyncio.get_running_loop()
    known = _loops.get(id(loop))
    if known is None or known.loop is not loop:
        _loops[id(loop)] = known = _AsyncioLoop(library, loop)
    return known


# A child of a fork has queues of its own.
in_child(_loops.clear)
