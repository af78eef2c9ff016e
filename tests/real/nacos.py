"""A real Nacos server on 127.0.0.1, for tests and for trying things out.

As a module:          with Nacos("2.3.2") as server: ... server.address ...
On the command line:  python3 tests/real/nacos.py play 2.3.2
"""

from __future__ import annotations

import argparse
import atexit
import base64
import http.client
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import final

from ending import ends_with_us
from nacos_http import Answer, bearer, expires_at, make_token, send
from nacos_jars import CACHE, RELEASES, NacosError, Unavailable, class_path, java, progress

__all__ = ["Nacos", "NacosError", "Unavailable"]

START_LIMIT = 300.0  # seconds; usually 10 to 15, minutes on a very busy machine
CHANGE_LIMIT = 120.0  # seconds; users and roles are reread every 15 s, later on a busy machine
END_LIMIT = 120.0  # seconds until a killed server is gone and its ports are free; usually at once
PORT_OFFSETS = (0, 1000, 1001, -1000)  # HTTP, gRPC for clients, gRPC between servers, raft
NODE_DISTANCE = 2100  # between the ports of the nodes of a cluster
OPENED = ("lang", "lang.reflect", "util", "util.concurrent", "math", "io", "net", "text")

# connectionTimeout: in ms, 3 s by default, and on a busy machine its database takes longer to open.
SETTINGS = """server.servlet.contextPath=/nacos
server.port={port}
server.address=127.0.0.1
server.error.include-message=ALWAYS
server.tomcat.basedir={home}/tomcat
management.metrics.export.elastic.enabled=false
management.metrics.export.influx.enabled=false
db.pool.config.connectionTimeout={patience}
nacos.security.ignore.urls=/,/error,/v1/auth/**,/v1/console/health/**,/v1/console/server/**,/actuator/**
nacos.core.auth.system.type=nacos
nacos.core.auth.enabled={auth}
nacos.core.auth.caching.enabled=true
nacos.core.auth.server.identity.key=testkey
nacos.core.auth.server.identity.value=testvalue
nacos.core.auth.plugin.nacos.token.cache.enable={cache}
nacos.core.auth.plugin.nacos.token.secret.key={secret}
nacos.core.auth.plugin.nacos.token.expire.seconds={ttl}
nacos.core.auth.default.token.secret.key={secret}
nacos.core.auth.default.token.expire.seconds={ttl}
"""


class Died(NacosError):
    """The server ended while it started."""


@final
class Nacos:
    """One server process. Its methods block until the change is in force; not for use from several threads.

    The user is `nacos` with all rights. Raises Unavailable where Java or Maven are missing, NacosError otherwise.
    """

    def __init__(
        self,
        version: str,
        *,
        ttl: int = 18000,
        token_cache: bool = False,
        cache: Path = CACHE,
        members: Sequence[int] = (),
    ) -> None:
        """Prepare a server of that version (see nacos_jars.RELEASES); start() or `with` starts it.

        ttl: life of a token in seconds. token_cache: every login of a user gives the same token (2.2.1 and later).
        cache: folder that keeps what Maven resolved. members: the ports of all nodes of its cluster, its own first
        (see cluster.py); they need one secret.
        """
        self.version = version
        self.user = "nacos"
        self.password = "nacos"
        self.ttl = ttl
        self.secret = new_secret()
        self.token_cache = token_cache
        self._auth = True
        self._java = java()
        self._class_path = class_path(version, cache)
        self._members = members
        self.port = members[0] if members else free_ports()[0]
        self.address = f"127.0.0.1:{self.port}"
        self.home = Path(tempfile.mkdtemp(prefix=f"nacos-{version}-"))
        self.log_path = self.home / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._was_ready = False
        self._reads_changes = version != "2.0.4"  # newer ones reread a changed settings file
        atexit.register(self.stop)

    def __enter__(self) -> Nacos:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The id of the running process."""
        if self._process is None:
            raise NacosError(f"nacos {self.version} is not running")
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start the process, with the data of its last run. wait: until a login succeeds, up to 300 s.

        The server ends with the thread that started it: call this from one that stays.
        """
        if self._process is not None:
            raise NacosError(f"nacos {self.version} runs already")
        self._launch()
        if wait:
            self.wait_until_ready()

    def _launch(self) -> None:
        self._write_settings()
        opened = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED]
        if self._members:
            mode = "-DembeddedStorage=true"
            lines = "".join(f"127.0.0.1:{port}\n" for port in sorted(self._members))
            (self.home / "conf" / "cluster.conf").write_text(lines, encoding="utf-8")
        else:
            mode = "-Dnacos.standalone=true"
        command = [
            self._java,
            *("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *opened,
            "--add-opens=java.sql/java.sql=ALL-UNNAMED",
            *(mode, f"-Dnacos.home={self.home}", f"-Duser.home={self.home}"),
            *("-Dnacos.server.ip=127.0.0.1", f"-Dderby.stream.error.file={self.home}/derby.log"),
            f"-Dspring.config.additional-location=file:{self.home}/conf/",
            *("-cp", self._class_path, "com.alibaba.nacos.Nacos"),
        ]
        with open(self.log_path, "ab") as log:
            # A session of its own: Ctrl-C in the terminal is for this program, which then stops the server.
            self._process = subprocess.Popen(
                ends_with_us("KILL", *command),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until `nacos` can log in: five seconds after the first answer, since users are loaded late."""
        began = time.monotonic()
        try:
            self._wait_until(self._knows_users, "be ready")
        except Died:
            # Another program may have taken one of its ports, or the machine was too busy even so.
            progress(f"nacos {self.version} at {self.address}: died while it started; once more")
            if not self._was_ready:
                shutil.rmtree(self.home / "data", ignore_errors=True)  # half a database
            self._launch()
            self._wait_until(self._knows_users, "be ready")
        self._was_ready = True
        progress(f"nacos {self.version} at {self.address}: ready after {time.monotonic() - began:.1f} s")

    def wait_for_http(self) -> None:
        """Wait until it answers anything: five seconds before it has loaded its users."""
        self._wait_until(lambda: self._try("GET", "/nacos/v1/console/health/liveness") is not None, "answer")

    def kill(self) -> None:
        """End the process at once, as a crash would; data and port stay for start()."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        _wait(lambda: _all_free(self.port), END_LIMIT, f"the ports of nacos {self.version} to become free")

    def restart(self, *, wait: bool = True) -> None:
        """Kill it and start it on the same port: connections break, tokens stay valid. wait as in start()."""
        self.kill()
        self.start(wait=wait)

    def stop(self) -> None:
        """End it and remove its home. Harmless when done before."""
        try:
            self.kill()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)
            atexit.unregister(self.stop)

    def login(self, user: str | None = None, password: str | None = None) -> str:
        """A token for that user, `nacos` by default."""
        form = {"username": user or self.user, "password": password or self.password}
        answer = send(self.address, "POST", "/nacos/v1/auth/login", form=form)
        if answer.status != 200:
            raise NacosError(f"login of {form['username']} at {self.address}: {answer.status} {answer.body[:200]}")
        return str(json.loads(answer.body)["accessToken"])

    def rotate_secret(self, secret: str | None = None) -> None:
        """Sign with a new secret from now on; tokens given out before are refused (with the token cache on: later)."""
        self.secret = secret or new_secret()
        self._change(lambda: self._reads_config(make_token(self.secret, self.user, 60)))

    def set_ttl(self, seconds: int) -> None:
        """Tokens of later logins live that long. With the token cache on the server restarts to forget its tokens."""
        self.ttl = seconds
        if self.token_cache:
            self.restart()
        else:
            self._change(lambda: abs(expires_at(self.login()) - time.time() - seconds) < 2)

    def set_auth(self, enabled: bool) -> None:
        """Switch authentication on or off."""
        self._auth = enabled
        self._change(lambda: self._reads_config(None) != enabled)

    def create_user_without_permission(self, user: str = "poor", password: str = "poor", *, wait: bool = True) -> None:
        """Add a user who can log in and is then refused everything. wait: until it is known, up to 15 s."""
        admin = bearer(self.login())
        users = {"username": user, "password": password}
        roles = {"username": user, "role": f"role-of-{user}"}
        for path, form in (("/nacos/v1/auth/users", users), ("/nacos/v1/auth/roles", roles)):
            answer = send(self.address, "POST", path, admin, form)
            if answer.status != 200:
                raise NacosError(f"POST {path} for {user}: {answer.status} {answer.body[:200]}")
        if wait:
            self.wait_for_login(user, password)

    def set_password(self, password: str, user: str | None = None, *, wait: bool = True) -> None:
        """Change a password, of `nacos` by default. Tokens given out before stay valid.

        wait: until it is in force, up to 15 s.
        """
        name = user or self.user
        form = {"username": name, "newPassword": password}
        answer = send(self.address, "PUT", "/nacos/v1/auth/users", bearer(self.login()), form)
        # 2.0.4 answers 403 to everybody without a session cookie, and changes the password all the same.
        if answer.status != 200 and self.version != "2.0.4":
            raise NacosError(f"change of the password of {name}: {answer.status} {answer.body[:200]}")
        if name == self.user:
            self.password = password
        if wait:
            self.wait_for_login(name, password)

    def wait_for_login(self, user: str, password: str, *, refused: bool = False) -> None:
        """Wait until a new user or password is taken, or an old one refused."""
        what = "refused" if refused else "known"
        _wait(lambda: self.can_login(user, password) != refused, CHANGE_LIMIT, f"the login of {user} to be {what}")

    def publish(self, data_id: str, content: str) -> None:
        """Publish a configuration in DEFAULT_GROUP, and wait until it can be read."""
        form = {"dataId": data_id, "group": "DEFAULT_GROUP", "content": content}
        answer = send(self.address, "POST", "/nacos/v1/cs/configs", bearer(self.login()), form)
        if answer.status != 200:
            raise NacosError(f"publishing {data_id} at {self.address}: {answer.status} {answer.body[:200]}")
        self.wait_for_config(data_id)

    def wait_for_config(self, data_id: str) -> None:
        """Wait until a configuration of DEFAULT_GROUP can be read here."""
        path = f"/nacos/v1/cs/configs?dataId={data_id}&group=DEFAULT_GROUP"
        token = bearer(self.login())

        def readable() -> bool:
            answer = self._try("GET", path, token)
            return answer is not None and answer.status == 200

        _wait(readable, CHANGE_LIMIT, f"{data_id} to be readable at {self.address}")

    def _wait_until(self, started: Callable[[], bool], what: str) -> None:
        """Wait for a step of the start; the process is ended if that step is not reached."""
        began = time.monotonic()
        told = 0.0

        def reached() -> bool:
            nonlocal told
            if self._process is None or self._process.poll() is not None:
                raise Died(f"nacos {self.version} at {self.address} ended while it started:\n{self._log_tail()}")
            waited = time.monotonic() - began
            if waited - told >= 5:
                told = waited
                progress(f"nacos {self.version} at {self.address}: starting, {waited:.0f} s")
            return started()

        try:
            _wait(reached, START_LIMIT, f"nacos {self.version} to {what}")
        except NacosError:
            self.kill()
            raise

    def _change(self, in_force: Callable[[], bool]) -> None:
        """Bring changed settings into force."""
        if self._reads_changes:
            self._write_settings()
            _wait(in_force, CHANGE_LIMIT, f"nacos {self.version} to take over changed settings")
        else:
            self.restart()

    def _write_settings(self) -> None:
        conf = self.home / "conf"
        conf.mkdir(exist_ok=True)
        auth, cached = str(self._auth).lower(), str(self.token_cache).lower()
        text = SETTINGS.format(
            port=self.port,
            home=self.home,
            patience=round(START_LIMIT * 1000),
            auth=auth,
            cache=cached,
            secret=self.secret,
            ttl=self.ttl,
        )
        # Replaced in one step: the server must never read half a file.
        (conf / "new").write_text(text, encoding="utf-8")
        os.replace(conf / "new", conf / "application.properties")

    def _knows_users(self) -> bool:
        answer = self._try("POST", "/nacos/v1/auth/login", form={"username": self.user, "password": self.password})
        if answer is None:
            return False
        # With authentication off 2.2.3 refuses every login, and says 500 before it knows the user.
        refuses_all = self.version == "2.2.3" and not self._auth
        return answer.status == (403 if refuses_all else 200)

    def can_login(self, user: str, password: str) -> bool:
        """Whether a login succeeds at this moment."""
        answer = self._try("POST", "/nacos/v1/auth/login", form={"username": user, "password": password})
        return answer is not None and answer.status == 200

    def _reads_config(self, token: str | None) -> bool:
        """Whether a request with that token gets past authentication (404: past it, and nothing there)."""
        path = "/nacos/v1/cs/configs?dataId=none&group=none"
        answer = self._try("GET", path, bearer(token) if token else None)
        return answer is not None and answer.status in (200, 404)

    def _try(
        self, method: str, path: str, headers: dict[str, str] | None = None, form: dict[str, str] | None = None
    ) -> Answer | None:
        try:
            return send(self.address, method, path, headers, form)
        except (OSError, http.client.HTTPException):
            return None

    def _log_tail(self) -> str:
        return "\n".join(self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])


def new_secret() -> str:
    """A secret to sign tokens with, in Base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _wait(condition: Callable[[], bool], limit: float, what: str) -> None:
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise NacosError(f"waited {limit:.0f} s in vain for {what}")
        time.sleep(0.05)


def _all_free(port: int) -> bool:
    return all(_is_free(port + offset) for offset in PORT_OFFSETS)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def free_ports(nodes: int = 1) -> Sequence[int]:
    """Ports P with P+1000, P+1001 and P-1000 free too, below the range that outgoing connections take theirs from."""
    span = (nodes - 1) * NODE_DISTANCE
    for _ in range(200):
        first = random.randrange(12000, 31000 - span)
        ports = range(first, first + span + 1, NODE_DISTANCE)
        if all(_all_free(port) for port in ports):
            return ports
    raise NacosError(f"found no {4 * nodes} free ports between 11000 and 32001")


def _obey(server: Nacos, order: dict[str, object]) -> None:
    """Carry out one order from standard input."""
    orders: dict[str, Callable[[], None]] = {
        "rotate": server.rotate_secret,
        "restart": server.restart,
        "kill": server.kill,
        "start": server.start,
        "ttl": lambda: server.set_ttl(int(str(order["seconds"]))),
        "auth": lambda: server.set_auth(bool(order["enabled"])),
        "user": lambda: server.create_user_without_permission(str(order["username"]), str(order["password"])),
        "password": lambda: server.set_password(str(order["password"])),
    }
    name = str(order.get("do"))
    if name not in orders:
        raise NacosError(f"unknown order {name!r}; known: {', '.join(orders)}, stop")
    orders[name]()


def _serve_stdin(server: Nacos) -> None:
    """Obey JSON orders, one a line, each answered with one JSON line, until `stop` or the end of input."""
    for line in sys.stdin:
        try:
            order = json.loads(line)
            stop = order.get("do") == "stop"
            if not stop:
                _obey(server, order)
            reply: dict[str, object] = {"ok": True}
        except (NacosError, KeyError, ValueError, AttributeError) as error:
            stop, reply = False, {"ok": False, "message": f"{type(error).__name__}: {error}"}
        if stop:
            server.stop()
        print(json.dumps(reply), flush=True)
        if stop:
            return


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    resolve = commands.add_parser("resolve", help="fetch the jars, start nothing")
    resolve.add_argument("version", choices=list(RELEASES))
    play = commands.add_parser("play", help="start a server and keep it until Ctrl-C")
    play.add_argument("version", choices=list(RELEASES))
    play.add_argument("--ttl", type=int, default=18000, help="life of a token in seconds (default 18000)")
    play.add_argument("--token-cache", action="store_true", help="every login of a user gives the same token")
    play.add_argument("--print-json", action="store_true", help="one JSON line when ready instead of text")
    play.add_argument("--stdin", action="store_true", help="obey JSON orders on standard input; its end stops all")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    try:
        if options.command == "resolve":
            class_path(options.version)
            return 0
        with Nacos(options.version, ttl=options.ttl, token_cache=options.token_cache) as server:
            known = {"address": server.address, "user": server.user, "password": server.password}
            if options.print_json:
                print(json.dumps({**known, "version": server.version, "log": str(server.log_path)}), flush=True)
            else:
                print(f"Nacos {server.version} at {server.address}, context path /nacos")
                print(f"user {server.user}, password {server.password}, tokens live {server.ttl} s")
                print(f"log {server.log_path}\nCtrl-C stops it and removes its data", flush=True)
            if options.stdin:
                _serve_stdin(server)
            else:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except NacosError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
