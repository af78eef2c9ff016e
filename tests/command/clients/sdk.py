"""nacos-sdk-python as its users have it, for so many seconds.

Every 100 ms it publishes a configuration, reads it back, and keeps the instance alive that it has registered.
"""

import os
import sys
import time

import nacos

seconds, *credentials = float(sys.argv[1]), *sys.argv[2:]
client = nacos.NacosClient(
    os.environ["NACOS_AUTH_ADDR"], namespace="", **dict(zip(("username", "password"), credentials))
)
client.add_naming_instance("python-sdk", "10.0.0.1", 80)
ok = failed = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        content = f"content {ok} 中文"
        client.publish_config("python", "G", content)
        good = client.get_config("python", "G", no_snapshot=True) == content
        good = good and bool(client.send_heartbeat("python-sdk", "10.0.0.1", 80))
        good = good and len(client.list_naming_instance("python-sdk")["hosts"]) == 1
    except Exception as error:
        print(repr(error), file=sys.stderr)
        good = False
    ok, failed = ok + good, failed + (not good)
    time.sleep(0.1)
print(f"ok {ok} failed {failed}")
