#!/usr/bin/env python3
"""A server on 127.0.0.1 that behaves as badly as it is told to, for the programs beside it.

`server.py KEY=VALUE...` prints its port, and then answers each line of its standard input with a line: `KEY=VALUE`
changes a setting and is answered `ok`, `?NAME` asks for a number or a text. It ends when its standard input does.

What becomes of a request, for `login`, `get` and `post` (all other methods count as post; `request` sets both):
  ok                  the token, or 200 and a word
  token               200 if the request carries a token that this server gave out, that has not outlived its ttl, and
                      that it has not forgotten, else 403, which it counts as refused
  hang                nothing, ever
  close, reset        the connection ends with no answer, in order or with RST
  delay:SECONDS       ok, later
  status:CODE:TEXT    that answer; %t in the text stands for the token that was sent, %p for the password, which comes
                      in other spellings too: %u as in a form, %e as in a URL, %j as in JSON, %h as in HTML, %U and %L
                      in upper and lower case, %b in base64
  garbage             bytes that are no HTTP, and below TLS no record either
  nonsense            bytes that are no HTTP, inside TLS if there is TLS
  half, halfreset     half an answer, and then the end of the connection
  early               413 before the body is read, and then the end of the connection
  burst:N             an answer of N bytes

Other settings:
  after=keep|close|reset      of the connection, once a request has been answered as if it stayed open
  idle=SECONDS                connections on which nothing happens that long are closed
  accept=yes|hang|close|garbage   what a new connection meets before anything is read (TLS included)
  coding=gzip|deflate         all answers come compressed, asked or not; damaged: gzip that ends too early
  tls=NAME                    NAME.pem and NAME.key of CERTS are the certificate; a new one counts for new connections
  clients=NAME                a client certificate is required, signed by NAME.pem
  port, ttl (of tokens, in seconds), password (all others are refused with 403; none: any is good)
  proxy=no|yes|close|half     what CONNECT and absolute addresses meet: refusal, a tunnel, the end of the connection,
                              the end after the tunnel has been granted
  forget=1                    forgets all tokens
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import html
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import zlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Union

Stream = Union[socket.socket, ssl.SSLSocket]


class EndOfConnectionError(Exception):
    """This connection is over."""


@dataclass
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    length: int
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def is_login(self) -> bool:
        return self.path.endswith("/login")

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def token(self) -> str:
        bearer = self.header("authorization")
        if bearer.startswith("Bearer "):
            return bearer[len("Bearer ") :]
        query = dict(urllib.parse.parse_qsl(self.target.partition("?")[2]))
        return self.header("accesstoken") or query.get("accessToken", "")


@dataclass
class Server:
    settings: dict[str, str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    # When each of them ends.
    tokens: dict[str, float] = field(default_factory=dict)
    number: int = 0
    accepted: int = 0
    open: set[socket.socket] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    last: Request | None = None
    last_login: Request | None = None
    last_peer: str = ""

    def count(self, name: str) -> None:
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1

    # Connections

    def listen(self) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(self.settings["port"])))
        listener.listen(1024)
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    def accept(self, listener: socket.socket) -> None:
        while True:
            link, _ = listener.accept()
            with self.lock:
                self.accepted += 1
                self.open.add(link)
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, raw: socket.socket) -> None:
        stream: Stream = raw
        # A wrapped socket takes the descriptor away from the one it wraps; this copy stays.
        below = raw.dup()
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.greet(raw)
            if self.settings["tls"]:
                stream = self.tls_context().wrap_socket(raw, server_side=True)
                peer = stream.getpeercert()
                self.last_peer = common_name(peer) if peer else ""
            if self.settings["idle"]:
                stream.settimeout(float(self.settings["idle"]))
            with stream.makefile("rb") as reader:
                while True:
                    self.one(stream, below, reader)
        except (OSError, ValueError, EndOfConnectionError):
            pass
        finally:
            with self.lock:
                self.open.discard(raw)
            for link in (below, stream, raw):
                with contextlib.suppress(OSError):
                    link.close()

    def greet(self, raw: socket.socket) -> None:
        manner = self.settings["accept"]
        if manner == "hang":
            time.sleep(3600)
        if manner == "garbage":
            raw.sendall(b"\x99 no record of TLS, and no HTTP\r\n\r\n")
        if manner in ("garbage", "close"):
            raise EndOfConnectionError

    def tls_context(self) -> ssl.SSLContext:
        def certificate(name: str) -> str:
            return os.path.join(os.environ["CERTS"], name)

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(self.settings["tls"] + ".pem"), certificate(self.settings["tls"] + ".key"))
        if self.settings["clients"]:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificate(self.settings["clients"] + ".pem"))
        return context

    # Requests

    def one(self, stream: Stream, below: socket.socket, reader: BinaryIO) -> None:
        request = read_head(reader)
        if request.method == "CONNECT" or "://" in request.target:
            self.be_proxy(request, stream, reader)
            return
        kind = "login" if request.is_login else "get" if request.method == "GET" else "post"
        manner, _, detail = self.settings[kind].partition(":")
        if manner == "early":
            self.count(kind)
            stream.sendall(answer(413, "too large", "Connection: close\r\n"))
            stream.shutdown(socket.SHUT_WR)
            time.sleep(0.05)
            raise EndOfConnectionError
        request.body = read_body(request, reader)
        with self.lock:
            self.last = request
            if request.is_login:
                self.last_login = request
        self.count(kind)
        self.behave(manner, detail, request, stream, below)
        after = self.settings["after"]
        if after == "reset":
            # The answer should have arrived: what is reset too early is another case.
            time.sleep(0.005)
            reset(below)
        if after != "keep" or request.header("connection").lower() == "close":
            raise EndOfConnectionError

    def behave(self, manner: str, detail: str, request: Request, stream: Stream, below: socket.socket) -> None:
        if manner == "hang":
            time.sleep(3600)
        if manner in ("close", "reset"):
            if manner == "reset":
                reset(below)
            raise EndOfConnectionError
        if manner in ("garbage", "nonsense"):
            (below if manner == "garbage" else stream).sendall(b"\x99\x88 this is nothing anybody knows\r\n\r\n")
            time.sleep(0.2)
            raise EndOfConnectionError
        if manner == "delay":
            time.sleep(float(detail))
        whole = self.answer_to(request, manner, detail)
        if self.settings["coding"]:
            whole = compressed(whole, self.settings["coding"])
        if manner in ("half", "halfreset"):
            stream.sendall(whole[: len(whole) - 3])
            time.sleep(0.1)
            if manner == "halfreset":
                reset(below)
            raise EndOfConnectionError
        stream.sendall(whole)

    def answer_to(self, request: Request, manner: str, detail: str) -> bytes:
        if manner == "status":
            code, _, text = detail.partition(":")
            return answer(int(code), with_secrets(text, request.form.get("password", ""), request.token))
        if request.is_login:
            return self.login(request)
        with self.lock:
            known = self.tokens.get(request.token, 0.0) > time.monotonic()
        if manner == "token" and not known:
            self.count("refused")
            return answer(403, json.dumps({"status": 403, "error": "Forbidden", "message": "token expired!"}))
        return answer(200, "x" * int(detail) if manner == "burst" else "hello")

    def login(self, request: Request) -> bytes:
        password = self.settings["password"]
        if password and request.form.get("password") != password:
            return answer(403, json.dumps({"status": 403, "error": "Forbidden", "message": "unknown user!"}))
        with self.lock:
            self.number += 1
            token = f"token-{self.number}-{os.urandom(8).hex()}"
            self.tokens[token] = time.monotonic() + float(self.settings["ttl"])
        return answer(
            200, json.dumps({"accessToken": token, "tokenTtl": int(self.settings["ttl"]), "globalAdmin": True})
        )

    # Being a proxy

    def be_proxy(self, request: Request, stream: Stream, reader: BinaryIO) -> None:
        self.count("proxied")
        manner = self.settings["proxy"]
        if manner == "no":
            stream.sendall(answer(403, "this is no proxy"))
            return
        if manner == "close":
            raise EndOfConnectionError
        if request.method != "CONNECT":
            self.forward(request, stream, reader)
            return
        host, _, port = request.target.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as there:
            there.settimeout(None)
            stream.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            if manner == "half":
                raise EndOfConnectionError
            threading.Thread(target=pump, args=(there, stream), daemon=True).start()
            pump(stream, there)
        raise EndOfConnectionError

    def forward(self, request: Request, stream: Stream, reader: BinaryIO) -> None:
        body = read_body(request, reader)
        url = urllib.parse.urlsplit(request.target)
        head = f"{request.method} {url.path}{'?' + url.query if url.query else ''} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in request.headers if name.lower() != "connection")
        with socket.create_connection((url.hostname or "", url.port or 80), timeout=5) as there:
            there.settimeout(30)
            there.sendall(head.encode("latin-1") + b"Connection: close\r\n\r\n" + body)
            if self.settings["proxy"] == "half":
                stream.sendall(there.recv(20))
            else:
                pump(there, stream)
        raise EndOfConnectionError

    # Being told and asked

    def tell(self, line: str) -> str:
        if line.startswith("?"):
            return self.ask(line[1:])
        key, _, value = line.partition("=")
        if key == "forget":
            with self.lock:
                self.tokens.clear()
        elif key == "request":
            self.settings.update(get=value, post=value)
        elif key in self.settings:
            self.settings[key] = value
        else:
            return f"no such setting: {key}"
        return "ok"

    def ask(self, name: str) -> str:
        with self.lock:
            if name == "accepted":
                return str(self.accepted)
            if name == "open":
                return str(len(self.open))
            if name == "peer":
                return self.last_peer
            if name == "target":
                return self.last.target if self.last else ""
            if name == "password":
                return self.last_login.form.get("password", "") if self.last_login else ""
            if name == "head":
                return "|".join(f"{key}: {value}" for key, value in self.last.headers) if self.last else ""
            return str(self.counts.get(name, 0))


def common_name(certificate: Any) -> str:
    return str(next((value for row in certificate["subject"] for key, value in row if key == "commonName"), ""))


def read_head(reader: BinaryIO) -> Request:
    line = reader.readline().decode("latin-1").split()
    if len(line) != 3 or not line[2].startswith("HTTP/"):  # the first message of TLS may have three words too
        raise EndOfConnectionError
    headers: list[tuple[str, str]] = []
    while (row := reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = row.decode("latin-1").partition(":")
        headers.append((name.strip(), value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Request(line[0], line[1], headers, length)


def read_body(request: Request, reader: BinaryIO) -> bytes:
    if "chunked" not in request.header("transfer-encoding"):
        return reader.read(request.length)
    body = b""
    while size := int(reader.readline().split(b";")[0], 16):
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body


def with_secrets(text: str, password: str, token: str) -> str:
    spellings = {
        "%p": password,
        "%u": urllib.parse.quote_plus(password),
        "%e": urllib.parse.quote(password),
        "%j": json.dumps(password)[1:-1],
        "%h": html.escape(password),
        "%U": password.upper(),
        "%L": password.lower(),
        "%b": base64.b64encode(password.encode()).decode(),
        "%t": token,
    }
    return re.sub("%[puejhULbt]", lambda found: spellings[found[0]], text)


def answer(status: int, text: str, more: str = "") -> bytes:
    body = text.encode()
    kind = "application/json" if text.startswith("{") else "text/plain"
    head = f"HTTP/1.1 {status} Status\r\n{more}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def compressed(whole: bytes, coding: str) -> bytes:
    head, _, body = whole.partition(b"\r\n\r\n")
    packed = zlib.compress(body) if coding == "deflate" else gzip.compress(body)
    if coding == "damaged":
        packed, coding = packed[:-4], "gzip"
    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(packed), head)
    return head + b"\r\nContent-Encoding: " + coding.encode() + b"\r\n\r\n" + packed


def reset(link: socket.socket) -> None:
    """What closes this socket from now on sends RST."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def pump(source: Stream, target: Stream) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    settings = {
        "port": "0",
        "login": "ok",
        "get": "ok",
        "post": "ok",
        "after": "keep",
        "idle": "",
        "coding": "",
        "accept": "yes",
        "tls": "",
        "clients": "",
        "ttl": "18000",
        "password": "",
        "proxy": "no",
    }
    server = Server(settings)
    for argument in sys.argv[1:]:
        said = server.tell(argument)
        if said != "ok":
            sys.exit(said)
    # Hundreds of connections at a time, each with a thread.
    threading.stack_size(256 * 1024)
    print(server.listen(), flush=True)
    for line in sys.stdin:
        print(server.tell(line.rstrip("\n")), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
