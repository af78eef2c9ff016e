"""The same through AsyncClient: calls that are made at the same time are tasks of one event loop."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from nacos_auth import AsyncClient, NacosError
from shim import (
    Answer,
    Fields,
    ShimError,
    State,
    Tally,
    failure,
    parse,
    request_arguments,
    response_answer,
    seconds,
    token_answer,
)


class AsyncShim(State[AsyncClient]):
    def __init__(self) -> None:
        super().__init__("python-async", AsyncClient)

    async def answer(self, line: bytes) -> Answer:
        try:
            return (await self._do(parse(line)))[0]
        except NacosError as error:
            return failure(error)
        except ShimError as error:
            return {"ok": False, "status": "SHIM", "message": str(error)}

    async def _do(self, fields: Fields) -> tuple[Answer, int]:
        """The answer, and the generation of the token it was got with (0: none)."""
        operations: dict[str, Callable[[Fields], Awaitable[tuple[Answer, int]]]] = {
            "get_token": self._get_token,
            "request": self._request,
            "parallel": self._parallel,
            "loop": self._loop,
            "close": self._close,
            "free": self._close,
        }
        op = fields["op"]
        return await operations[op](fields) if op in operations else (self.at_once(fields), 0)

    async def _get_token(self, fields: Fields) -> tuple[Answer, int]:
        client, timeout = self.client(fields), seconds(fields, "timeout_ms")
        token = await client.token(timeout)
        info = await client.token_info(timeout)
        if info.value != token:  # renewed in between: then the cached way must give the new one
            token = await client.token(timeout)
            info = await client.token_info(timeout)
        return token_answer(fields, token, info)

    async def _request(self, fields: Fields) -> tuple[Answer, int]:
        return response_answer(await self.client(fields).request(**request_arguments(fields)))

    async def _parallel(self, fields: Fields) -> tuple[Answer, int]:
        tally, do = Tally(), fields["do"]
        self.check_do(do)

        async def one_task() -> None:
            for _ in range(fields["each"]):
                await self._once(tally, do)

        await asyncio.gather(*(one_task() for _ in range(fields["threads"])))
        return tally.summary(), 0

    async def _loop(self, fields: Fields) -> tuple[Answer, int]:
        tally, do = Tally(), fields["do"]
        self.check_do(do)
        start = due = time.monotonic()
        while time.monotonic() - start < fields["duration_ms"] / 1000:
            await self._once(tally, do)
            due += fields["interval_ms"] / 1000
            await asyncio.sleep(max(0, due - time.monotonic()))
        return tally.summary(), 0

    async def _once(self, tally: Tally, do: Fields) -> None:
        with tally.one():
            tally.note(*await self._do(do))

    async def _close(self, fields: Fields) -> tuple[Answer, int]:
        await self.client(fields).close()
        return self.closed(fields), 0


async def main() -> None:
    shim = AsyncShim()
    for line in sys.stdin.buffer:
        print(json.dumps(await shim.answer(line)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
