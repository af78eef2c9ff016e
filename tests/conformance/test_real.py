"""All languages at once on a real Nacos, through everything that ends a token."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

import examples
import fleet as fleets
from examples import Example, Report
from fleet import Fleet, assert_all_read, failures
from handle import DATA_ID, PASSWORD, Handle, Tally
from nacos import Nacos, Unavailable
from nacos_jars import RELEASES

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

# tests/real asks every release; what a token goes through is tried on the newest, with HOST_LONG=1 on all.
TRIED = list(RELEASES) if os.environ.get("HOST_LONG") else [max(RELEASES)]

TTL = 6  # seconds
LIVES = 6
# So many requests come to see at the least, where the machine is so busy that one takes seconds.
SEEN = LIVES // 2
# Over the new secret, unless a renewal was due just then; and over renewals that a busy machine brought late: not all.
REFUSALS = LIVES - 1
PATIENCE = 60.0  # seconds for what is going to happen on a busy machine
POOR = ("poor", "no rights at all")
UNREACHABLE = {"CONNECT", "IO", "TIMEOUT"}
STARTING = {"BAD_CREDENTIALS", "SERVER"}  # a server that has no users yet refuses every login, for some 5 s


@pytest.fixture(scope="module", params=TRIED)
def nacos(request: pytest.FixtureRequest) -> Iterator[Nacos]:
    """A real server with short-lived tokens, one configuration, a user without rights and a password worth hiding."""
    try:
        server = Nacos(request.param, ttl=TTL)
    except Unavailable as missing:
        pytest.skip(f"NO REAL NACOS: {missing}")
    with server:
        server.publish(DATA_ID, "a=1")
        server.create_user_without_permission(*POOR, wait=False)
        server.set_password(PASSWORD)
        yield server


@pytest.fixture
def fleet(nacos: Nacos, shims: dict[str, str]) -> Iterator[Fleet]:
    with fleets.launched(shims, nacos.address, nacos.user, nacos.password) as fleet:
        yield fleet


@dataclass(frozen=True)
class Lives:
    """What shims and example programs, side by side, saw of six lives of a token and of a new secret."""

    tallies: Mapping[str, Tally]
    stats: Mapping[str, Mapping[str, int]]
    afterwards: Mapping[str, Tally]
    reports: Mapping[str, Report]
    missing: Mapping[str, str]  # example programs that could not be built, and why


@pytest.fixture(scope="module")
def lives(nacos: Nacos, shims: dict[str, str]) -> Lives:
    """The secret changes in the middle of it, or where that takes a restart, before `afterwards`."""
    programs = examples.built()
    seconds = LIVES * TTL
    running: dict[str, Example] = {}
    with fleets.launched(shims, nacos.address, nacos.user, nacos.password) as fleet:
        try:
            for language, (command, _) in programs.items():
                if command:
                    running[language] = Example(command, seconds, nacos.address, nacos.user, nacos.password)
            fleet.start_reads(seconds)
            if _changes_secret_while_running(nacos):
                time.sleep(seconds / 2)
                nacos.rotate_secret()
            tallies = fleet.end_reads()
            stats = {handle.shim.language: handle.stats() for handle in fleet.handles}
            reports = {language: program.report(seconds + 2 * PATIENCE) for language, program in running.items()}
            if not _changes_secret_while_running(nacos):
                nacos.rotate_secret()
            afterwards = fleet.reads(2)
        finally:
            for program in running.values():
                program.kill()
    missing = {language: reason for language, (command, reason) in programs.items() if not command}
    return Lives(tallies, stats, afterwards, reports, missing)


def _changes_secret_while_running(nacos: Nacos) -> bool:
    return nacos.version != "2.0.4"  # which has to be started again


def test_lives_end_and_the_secret_changes(nacos: Nacos, lives: Lives) -> None:
    assert_all_read(lives.tallies)
    assert_all_read(lives.afterwards)
    for language, stats in lives.stats.items():
        assert SEEN <= lives.tallies[language].generations <= stats["logins"] <= LIVES * TTL, language
        assert stats["login_failures"] == 0, language
        # A request that meets a refusal twice, for the server takes a moment over its new secret, counts one replay.
        assert min(1, stats["rejections"]) <= stats["replays"] <= stats["rejections"] <= REFUSALS, language
    if _changes_secret_while_running(nacos):
        assert sum(stats["replays"] for stats in lives.stats.values()) > 0


def test_the_example_programs(nacos: Nacos, lives: Lives) -> None:
    failed = {language: report.output for language, report in lives.reports.items() if report.status or report.failures}
    assert failed == {}
    for language, report in lives.reports.items():
        assert report.requests >= LIVES, language
        assert report.tokens >= SEEN, language
        assert report.replays <= REFUSALS, language
        assert PASSWORD not in report.output, language
    if _changes_secret_while_running(nacos):
        assert sum(report.replays for report in lives.reports.values()) > 0
    if lives.missing:
        pytest.skip("EXAMPLES LEFT OUT: " + "; ".join(f"{name}: {reason}" for name, reason in lives.missing.items()))


def test_a_user_without_permission(nacos: Nacos, fleet: Fleet) -> None:
    nacos.wait_for_login(*POOR)
    for handle in fleet.handles:
        poor = Handle.open(handle.shim, nacos.address, *POOR, name="poor")
        tally = poor.parallel_reads(4, 5)
        assert (tally.errors, tally.http) == ({}, {"403": 20}), handle.shim.language
        assert "authorization failed" in poor.read()["body"]
        stats = poor.stats()
        assert (stats["logins"], stats["replays"], stats["rejections"]) == (1, 0, 21)


def test_a_wrong_password(nacos: Nacos, fleet: Fleet) -> None:
    for handle in fleet.handles:
        handle.set_credentials(nacos.user, "not the password")
        answer = handle.fail("get_token", "BAD_CREDENTIALS")
        assert answer["http_status"] == 403
        assert nacos.address in answer["message"]
        tally = handle.parallel(4, 25)
        assert tally.errors == {"BAD_CREDENTIALS": 100}
        assert handle.stats()["login_failures"] == 1
        handle.set_credentials(nacos.user, nacos.password)
    assert_all_read(fleet.reads(1))


def test_authentication_is_switched_off_and_on(nacos: Nacos, fleet: Fleet) -> None:
    for enabled in (False, True):
        nacos.set_auth(enabled)
        # Longer than a life: with 2.2.3 every login fails while authentication is off.
        assert_all_read(fleet.reads(TTL + 2))


def test_a_restart(nacos: Nacos, fleet: Fleet) -> None:
    """Calls may fail while the server is down and while it knows no users, and none once all have logged in."""
    assert_all_read(fleet.reads(1))
    nacos.restart(wait=False)
    fleet.start_reads(TTL)
    nacos.wait_until_ready()
    for tally in fleet.end_reads().values():
        assert set(tally.errors) <= UNREACHABLE | STARTING
        assert set(tally.http) <= {"200"}
    # How long a login that was refused is left alone depends on how long the start took.
    ends = time.monotonic() + PATIENCE
    while failures(fleet.reads(1)) and time.monotonic() < ends:
        pass
    assert_all_read(fleet.reads(3))
