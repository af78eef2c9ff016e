"""What a cached token costs, beside an empty call into the native library. Needs a server: see README.md."""

from __future__ import annotations

import timeit
from ctypes import CDLL
from typing import Any

from nacos_auth import Client
from nacos_auth._library import library

LOOPS = 1_000_000
ROUNDS = 7


def nanoseconds(statement: str, names: dict[str, Any]) -> float:
    return min(timeit.repeat(statement, globals=names, number=LOOPS, repeat=ROUNDS)) / LOOPS * 1e9


def main() -> None:
    with Client.from_env() as client:
        client.token()
        names = {"client": client, "empty_call": CDLL(library()._name).nacos_auth_abi_version}
        cached = nanoseconds("client.token()", names)
        empty = nanoseconds("empty_call()", names)
        crossing = nanoseconds("client.token_info()", names)
    print(f"cached token       {cached:8.1f} ns")
    print(f"empty ctypes call  {empty:8.1f} ns  ({empty / cached:.2f} x the cached token)")
    print(f"token_info()       {crossing:8.1f} ns  (asks the library each time)")


if __name__ == "__main__":
    main()
