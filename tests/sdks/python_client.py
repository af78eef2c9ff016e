"""nacos-sdk-python as its users have it, for some seconds: prints how many calls it made, and those that failed.

python_client.py HOST:PORT SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import nacos  # type: ignore[import-untyped]


def main() -> None:
    address, seconds = sys.argv[1], float(sys.argv[2])
    client: Any = nacos.NacosClient(address, namespace="", username="anybody", password="any")
    client.set_options(no_snapshot=True)
    calls, failures = 0, []
    end = time.monotonic() + seconds
    client.add_naming_instance("service", "10.0.0.1", 80)
    while time.monotonic() < end:
        content = f"content {calls} 中文"
        for call, wanted in (
            (lambda text=content: client.publish_config("sdk", "G", text), True),
            (lambda: client.get_config("sdk", "G"), content),
            (lambda: bool(client.send_heartbeat("service", "10.0.0.1", 80)), True),
            (lambda: bool(client.list_naming_instance("service")["hosts"]), True),
        ):
            calls += 1
            try:
                got = call()
                if got != wanted:
                    failures.append(f"{got!r} instead of {wanted!r}")
            except Exception as error:
                failures.append(repr(error))
        time.sleep(0.05)
    print(json.dumps({"calls": calls, "failures": failures[:5]}))


main()
