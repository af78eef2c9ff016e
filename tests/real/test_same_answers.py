"""The devserver answers as a real Nacos does. Where they differ, the devserver is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import pytest

from nacos import Nacos, Unavailable
from nacos_devserver import DevServer
from nacos_http import Answer
from table import TTL, Request, requests, run

# A real server, and the generation of the devserver that plays it.
GENERATIONS = {"2.0.4": "1.4", "2.2.3": "2.x", "2.3.2": "2.x"}

Answers = dict[str, Answer]


@pytest.fixture(scope="module", params=GENERATIONS)
def answers(request: pytest.FixtureRequest) -> Iterator[tuple[Answers, Answers]]:
    """What the real server and the devserver said to every request; one real server at a time (400 MB)."""
    version: str = request.param
    try:
        server = Nacos(version, ttl=TTL)
    except Unavailable as missing:
        pytest.skip(str(missing))
    with server:
        server.create_user_without_permission()
        real = run(server.address, server.secret)
    with DevServer(GENERATIONS[version], secret=server.secret, ttl=TTL) as devserver:
        yield real, run(devserver.address, server.secret)


@pytest.mark.parametrize("request_", requests(), ids=lambda one: one.name)
def test_same_answer(answers: tuple[Answers, Answers], request_: Request) -> None:
    """Status, content type and body are equal, apart from tokens and times."""
    real, double = (each[request_.name] for each in answers)
    assert asdict(double) == asdict(real), f"{request_.method} {request_.path} {request_.headers} {request_.form}"
