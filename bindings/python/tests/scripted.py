"""An HTTP server that answers as a test tells it, and remembers which token came to which of its names."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Union

LOGIN = "/nacos/v1/auth/login"
DOCUMENT = {"Content-Type": "application/json"}


class Seen(NamedTuple):
    """A request that is no login."""

    method: str
    host: str
    path: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def token(self) -> str | None:
        bearer: str = self.headers.get("authorization", "")
        return self.headers.get("accesstoken") or (bearer[7:] if bearer.startswith("Bearer ") else None)


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


# A function writes the answer to the connection, which it closes.
Script = Union[Answer, Callable[["Handler"], None]]


def words(message: str, status: int = 403) -> Answer:
    """A refusal as Nacos words it."""
    document = {"status": status, "error": "Forbidden", "message": message, "path": "/nacos"}
    return Answer(status, json.dumps(document).encode(), DOCUMENT)


def redirect(status: int, location: str) -> Answer:
    return Answer(status, b"", {"Location": location})


class Server(ThreadingHTTPServer):
    """On 127.0.0.1, which is also called localhost. Paths that have no script want a good token."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.elsewhere = f"localhost:{self.server_address[1]}"
        """The same server by a name that the client is not for."""
        self.scripts: dict[str, list[Script]] = {}
        """Of each path: the answers to its next requests."""
        self.refusal: Script = words("token invalid!")
        """Of what has no good token."""
        self.logins = 0
        self.connections: set[Any] = set()
        """Those that requests came over."""
        self.logins_go_on = threading.Event()
        self.logins_go_on.set()
        self.good: set[str] = set()
        self.seen: list[Seen] = []

    def revoke(self) -> None:
        self.good.clear()

    def url(self, path: str = "/nacos/ok") -> str:
        return f"http://{self.address}{path}"

    def sent(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.seen]

    def tokens_elsewhere(self) -> list[Seen]:
        """Requests by the other name that have a token, wherever it is."""
        return [
            seen
            for seen in self.seen
            if seen.host == self.elsewhere and any("token-" in text for text in (seen.path, *seen.headers.values()))
        ]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Of connections that clients have closed."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def answer(self) -> None:
        body = self._read_body()
        # Asked as a proxy it is the server itself.
        path = urllib.parse.urlsplit(self.path).path
        if path.startswith(("/nacos/v1/auth/", "/nacos/v3/auth/")):
            self._write(self._login(path))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, headers["host"], self.path, body, headers)
        self.server.seen.append(seen)
        self.server.connections.add(self.client_address)
        script = self.server.scripts.get(path)
        if script:
            answer = script.pop(0)
        else:
            answer = Answer(200, b"hello") if seen.token in self.server.good else self.server.refusal
        if isinstance(answer, Answer):
            self._write(answer)
        else:
            self.close_connection = True
            answer(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

    def _login(self, path: str) -> Answer:
        self.server.logins_go_on.wait(20)
        if path != LOGIN:
            return Answer(404, b'{"status":404}', DOCUMENT)
        self.server.logins += 1
        token = f"token-{self.server.logins}-{id(self)}"
        self.server.good.add(token)
        return Answer(200, json.dumps({"accessToken": token, "tokenTtl": 18000}).encode(), DOCUMENT)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _write(self, answer: Answer) -> None:
        head = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(answer.body)}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.logins_go_on.set()
            server.shutdown()
            thread.join()
