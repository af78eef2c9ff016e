"""A server that lets everybody in and remembers what came over the wire."""

from __future__ import annotations

import json
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import final
from urllib.parse import parse_qsl, urlsplit

TOKEN = "an-opaque-token"
GRANT = json.dumps({"accessToken": TOKEN, "tokenTtl": 18000, "globalAdmin": True}).encode()
V1, V3 = "/nacos/v1/auth/login", "/nacos/v3/auth/user/login"


@dataclass(frozen=True)
class Seen:
    """One request; header names in lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given == name]

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@final
class Recorder:
    """The server, at `address` until stop(). What it answers may be changed at any time."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.logins: list[Seen] = []
        self.requests: list[Seen] = []
        self.body = b"{}"  # of the answer to a request
        self.refusals = 0  # so many requests are answered that their token has expired
        self.login_status = 200
        self.login_body = GRANT
        self.missing_logins: set[str] = set()  # paths of logins that it does not have
        self.idle: float | None = None  # seconds after which it closes a connection that nobody uses
        self._open = 0
        self._lock = threading.Lock()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.connection.settimeout(recorder.idle)
                recorder._opened(1)

            def finish(self) -> None:
                super().finish()
                recorder._opened(-1)

            def handle_one_request(self) -> None:
                try:
                    self.raw_requestline = self.rfile.readline(65537)
                except TimeoutError:
                    self.raw_requestline = b""
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                url = urlsplit(self.path)
                seen = Seen(
                    self.command,
                    url.path,
                    parse_qsl(url.query, keep_blank_values=True),
                    [(name.lower(), value) for name, value in self.headers.items()],
                    self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                )
                status, body = recorder._answer(seen)
                self.send_response(status)
                self.send_header("X-Answer", "one")
                self.send_header("X-Answer", "two")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def wait_for_no_connection(self) -> None:
        """Until it has closed them all."""
        limit = time.monotonic() + 60
        while self._open:
            assert time.monotonic() < limit, f"{self._open} connections stay open"
            time.sleep(0.01)

    def _opened(self, connections: int) -> None:
        with self._lock:
            self._open += connections

    def _answer(self, seen: Seen) -> tuple[int, bytes]:
        with self._lock:
            if seen.path.endswith("/login"):
                self.logins.append(seen)
                if seen.path in self.missing_logins:
                    return (410 if seen.path == V1 else 404), b"gone"
                return self.login_status, self.login_body
            self.requests.append(seen)
            if self.refusals:
                self.refusals -= 1
                return 403, b"token expired!"
            return 200, self.body

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
