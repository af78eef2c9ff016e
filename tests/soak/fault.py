"""What happens to a cluster. Each fault announces itself, happens, and returns when the next one may come."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

from cluster import Cluster
from devserver import DevServer
from excuse import LOGIN_PAUSE

Fault = Callable[[Cluster, Random], None]


def new_secret(cluster: Cluster, rng: Random) -> None:
    cluster.note("a new secret")
    cluster.rotate_secret(rng)


def new_secret_during_login(cluster: Cluster, rng: Random) -> None:
    """The tokens that are on their way end with those that they were to replace. The next ones have to arrive."""
    cluster.note("a new secret while logins are on their way")
    before = cluster.logins()
    for server in cluster.servers:
        server.fault("login", "drip", delay_ms=2)
    _wait_for(cluster, lambda: cluster.logins() > before)
    cluster.rotate_secret(rng)
    cluster.clear_faults()
    cluster.wait_until_well(limit=10)


def revocation(cluster: Cluster, rng: Random) -> None:
    cluster.note("all tokens revoked")
    for server in cluster.servers:
        server.revoke()


def password(cluster: Cluster, rng: Random) -> None:
    cluster.note("a new password")
    cluster.change_password()


def token_cache(cluster: Cluster, rng: Random) -> None:
    """A new secret in the middle of it, now and then."""
    cluster.note("the token cache switched on")
    cluster.switch_cache(True)
    cluster.wait(rng.uniform(2, 6))
    if rng.random() < 0.5:
        new_secret(cluster, rng)
        cluster.wait(rng.uniform(2, 4))
    cluster.note("the token cache switched off")
    cluster.switch_cache(False)


def cut(cluster: Cluster, rng: Random) -> None:
    cluster.note("every connection cut")
    cluster.restart(cluster.servers, 0, 0)


def restart_of_one(cluster: Cluster, rng: Random) -> None:
    """The others go on. It does not wait for the return, but for that of the one before."""
    cluster.wait_until_up()
    down, warm_up = _outage(rng)
    server = rng.choice(cluster.servers)
    number = cluster.servers.index(server) + 1
    cluster.note(f"server {number} down for {down:.1f} s, then without users for {warm_up:.1f} s")
    cluster.restart([server], down, warm_up)


def restart_of_all(cluster: Cluster, rng: Random) -> None:
    cluster.wait_until_up()
    down, warm_up = _outage(rng)
    cluster.note(f"all servers down for {down:.1f} s, then without users for {warm_up:.1f} s")
    cluster.restart(cluster.servers, down, warm_up)
    cluster.wait_until_up()
    cluster.wait_until_well(limit=20)


def _outage(rng: Random) -> tuple[float, float]:
    """At least a second down, or nobody notices, and takes the refusals of the warm-up for those of a password."""
    return rng.uniform(1, 3), rng.choice((0, rng.uniform(0.5, 4)))


def failing_login(cluster: Cluster, rng: Random) -> None:
    """500, or 429 with Retry-After, to one login per server at the most. Whoever it hits has to be well again first:
    the pause after a second one in a row is up to two minutes."""
    cluster.wait_until_up()
    cluster.wait_until_well(limit=20)
    status = rng.choice((500, 429))
    retry_after = rng.randint(1, 8) if status == 429 else None
    cluster.note(f"a login answered {status}" + (f", Retry-After {retry_after}" if retry_after else ""))
    excuse = cluster.excuse(frozenset({"SERVER", "THROTTLED"}), len(cluster.servers))
    before = cluster.login_failures()
    for server in cluster.servers:
        server.fault("login", "status", times=1, status=status, retry_after=retry_after)
    _wait_for(cluster, lambda: cluster.login_failures() > before)
    cluster.clear_faults()
    excuse.until = time.monotonic() + LOGIN_PAUSE[status]
    cluster.wait_until_renewed(limit=LOGIN_PAUSE[status] + 10)


def slow_login(cluster: Cluster, rng: Random) -> None:
    """Slower than a token lives would be another matter: it would be over when it arrives."""
    kind, pause = rng.choice((("delay", rng.randint(200, 2000)), ("drip", 2)))
    times = rng.randint(1, 6)
    cluster.note(f"{times} logins with {kind} of {pause} ms")
    for server in cluster.servers:
        server.fault("login", kind, delay_ms=pause, times=times)
    cluster.wait(4)
    cluster.clear_faults()


def reset_login(cluster: Cluster, rng: Random) -> None:
    """One: the second attempt, a second later, comes before the token's end."""
    server = rng.choice(cluster.servers)
    cluster.note("the connection of a login reset")
    server.fault("login", "reset", times=1)
    cluster.wait(3)
    cluster.clear_faults()


def failing_requests(cluster: Cluster, rng: Random) -> None:
    times = rng.randint(3, 30)
    cluster.note(f"{times} requests answered 500")
    cluster.answers_500_told += times
    _hit_requests(cluster, rng.choice(cluster.servers), kind="status", status=500, times=times)


def slow_requests(cluster: Cluster, rng: Random) -> None:
    kind, pause = rng.choice((("delay", rng.randint(50, 500)), ("drip", 2)))
    cluster.note(f"requests with {kind} of {pause} ms")
    _hit_requests(cluster, rng.choice(cluster.servers), kind=kind, delay_ms=pause, times=rng.randint(3, 30))


def reset_requests(cluster: Cluster, rng: Random) -> None:
    """One after the other: a request is sent once more, and no more than that."""
    server = rng.choice(cluster.servers)
    cluster.note("connections of requests reset")
    for _ in range(rng.randint(2, 6)):
        _hit_requests(cluster, server, kind="reset", times=1)
        cluster.wait(0.1)


def _hit_requests(cluster: Cluster, server: DevServer, *, kind: str, times: int, **fields: Any) -> None:
    """Until it has happened so often; servers that nobody asks are let off after a while."""
    before = int(server.counts()["requests"])
    server.fault("request", kind, times=times, **fields)
    _wait_for(cluster, lambda: int(server.counts()["requests"]) >= before + times)
    server.clear_faults()


def _wait_for(cluster: Cluster, happened: Callable[[], bool], limit: float = 5.0) -> None:
    ends = time.monotonic() + limit
    while not happened() and time.monotonic() < ends and not cluster.stopping.is_set():
        cluster.wait(0.02)


EVERYWHERE: tuple[Fault, ...] = (
    new_secret,
    new_secret_during_login,
    revocation,
    password,
    token_cache,
    cut,
    restart_of_all,
    failing_login,
    slow_login,
    reset_login,
    failing_requests,
    slow_requests,
    reset_requests,
)
# Where there are several servers, one of them goes more often than all.
AMONG_SEVERAL = (*EVERYWHERE, restart_of_one, restart_of_one, restart_of_one)


def happen(cluster: Cluster, seed: str) -> None:
    """One fault after the other until the end of the run, a few seconds apart. The same seed gives the same faults."""
    kinds = AMONG_SEVERAL if len(cluster.servers) > 1 else EVERYWHERE
    number = 0
    while True:
        rng = Random(f"{seed}/{number}")  # how long the last one took must not change the next
        cluster.wait(rng.uniform(1, 4))
        if cluster.stopping.is_set():
            return
        rng.choice(kinds)(cluster, rng)
        number += 1
