"""All languages at once on a real Nacos, through everything that ends a token."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

import examples
from examples import Example
from fleet import Fleet, assert_all_read
from handle import DATA_ID, PASSWORD, Handle
from nacos import Nacos, Unavailable
from nacos_http import bearer, send
from nacos_jars import RELEASES
from shim import Shim

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

TTL = 6  # seconds
LIVES = 6
UNREACHABLE = {"CONNECT", "IO", "TIMEOUT"}
STARTING = {"BAD_CREDENTIALS", "SERVER"}  # a server that has no users yet refuses every login, for some 5 s


@pytest.fixture(scope="module", params=RELEASES)
def nacos(request: pytest.FixtureRequest) -> Iterator[Nacos]:
    """A real server with short-lived tokens, one configuration and a password worth hiding; one at a time (400 MB)."""
    try:
        server = Nacos(request.param, ttl=TTL)
    except Unavailable as missing:
        pytest.skip(f"NO REAL NACOS: {missing}")
    with server:
        server.set_password(PASSWORD)
        form = {"dataId": DATA_ID, "group": "DEFAULT_GROUP", "content": "a=1"}
        published = send(server.address, "POST", "/nacos/v1/cs/configs", bearer(server.login()), form)
        assert published.status == 200, published
        _wait_for_config(server)
        yield server


def _wait_for_config(server: Nacos) -> None:
    """A configuration can be read a moment after it was published."""
    token = bearer(server.login())
    end = time.monotonic() + 10
    while (
        send(server.address, "GET", f"/nacos/v1/cs/configs?dataId={DATA_ID}&group=DEFAULT_GROUP", token).status != 200
    ):
        assert time.monotonic() < end, "the published configuration cannot be read"
        time.sleep(0.1)


@pytest.fixture
def fleet(nacos: Nacos, shims: dict[str, str]) -> Iterator[Fleet]:
    started = [Shim(language, command) for language, command in shims.items()]
    try:
        yield Fleet([Handle.open(shim, nacos.address, nacos.user, nacos.password) for shim in started])
        for shim in started:
            shim.end()
    finally:
        for shim in started:
            shim.kill()


def _changes_secret_while_running(nacos: Nacos) -> bool:
    return nacos.version != "2.0.4"  # which has to be started again


def test_lives_end_and_the_secret_changes(nacos: Nacos, fleet: Fleet) -> None:
    fleet.start_reads(LIVES * TTL)
    if _changes_secret_while_running(nacos):
        time.sleep(LIVES * TTL / 2)  # in the middle of it
        nacos.rotate_secret()
    tallies = fleet.end_reads()
    assert_all_read(tallies)
    for handle in fleet.handles:
        stats = handle.stats()
        assert LIVES <= tallies[handle.shim.language].generations <= stats["logins"] <= LIVES * TTL, (
            handle.shim.language
        )
        assert stats["login_failures"] == 0
        assert stats["replays"] == stats["rejections"] <= 1  # none if a renewal was due in that very moment
    if _changes_secret_while_running(nacos):
        assert sum(handle.stats()["replays"] for handle in fleet.handles) > 0
    else:
        nacos.rotate_secret()
        assert_all_read(fleet.reads(2))


def test_a_user_without_permission(nacos: Nacos, fleet: Fleet) -> None:
    nacos.create_user_without_permission("poor", "no rights at all")
    for handle in fleet.handles:
        poor = Handle.open(handle.shim, nacos.address, "poor", "no rights at all", name="poor")
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
    """Calls may fail while the server is down and while it knows no users, and none once a login succeeds."""
    assert_all_read(fleet.reads(1))
    nacos.restart(wait=False)
    fleet.start_reads(TTL)
    nacos.wait_until_ready()
    for tally in fleet.end_reads().values():
        assert set(tally.errors) <= UNREACHABLE | STARTING
        assert set(tally.http) <= {"200"}
    assert_all_read(fleet.reads(3))


def test_the_example_programs(nacos: Nacos) -> None:
    """Six lives, and a new secret in the middle: no program notices."""
    programs = examples.built()
    seconds = LIVES * TTL
    commands = {language: command for language, (command, _) in programs.items() if command}
    running = {
        language: Example(command, seconds, nacos.address, nacos.user, nacos.password)
        for language, command in commands.items()
    }
    try:
        if _changes_secret_while_running(nacos):
            time.sleep(seconds / 2)
            nacos.rotate_secret()
        reports = {language: program.report(seconds + 60) for language, program in running.items()}
    finally:
        for program in running.values():
            program.kill()
    assert {language: report.output for language, report in reports.items() if report.status or report.failures} == {}
    for report in reports.values():
        assert report.requests >= seconds * 4
        assert report.tokens >= LIVES
        assert report.replays <= 1
        assert PASSWORD not in report.output
    if _changes_secret_while_running(nacos):
        assert sum(report.replays for report in reports.values()) > 0
    missing = [f"{language}: {reason}" for language, (command, reason) in programs.items() if not command]
    if missing:
        pytest.skip("EXAMPLES LEFT OUT: " + "; ".join(missing))
