"""nacos-sdk-python as its users have it: one client, which reads a configuration every 100 ms for so many seconds."""

import os
import sys
import time

import nacos

seconds, *credentials = float(sys.argv[1]), *sys.argv[2:]
client = nacos.NacosClient(
    os.environ["NACOS_AUTH_ADDR"], namespace="", **dict(zip(("username", "password"), credentials))
)
ok = failed = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        good = client.get_config("demo", "DEFAULT_GROUP", no_snapshot=True) == "hello"
    except Exception as error:
        print(repr(error), file=sys.stderr)
        good = False
    ok, failed = ok + good, failed + (not good)
    time.sleep(0.1)
print(f"ok {ok} failed {failed}")
