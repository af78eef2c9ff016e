"""Reads one configuration every 200 ms. Argument 1: seconds to run, 30 unless told.

Environment: NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD, NACOS_DATA_ID.
"""

from __future__ import annotations

import os
import sys
import time

import nacos_auth


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    params = {"dataId": os.environ.get("NACOS_DATA_ID", "demo"), "group": "DEFAULT_GROUP"}
    generations: set[int] = set()
    last = requests = failures = 0

    with nacos_auth.Client(
        os.environ.get("NACOS_SERVER_ADDR", "127.0.0.1:8848"),
        os.environ.get("NACOS_USERNAME", "nacos"),
        os.environ.get("NACOS_PASSWORD", "nacos"),
    ) as client:
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            requests += 1
            try:
                response = client.get("/v1/cs/configs", params=params)
            except nacos_auth.NacosError as error:
                failures += 1
                print(f"failed {error.status}: {error}", flush=True)
            else:
                if response.status not in (200, 404):  # 404: there is no such configuration
                    failures += 1
                    print(f"failed HTTP {response.status}: {response.text.strip()}", flush=True)
                if response.generation != last:
                    last = response.generation
                    generations.add(last)
                    replays = client.stats().replays
                    print(f"token generation={last} requests={requests} replays={replays}", flush=True)
            time.sleep(max(0, start + requests * 0.2 - time.monotonic()))  # a rhythm, however long a request takes
        replays = client.stats().replays

    print(f"done requests={requests} tokens={len(generations)} replays={replays} failures={failures}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
