"""A real Nacos cluster of three nodes on 127.0.0.1, for tests and for trying things out.

As a module:          with Cluster() as cluster: ... cluster.addresses ...
On the command line:  python3 tests/real/cluster.py
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType, TracebackType
from typing import final

from nacos import Nacos, NacosError, free_ports, new_secret
from nacos_jars import progress

VERSION = "2.3.2"
NODES = 3


@final
class Cluster:
    """Three server processes that share their data (raft over Derby) and, to begin with, their secret.

    What concerns one node alone, such as kill(), start() and rotate_secret(), is done to one of `nodes`. Its methods
    block; not for use from several threads. 1.3 GB.
    """

    def __init__(self, *, ttl: int = 18000) -> None:
        """Prepare it; start() or `with` starts it. ttl: life of a token in seconds. Raises as Nacos does."""
        self._ttl = ttl
        self.nodes = self._prepare()

    def _prepare(self) -> list[Nacos]:
        ports = free_ports(NODES)
        secret = new_secret()
        nodes: list[Nacos] = []
        for port in ports:
            node = Nacos(VERSION, ttl=self._ttl, members=[port, *(other for other in ports if other != port)])
            node.secret = secret
            nodes.append(node)
        return nodes

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def addresses(self) -> str:
        """All nodes, as nacos-auth wants to have them."""
        return ",".join(node.address for node in self.nodes)

    @property
    def user(self) -> str:
        """The user with all rights."""
        return self.nodes[0].user

    @property
    def password(self) -> str:
        """Its password."""
        return self.nodes[0].password

    def start(self) -> None:
        """Start all nodes, and wait until each takes a login; some 45 s."""
        began = time.monotonic()
        try:
            self._start_all()
        except NacosError as error:
            # Three at once on a busy machine: they may have missed each other.
            progress(f"{error}\ncluster: once more, with other ports and no data")
            self.stop()
            self.nodes = self._prepare()
            self._start_all()
        progress(f"cluster: ready at {self.addresses} after {time.monotonic() - began:.1f} s")

    def _start_all(self) -> None:
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait_until_ready()

    def stop(self) -> None:
        """End all nodes and remove their data. Harmless when done before."""
        for node in self.nodes:
            node.stop()

    def publish(self, data_id: str, content: str) -> None:
        """Publish a configuration, and wait until every node gives it out."""
        self.nodes[0].publish(data_id, content)
        for node in self.nodes:
            node.wait_for_config(data_id)

    def set_ttl(self, seconds: int) -> None:
        """Tokens of later logins live that long."""
        for node in self.nodes:
            node.set_ttl(seconds)

    def set_password(self, password: str, *, wait: bool = True) -> None:
        """Change the password through the first node. wait: until each node takes it, up to 15 s."""
        self.nodes[0].set_password(password, wait=False)
        for node in self.nodes:
            node.password = password
            if wait:
                node.wait_for_login(node.user, password)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> int:
    """The command line."""
    signal.signal(signal.SIGTERM, _end)
    try:
        with Cluster() as cluster:
            print(f"Nacos {VERSION}, three nodes, context path /nacos: {cluster.addresses}")
            print(f"user {cluster.user}, password {cluster.password}")
            for node in cluster.nodes:
                print(f"{node.address}: process {node.pid}, log {node.log_path}")
            print("Ctrl-C stops them and removes their data", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except NacosError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
