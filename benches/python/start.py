"""From the start of a process to its first token, and what an import costs: start.py C_PROGRAM.

Each contender is a process that prints the moment (CLOCK_MONOTONIC) at which it has a token, and, where it imports a
package, how many milliseconds that took. They take turns, ROUNDS times.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from turns import ROUNDS, print_row

IMPORT = "import time; began = time.perf_counter(); {}; took = (time.perf_counter() - began) * 1e3\n"
OURS = (
    IMPORT.format("import nacos_auth")
    + "with nacos_auth.Client.from_env() as client: client.token(); print(time.monotonic(), took)"
)
SDK = (
    IMPORT.format("import nacos")
    + "import os; server = os.environ['NACOS_SERVER_ADDR']\n"
    + "nacos.NacosClient(server, username='nacos', password='nacos').get_access_token(); print(time.monotonic(), took)"
)


def main() -> None:
    [program] = sys.argv[1:]
    commands = {
        "nacos_get_token": [program, "first"],
        "nacos-sdk-python": [sys.executable, "-c", SDK],
        "nacos_auth": [sys.executable, "-c", OURS],
    }
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in commands}
    for _ in range(ROUNDS + 1):
        for name, command in commands.items():
            began = time.monotonic()
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ)
            token, *imported = map(float, done.stdout.split())
            seen[name].append(((token - began) * 1e3, *imported))
    for name, rounds in seen.items():  # the first warmed up the cache of files
        columns = dict(zip(("ms to the first token", "ms of import"), map(list, zip(*rounds[1:]))))
        print_row("start", "C" if name == "nacos_get_token" else "Python", name, columns)


if __name__ == "__main__":
    main()
