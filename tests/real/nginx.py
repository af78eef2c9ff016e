"""An nginx on 127.0.0.1 that stands before servers under test, and what it saw of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import final

from ending import ends_with_us
from nacos import free_ports
from nacos_jars import NacosError, Unavailable

START_LIMIT = 60.0  # seconds; usually at once
END_LIMIT = 60.0
LOGIN_PATHS = ("/nacos/v3/auth/user/login", "/nacos/v1/auth/login", "/nacos/v1/auth/users/login")

# As Debian configures it, where nothing else is said: several workers, each with its own turn through an upstream.
SETTINGS = """{user}
daemon off;
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  map $arg_accessToken $in_query {{ '' 0; default 1; }}
  log_format seen '$msec $server_port $request_method $uri $status $sent_http_content_encoding $in_query';
  access_log {home}/access.log seen;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
{common}
{sites}
}}
"""


def program() -> str:
    """The nginx to run. Raises Unavailable where there is none."""
    # Debian has it where only root looks.
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if not found:
        raise Unavailable("no nginx: install it (Debian: apt-get install nginx)")
    return found


@dataclass(frozen=True)
class Seen:
    """One request that nginx has answered."""

    at: float  # time.time() of the answer
    port: int
    method: str
    path: str
    status: int
    encoding: str  # of the answer's body, "-" for none
    in_query: bool  # whether the token rode in the address

    @property
    def is_login(self) -> bool:
        """Whether somebody wanted to log in, at whatever path."""
        return self.path in LOGIN_PATHS


@final
class Nginx:
    """One nginx, ended with the `with` block. Unavailable where it is not installed, NacosError if it does not start."""

    def __init__(self, sites: Sequence[str], common: str = "") -> None:
        """sites: the content of one `server` block each, `addresses` has where they listen; common: what stands before
        them, such as `upstream` blocks."""
        self._program = program()
        self._ports = [free_ports()[0] for _ in sites]
        self.addresses = [f"127.0.0.1:{port}" for port in self._ports]
        self._home = Path(tempfile.mkdtemp(prefix="nginx-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: list[Seen] = []
        blocks = [f"server {{ listen {address}; {site} }}" for address, site in zip(self.addresses, sites)]
        settings = SETTINGS.format(
            # The workers of a root's nginx are somebody else's, who may not enter this folder.
            user="user root;" if os.geteuid() == 0 else "",
            home=self._home,
            common=common,
            sites="\n".join(blocks),
        )
        (self._home / "nginx.conf").write_text(settings, encoding="utf-8")

    def __enter__(self) -> Nginx:
        options = ("-p", str(self._home), "-c", "nginx.conf", "-e", str(self._home / "error.log"))
        with open(self._home / "output", "wb") as output:
            self._process = subprocess.Popen(
                # Of KILL its workers would not hear.
                ends_with_us("TERM", self._program, *options),
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._stop()
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()
        lines = (self._home / "access.log").read_text(encoding="utf-8").splitlines()
        self._seen = [_seen(line) for line in lines]
        shutil.rmtree(self._home, ignore_errors=True)

    def seen(self, site: int = 0) -> list[Seen]:
        """What that site has answered. Known after the `with` block: a line is written later than the answer."""
        return [one for one in self._seen if one.port == self._ports[site]]

    def logins(self, site: int = 0) -> list[Seen]:
        """The attempts to log in among them."""
        return [one for one in self.seen(site) if one.is_login]

    def _wait_until_it_listens(self) -> None:
        end = time.monotonic() + START_LIMIT
        assert self._process
        for port in self._ports:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if self._process.poll() is not None or time.monotonic() > end:
                    said = "".join((self._home / name).read_text("utf-8") for name in ("output", "error.log"))
                    raise NacosError(f"nginx did not start: {said}")
                time.sleep(0.02)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(END_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _seen(line: str) -> Seen:
    at, port, method, path, status, encoding, in_query = line.split(" ")
    return Seen(float(at), int(port or 0), method, path, int(status), encoding, in_query == "1")
