"""Programs reach real servers through a real nginx: it loses them, filters, compresses and balances. No caller notices."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from nacos_auth import Client, NacosError, Stats

from nacos import Nacos, Unavailable
from nacos_http import bearer, make_token, send
from nacos_jars import RELEASES
from nginx import Nginx, program

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

DATA_ID, CONTENT = "shop.properties", "a=1"
CONFIGS = "/v1/cs/configs"
READ = {"dataId": DATA_ID, "group": "DEFAULT_GROUP"}
PUBLISH = {"dataId": "mine", "group": "DEFAULT_GROUP", "content": "b=2"}
SERVED = "served"
TIMEOUT = 5.0  # seconds of one call
PERIOD = 0.1  # seconds from one call of a thread to its next
AWAY = 3.0  # seconds that a server stays away before it is started
BACK = 5.0  # seconds after its return in which calls work again
SLOW = 3.0  # seconds that a busy machine may take beyond that
AFTERWARDS = 5.0  # seconds in which whatever is going to happen does
BETWEEN_NODES = 10.0  # seconds from one node's new secret to the next one's
THREADS = 4
CALLS = 200

V1_USERS = "/nacos/v1/auth/users/login"
# What nginx says to a path that it does not let through.
FILTERS = {
    "404": "location / { return 404; }",
    "403": "location / { return 403; }",
    "a page for v3": """location / { return 404; }
        location = /nacos/v3/auth/user/login { default_type text/html; return 200 '<html>Welcome</html>'; }""",
}
GZIP = "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;"
UPSTREAMS = {
    "closing": ("", ""),
    "keepalive": ("keepalive 16;", 'proxy_http_version 1.1; proxy_set_header Connection "";'),
}


@pytest.fixture(scope="module", params=list(RELEASES))
def first(request: pytest.FixtureRequest) -> Iterator[Nacos]:
    """A server that stands behind nginx, alone or as the first of two."""
    with _server(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def second(first: Nacos) -> Iterator[Nacos]:
    """One of the same version, with the same user and data; what its secret is, a test says."""
    with _server(first.version) as server:
        yield server


@contextmanager
def _server(version: str) -> Iterator[Nacos]:
    try:
        program()
        server = Nacos(version)
    except Unavailable as missing:
        pytest.skip(str(missing))
    with server:
        server.publish(DATA_ID, CONTENT)
        yield server


@dataclass(frozen=True)
class Call:
    """A read, and what came of it."""

    began: float  # time.time()
    ended: float
    outcome: str


class Calls:
    """Reads by several threads of one client, each one every PERIOD."""

    def __init__(self, client: Client, threads: int = 1, total: int | None = None) -> None:
        """total: of all threads together; otherwise they go on until end()."""
        self._client = client
        self._left = None if total is None else [total // threads] * threads
        self._ended = threading.Event()
        self.made: list[Call] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        while not self._ended.is_set():
            if self._left is not None:
                if not self._left[number]:
                    return
                self._left[number] -= 1
            began = time.time()
            outcome = read(self._client)
            self.made.append(Call(began, time.time(), outcome))
            self._ended.wait(max(0.0, began + PERIOD - time.time()))

    def finish(self) -> Counter[str]:
        """Wait for the last of a fixed number; what came of them."""
        for thread in self._threads:
            thread.join()
        return Counter(call.outcome for call in self.made)

    def end(self) -> Counter[str]:
        """Let each thread finish its call; what came of them."""
        self._ended.set()
        return self.finish()


def read(client: Client, headers: dict[str, str] | None = None) -> str:
    """SERVED, or what came instead."""
    try:
        answer = client.get(CONFIGS, params=READ, headers=headers, timeout=TIMEOUT)
    except NacosError as error:
        return f"{error.status}: {error}"
    if (answer.status, answer.text) == (200, CONTENT):
        return SERVED
    return f"HTTP {answer.status}: {' '.join(answer.text.split())[:200]}"


def through(server: Nacos) -> str:
    """The line of a site that passes everything on."""
    return f"location / {{ proxy_pass http://{server.address}; }}"


def a_client(address: str, server: Nacos) -> Client:
    return Client(address, server.user, server.password)


def test_the_server_is_restarted(first: Nacos) -> None:
    """nginx answers 502 meanwhile. One program has a token, another one starts while there is no server."""
    token = make_token(first.secret, first.user, 3600)

    def serves() -> bool:
        try:
            path = f"/nacos{CONFIGS}?dataId={DATA_ID}&group=DEFAULT_GROUP"
            return send(first.address, "GET", path, bearer(token)).status == 200
        except OSError:
            return False

    nginx = Nginx([through(first), through(first)])
    with nginx, a_client(nginx.addresses[0], first) as warm, a_client(nginx.addresses[1], first) as cold:
        assert read(warm) == SERVED
        first.kill()
        killed = time.time()
        both = Calls(warm), Calls(cold)
        try:
            time.sleep(AWAY)
            first.start(wait=False)
            _wait_until(serves)
            serving = time.time()
            first.wait_until_ready()
            ready = time.time()
            time.sleep(BACK + SLOW + AFTERWARDS)
        finally:
            outcomes = [calls.end() for calls in both]
    # Old tokens count before anybody can log in: users are loaded late.
    for site, (name, calls, back) in enumerate((("warm", both[0], serving), ("cold", both[1], ready))):
        failed = [call for call in calls.made if call.outcome != SERVED]
        attempts = Counter(one.path for one in nginx.logins(site) if killed < one.at < back)
        recovery = max((call.ended for call in failed), default=back) - back
        served = min(call.ended for call in calls.made if call.outcome == SERVED and call.ended > killed + 1)
        print(f"{first.version} {name}: {back - killed:.1f} s away; last failure {recovery:.1f} s after the return,")
        print(f"  first answer after {served - back:.1f} s; attempts while away {dict(attempts)}")
        print(f"  logins {_timeline(nginx, site, back)}")
        print(f"  {_shown(outcomes[site])}")
        assert max(recovery, served - back) < BACK + SLOW
        assert max(attempts.values(), default=0) <= 1.5 * (back - killed) + 2


@pytest.mark.parametrize("filtered", FILTERS)
def test_one_login_path_is_let_through(first: Nacos, filtered: str) -> None:
    """The others are answered by nginx, which is no Nacos: that decides nothing."""
    passed = "".join(
        f"location {path} {{ proxy_pass http://{first.address}; }}\n"
        for path in (f"= {V1_USERS}", "/nacos/v1/cs/", "/nacos/v1/ns/")
    )
    with Nginx([passed + FILTERS[filtered]]) as nginx, a_client(nginx.addresses[0], first) as client:
        assert Calls(client, threads=8, total=40).finish() == {SERVED: 40}
        published = client.post(CONFIGS, data=PUBLISH)
        assert (published.status, published.text) == (200, "true")
        assert client.get("/v1/ns/instance/list", params={"serviceName": "none"}).status == 200
        first.rotate_secret()
        assert Calls(client, threads=8, total=40).finish() == {SERVED: 40}
        assert client.stats().login_failures == 0
    attempts = Counter((one.path, one.status) for one in nginx.logins())
    print(f"{first.version} {filtered}: {dict(attempts)}")
    assert attempts[V1_USERS, 200] == 2
    assert sum(attempts.values()) <= 2 + 2  # it knows the second time


def test_answers_are_compressed(first: Nacos) -> None:
    """Since the caller wants them so, or though nobody has asked: refusals are understood all the same."""
    asked = GZIP + through(first)
    # What is compressed for the outer one goes on as it is.
    outer = """location / {
        proxy_pass http://inner; proxy_http_version 1.1; proxy_set_header Accept-Encoding gzip;
    }"""
    inner = f"upstream inner {{ server unix:inner.sock; }} server {{ listen unix:inner.sock; {GZIP} {through(first)} }}"
    headers = {"Accept-Encoding": "gzip"}
    nginx = Nginx([asked, outer], inner)
    with nginx, a_client(nginx.addresses[0], first) as asks, a_client(nginx.addresses[1], first) as does_not:
        callers: tuple[tuple[Client, dict[str, str]], ...] = (asks, headers), (does_not, {})
        for client, sent in callers:
            assert read(client, sent) == SERVED
        first.rotate_secret()
        for client, sent in callers:
            answer = client.get(CONFIGS, params=READ, headers=sent)
            assert (answer.status, answer.text, answer.replays) == (200, CONTENT, 1)
        first.rotate_secret()
        for client, sent in callers:
            answer = client.post(CONFIGS, data=PUBLISH, headers=sent)
            assert (answer.status, answer.text, answer.replays) == (200, "true", 1)
        for client, _ in callers:
            stats = client.stats()
            assert (stats.logins, stats.login_failures) == (3, 0)
            assert stats.rejections == stats.rejections_identity >= 2
    for site in range(2):
        seen = nginx.seen(site)
        print(f"{first.version} site {site}: {[(one.path[6:], one.status, one.encoding) for one in seen]}")
        # So soon after another one a refusal is tried again before the login: two servers may disagree.
        data = Counter((one.status, one.encoding) for one in seen if not one.is_login)
        assert data.keys() == {(200, "gzip"), (403, "gzip")}
        assert data[200, "gzip"] == 3
    assert all(one.encoding == "gzip" for one in nginx.logins(1))


@pytest.mark.parametrize("threads", [1, THREADS])
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_two_servers_with_different_secrets(first: Nacos, second: Nacos, upstream: str, threads: int) -> None:
    if first.secret == second.secret:
        second.rotate_secret()
    with _balancing(first, second, upstream) as nginx, a_client(nginx.addresses[0], first) as client:
        began = time.time()
        calls = Calls(client, threads, CALLS)
        outcomes = calls.finish()
        stats = client.stats()
    print(f"{first.version} {upstream} {threads}: {_shown(outcomes)}")
    _tell(calls, nginx, began, stats)
    assert outcomes[SERVED] >= 0.97 * CALLS, outcomes
    assert len([one for one in nginx.logins() if one.status != 404]) <= 5


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_the_secret_changes_server_by_server(first: Nacos, second: Nacos, upstream: str) -> None:
    """2.0.4 has to be restarted for it, and nginx passes it over meanwhile."""
    if first.secret != second.secret:
        second.rotate_secret(first.secret)
    with _balancing(first, second, upstream) as nginx, a_client(nginx.addresses[0], first) as client:
        began = time.time()
        calls = Calls(client, THREADS)
        try:
            time.sleep(AFTERWARDS)
            first.rotate_secret()
            changed = time.time() - began
            time.sleep(BETWEEN_NODES)
            second.rotate_secret(first.secret)
            completed = time.time() - began
            time.sleep(AFTERWARDS)
        finally:
            outcomes = calls.end()
        stats = client.stats()
    print(f"{first.version} {upstream}: in force at {changed:.1f} and {completed:.1f} s: {_shown(outcomes)}")
    _tell(calls, nginx, began, stats)
    assert sum(outcomes.values()) - outcomes[SERVED] < 0.01 * len(calls.made), outcomes


def _balancing(first: Nacos, second: Nacos, upstream: str) -> Nginx:
    in_upstream, in_site = UPSTREAMS[upstream]
    servers = f"upstream nacos {{ server {first.address}; server {second.address}; {in_upstream} }}"
    return Nginx([f"location / {{ proxy_pass http://nacos; {in_site} }}"], servers)


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _tell(calls: Calls, nginx: Nginx, zero: float, stats: Stats) -> None:
    failed = [call for call in calls.made if call.outcome != SERVED]
    times = ", ".join(f"{call.began - zero:.1f} to {call.ended - zero:.1f} s" for call in failed) or "none"
    longest = max(call.ended - call.began for call in calls.made)
    print(f"  failed {times}; longest call {longest:.1f} s")
    assert longest < TIMEOUT  # nobody waits for what has come about long since
    print(f"  logins {_timeline(nginx, 0, zero)}; {sum(one.in_query for one in nginx.seen())} tokens in the query")
    print(f"  {stats}")


def _shown(outcomes: Counter[str]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())


def _timeline(nginx: Nginx, site: int, zero: float) -> str:
    return ", ".join(f"{one.at - zero:.1f}: {one.path[6:]} {one.status}" for one in nginx.logins(site))
