"""A server that lets everybody in and remembers what came over the wire."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import final
from urllib.parse import parse_qsl, urlsplit

TOKEN = "an-opaque-token"


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
    """The server, at `address` until stop(); it answers every request but a login with `body`."""

    def __init__(self) -> None:
        self.logins: list[Seen] = []
        self.requests: list[Seen] = []
        self.body = b"{}"
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
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
                login = url.path.endswith("/login")
                (recorder.logins if login else recorder.requests).append(seen)
                grant = {"accessToken": TOKEN, "tokenTtl": 18000, "globalAdmin": True}
                body = json.dumps(grant).encode() if login else recorder.body
                self.send_response(200)
                self.send_header("X-Answer", "one")
                self.send_header("X-Answer", "two")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
