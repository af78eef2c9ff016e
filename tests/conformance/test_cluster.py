"""All languages at once on a real cluster of three nodes, which disagree for a while. No call ever fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import fleet as fleets
from cluster import Cluster
from fleet import Fleet, assert_all_read
from handle import DATA_ID, PASSWORD
from nacos import Nacos, Unavailable, new_secret

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

LONG = 18000  # seconds a token lives: it is refused long before it expires
SHORT = 6
LIVES = 4
AWAY = 10.0  # seconds that a node is gone
SET_ASIDE = 30.0  # seconds for which the library passes over a node that was gone
BETWEEN_NODES = 30.0  # seconds from one node's new secret to the next one's
AFTERWARDS = 5.0  # seconds in which whatever is going to happen does
FIRST_RETRY, SECOND_LOGIN = 17.0, 25.0  # seconds after a refused login, at the earliest and at the latest
PATIENCE = 60.0  # seconds for what is going to happen on a busy machine
ESTABLISHED = "01"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three nodes with one configuration and a password worth hiding; one start for all tests."""
    try:
        cluster = Cluster(ttl=LONG)
    except Unavailable as missing:
        pytest.skip(f"NO REAL NACOS: {missing}")
    with cluster:
        cluster.publish(DATA_ID, "a=1")
        cluster.set_password(PASSWORD)
        yield cluster


@pytest.fixture
def fleet(cluster: Cluster, shims: dict[str, str]) -> Iterator[Fleet]:
    with fleets.launched(shims, cluster.addresses, cluster.user, cluster.password) as fleet:
        yield fleet


def test_situation_56_a_node_is_killed_and_comes_back(cluster: Cluster, fleet: Fleet) -> None:
    assert_all_read(fleet.reads(1))
    node = _busiest(cluster)
    with fleet.reading():
        node.kill()
        time.sleep(AWAY)
        node.start()
        time.sleep(SET_ASIDE + 2)  # until it is asked again by all who asked it before
    for handle in fleet.handles:
        stats = handle.stats()
        assert (stats["logins"], stats["login_failures"]) == (1, 0), handle.shim.language


def test_situation_25_real_the_secret_changes_node_by_node(cluster: Cluster, fleet: Fleet) -> None:
    first, second, third = cluster.nodes
    secret = new_secret()
    assert_all_read(fleet.reads(1))
    with fleet.reading():
        for node in (first, second):
            node.rotate_secret(secret)
            time.sleep(BETWEEN_NODES)
        third.rotate_secret(secret)
        time.sleep(AFTERWARDS)
    for handle in fleet.handles:
        stats = handle.stats()
        assert stats["login_failures"] == 0
        # Each node refuses it once, and gives it one token; twice if it was slow to answer, and another one asked.
        assert 1 <= stats["rejections"] == stats["replays"] <= 2 * len(cluster.nodes), handle.shim.language
        assert stats["logins"] <= 1 + 2 * len(cluster.nodes), handle.shim.language


def test_situation_56_the_password_changes(cluster: Cluster, fleet: Fleet, shims: dict[str, str]) -> None:
    """The nodes hear of it one after the other, within 15 s; the programs are told when all know."""
    assert_all_read(fleet.reads(1))
    old, new = cluster.password, f"{PASSWORD} the second"
    with fleet.reading():
        cluster.set_password(new)
        for node in cluster.nodes:
            node.wait_for_login(node.user, old, refused=True)
    for handle in fleet.handles:
        handle.set_credentials(cluster.user, new)
    _read_until_logged_in(fleet, 2)
    assert_all_read(fleet.reads(AFTERWARDS))
    for handle in fleet.handles:
        stats = handle.stats()
        assert (stats["logins"], stats["login_failures"]) == (2, 0), handle.shim.language
    with fleets.launched(shims, cluster.addresses, cluster.user, old) as late:
        for handle in late.handles:
            assert handle.fail("get_token", "BAD_CREDENTIALS")["http_status"] == 403


def test_situation_12_real_the_programs_know_the_new_password_before_the_nodes(cluster: Cluster, fleet: Fleet) -> None:
    """They are told at once; the nodes take the new one up to 15 s later. No token ends by that."""
    assert_all_read(fleet.reads(1))
    new = f"{PASSWORD} the third"
    cluster.set_password(new, wait=False)
    for handle in fleet.handles:
        handle.set_credentials(cluster.user, new)
    began = time.monotonic()
    with fleet.reading():
        for node in cluster.nodes:
            node.wait_for_login(node.user, new)
        known = time.monotonic()
        time.sleep(max(0.0, began + SECOND_LOGIN + 2 - time.monotonic()))
    if known > began + FIRST_RETRY:
        return  # a second login may have come too early, and the third one comes much later
    _read_until_logged_in(fleet, 2)
    for handle in fleet.handles:
        stats = handle.stats()
        assert stats["logins"] == 2, handle.shim.language
        assert stats["login_failures"] <= 1, handle.shim.language


def test_situation_56_lives_end_while_a_node_is_gone(cluster: Cluster, shims: dict[str, str]) -> None:
    cluster.set_ttl(SHORT)
    with fleets.launched(shims, cluster.addresses, cluster.user, cluster.password) as fleet:
        assert_all_read(fleet.reads(1))
        fleet.start_reads(LIVES * SHORT)
        _busiest(cluster).kill()
        tallies = fleet.end_reads()
        assert_all_read(tallies)
        for handle in fleet.handles:
            stats = handle.stats()
            language = handle.shim.language
            assert LIVES <= tallies[language].generations <= stats["logins"] <= LIVES * SHORT, language
            assert stats["login_failures"] == 0, language
            # A renewal that a busy machine brings late is preceded by a refusal. Most are not late.
            assert stats["replays"] == stats["rejections"] <= LIVES // 2, language


def _read_until_logged_in(fleet: Fleet, logins: int) -> None:
    """Until each language has had so many logins, with all reads answered; not for ever."""
    ends = time.monotonic() + PATIENCE
    while any(handle.stats()["logins"] < logins for handle in fleet.handles) and time.monotonic() < ends:
        assert_all_read(fleet.reads(1))


def _busiest(cluster: Cluster) -> Nacos:
    """The node that most programs talk to; the nodes themselves talk over IPv6."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    remote = Counter(int(line.split()[2].split(":")[1], 16) for line in lines if line.split()[3] == ESTABLISHED)
    node = max(cluster.nodes, key=lambda node: remote[node.port])
    assert remote[node.port], "no program is connected to any node"
    return node
