"""A child leaves the connection of its parent alone: over TLS even a polite goodbye would end it for the parent."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import trustme

from devserver import DevServer
from nacos_auth import Client


class Terminator:
    """Accepts TLS at `address`, and hands everything on to a server that speaks none."""

    def __init__(self, server_addr: str, authority: trustme.CA) -> None:
        host, port = server_addr.split(":")
        self._behind = (host, int(port))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._wrap = partial(context.wrap_socket, server_side=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # Only this wakes a thread in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._wrap(connection) as outside, socket.create_connection(self._behind) as inside:
            while True:
                for source in select.select([outside, inside], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (inside if source is outside else outside).sendall(data)


@pytest.fixture
def terminator(server: DevServer, tmp_path: Path) -> Iterator[tuple[Terminator, Path]]:
    """It, and the file with the authority to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    terminator = Terminator(server.address, authority)
    yield terminator, tmp_path / "ca.pem"
    terminator.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_situation_37_the_parents_connection_stays(terminator: tuple[Terminator, Path], server: DevServer) -> None:
    tls, ca_file = terminator
    children = 10
    with Client(tls.address, "nacos", "nacos", ca_file=ca_file) as client:

        def publishes() -> bool:
            form = {"dataId": "mine", "group": "DEFAULT_GROUP", "content": "1"}
            return client.post("/v1/cs/configs", data=form).status == 200

        assert publishes()
        before = tls.accepted
        for _ in range(children):
            child = os.fork()
            if child == 0:
                code = 1
                with suppress(BaseException):
                    signal.alarm(120)  # kills it if it hangs
                    code = 0 if publishes() else 1
                    client.close()
                    del publishes, client
                    gc.collect()
                os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert publishes()
        assert tls.accepted == before + children
    assert server.counts()["logins"] == 1
