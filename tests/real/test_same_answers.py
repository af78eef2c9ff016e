"""The devserver answers as a real Nacos does. Where they differ, the devserver is wrong."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from nacos import Nacos, Unavailable
from nacos_devserver import DevServer
from nacos_http import Answer
from table import TTL, Request, requests, run

# A real server, and the generation of the devserver that plays it.
GENERATIONS = {"2.0.4": "2.0", "2.2.3": "2.2", "2.3.2": "2.3"}

Answers = dict[str, Answer]


@pytest.fixture(scope="module", params=GENERATIONS)
def answers(request: pytest.FixtureRequest) -> tuple[Answers, Answers]:
    """What the real server and the devserver said to every request."""
    version: str = request.param
    try:
        server = Nacos(version, ttl=TTL)
    except Unavailable as missing:
        pytest.skip(str(missing))
    with server:
        server.create_user_without_permission()
        real = run(server.address, server.secret, "running")
        for _ in range(5):
            server.restart(wait=False)
            server.wait_for_http()
            started = run(server.address, server.secret, "started")
            if not server.can_login(server.user, server.password):
                break  # else it knew its users before the last request, and answered as one that runs
        real.update(started)
        server.wait_until_ready()
        server.set_auth(False)
        real.update(run(server.address, server.secret, "auth off"))
    with DevServer(GENERATIONS[version], secret=server.secret, ttl=TTL) as devserver:
        double = run(devserver.address, server.secret, "running")
        devserver.control("/restart", {"down_ms": 0, "warm_up_ms": 10_000})
        double.update(run(devserver.address, server.secret, "started"))
        devserver.control("/restart", {"down_ms": 0, "warm_up_ms": 0})
        devserver.control("/auth", {"enabled": False})
        double.update(run(devserver.address, server.secret, "auth off"))
    return real, double


@pytest.mark.parametrize("request_", requests(), ids=lambda one: one.name)
def test_same_answer(answers: tuple[Answers, Answers], request_: Request) -> None:
    """Status, content type and body are equal, apart from tokens and times."""
    real, double = (each[request_.name] for each in answers)
    assert asdict(double) == asdict(real), f"{request_.method} {request_.path} {request_.headers} {request_.form}"
