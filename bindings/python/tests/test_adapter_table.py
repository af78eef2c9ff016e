"""Situation by library: what each adapter does, tried for all of them; where one has no such thing it says why."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import httpx
import pytest
import requests
import scripted
from adapter_drivers import CONTENT, DRIVERS, Driver, TokenIn
from scripted import Answer, Handler, Server, redirect, words

from nacos_auth import Advice, Advised
from nacos_auth._base import BaseClient

pytestmark = pytest.mark.filterwarnings("ignore:The object should be created:DeprecationWarning")
EXPIRED = words("Server failed,JWT expired at 2026-01-01T00:00:00Z.", 500)
WORDLESS = Answer(403)
HEAD = b"the body begins here"
# Before Python 3.11 asyncio has one of its own, and aiohttp does not know that the other is one.
TIMEOUTS = (TimeoutError, asyncio.TimeoutError, aiohttp.ClientOSError)
PLACES: tuple[TokenIn, ...] = ("authorization", "header")


class Cell:
    """One library in front of one server."""

    def __init__(
        self,
        kind: type[Driver],
        server: Server,
        close_later: Callable[[Callable[[], None]], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self._kind = kind
        self._close_later = close_later
        self._monkeypatch = monkeypatch
        self.server = server
        self.is_sdk = kind is DRIVERS["nacos-sdk-python"]
        self.is_aiohttp = kind is DRIVERS["aiohttp"]

    def takes_every_refusal_for_one_of_the_token(self) -> None:
        """So that nothing waits for logins, which are a second apart."""

        def advise(_: BaseClient, generation: int, status: int, *told: object, **more: object) -> Advised:
            return Advised(Advice.REPLAY if status in (401, 403, 500) else Advice.RETURN, 0)

        self._monkeypatch.setattr(BaseClient, "report_rejected", advise)

    def driver(
        self, token_in: TokenIn = "auto", request_timeout: float | None = None, servers: str | None = None
    ) -> Driver:
        made = self._kind(servers or self.server.address, token_in, request_timeout)
        self._close_later(made.close)
        return made

    def at(self, server: Server) -> Cell:
        return Cell(self._kind, server, self._close_later, self._monkeypatch)

    def warm(self, token_in: TokenIn = "auto", request_timeout: float | None = None) -> Driver:
        """With a token that the server has taken."""
        made = self.driver(token_in, request_timeout)
        assert made.fetch("GET", self.server.url()) == (200, "hello")
        self.server.seen.clear()
        return made


class Situation(NamedTuple):
    name: str
    run: Callable[[Cell], None]
    elsewhere: dict[str, str]
    """Libraries that have no such thing, and why."""


SITUATIONS: dict[str, Situation] = {}


def situation(**elsewhere: str) -> Callable[[Callable[[Cell], None]], Callable[[Cell], None]]:
    def add(run: Callable[[Cell], None]) -> Callable[[Cell], None]:
        name = run.__name__.replace("_", " ")
        names = {"sdk": "nacos-sdk-python", "httpx_async": "httpx async"}
        SITUATIONS[name] = Situation(
            name, run, {names.get(library, library): why for library, why in elsewhere.items()}
        )
        return run

    return add


@pytest.fixture
def server() -> Iterator[Server]:
    with scripted.running() as server:
        yield server


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")
@pytest.mark.timeout(120)
def test_cell(
    name: str,
    library: str,
    server: Server,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # the SDK leaves files in the working directory
    why = SITUATIONS[name].elsewhere.get(library)
    if why is not None:
        pytest.skip(why)
    SITUATIONS[name].run(Cell(DRIVERS[library], server, request.addfinalizer, monkeypatch))


def test_no_cell_is_missing() -> None:
    assert list(DRIVERS) == ["requests", "httpx", "httpx async", "aiohttp", "nacos-sdk-python"]
    for name, _, elsewhere in SITUATIONS.values():
        assert set(elsewhere) < set(DRIVERS), name  # tried for one at least, and none is misspelt
        assert all(why.strip() for why in elsewhere.values()), name


def test_the_readme_tells_the_bodies() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in readme.splitlines() if line.startswith("| ")]
    libraries = next(row[1:] for row in rows if row[1:] == list(DRIVERS))
    for begin, again in (("bodies that are sent again", True), ("not sent again", False)):
        cells = next(row[1:] for row in rows if row[0].startswith(begin))
        told = {library: cell.split(", ") if cell else [] for library, cell in zip(libraries, cells)}
        assert told == {
            library: [kind for kind, can in driver.bodies.items() if can is again]
            for library, driver in DRIVERS.items()
        }


# What is refused, and how


@situation()
def refused_with_words(cell: Cell) -> None:
    server = cell.server
    driver = cell.warm()
    for status, message, method, body in (
        (403, "token invalid!", "POST", "form"),
        (401, "token expired!", "GET", None),
    ):
        server.refusal = words(message, status)
        logins = server.logins
        server.revoke()
        server.seen.clear()
        assert driver.fetch(method, server.url(), body) == (200, "hello")
        assert (server.sent(), server.logins) == ([f"{method} /nacos/ok"] * 2, logins + 1)


@situation()
def expired_and_answered_500(cell: Cell) -> None:
    """As Nacos 1.4 does."""
    driver = cell.warm()
    cell.server.refusal = EXPIRED
    for method, body in (("GET", None), ("POST", "form")):
        cell.server.revoke()
        cell.server.seen.clear()
        assert driver.fetch(method, cell.server.url(), body) == (200, "hello")
        assert cell.server.sent() == [f"{method} /nacos/ok"] * 2


@situation()
def refused_without_words(cell: Cell) -> None:
    """Only what may be sent twice is."""
    for method, body, status, times in (("GET", None, 200, 2), ("POST", "form", 403, 1)):
        # Each its own: of several such refusals in a minute the first alone means something.
        with scripted.running() as server:
            driver = cell.at(server).warm()
            server.scripts["/nacos/ok"] = [WORDLESS]
            assert driver.fetch(method, server.url(), body).status == status
            assert server.sent() == [f"{method} /nacos/ok"] * times
            assert server.logins <= 2


@situation()
def a_401_without_words(cell: Cell) -> None:
    driver = cell.warm()
    cell.server.scripts["/nacos/guarded"] = [Answer(401, b"<html>who are you?</html>")] * 9
    for _ in range(3):
        assert driver.fetch("POST", cell.server.url("/nacos/guarded"), "form") == (401, "<html>who are you?</html>")
    assert len(cell.server.seen) == 3
    assert driver.fetch("GET", cell.server.url()).status == 200
    assert cell.server.logins <= 2


@situation()
def a_missing_permission(cell: Cell) -> None:
    driver, refusal = cell.warm(), words("authorization failed!")
    cell.server.scripts["/nacos/forbidden"] = [refusal] * 3
    for _ in range(3):
        assert driver.fetch("GET", cell.server.url("/nacos/forbidden")) == (403, refusal.body.decode())
    assert (len(cell.server.seen), cell.server.logins) == (3, 1)


@situation()
def a_500_that_is_about_something_else(cell: Cell) -> None:
    driver = cell.warm()
    cell.server.scripts["/nacos/broken"] = [Answer(500, b"caused: out of order")] * 3
    for _ in range(3):
        assert driver.fetch("GET", cell.server.url("/nacos/broken")).status == 500
    assert (len(cell.server.seen), cell.server.logins) == (3, 1)


@situation(sdk="asks for no compressed answers and reads none")
def a_refusal_that_is_compressed(cell: Cell) -> None:
    driver = cell.warm()
    plain = words("token invalid!")
    cell.server.refusal = Answer(403, gzip.compress(plain.body), {**plain.headers, "Content-Encoding": "gzip"})
    cell.server.revoke()
    assert driver.fetch("POST", cell.server.url(), "form") == (200, "hello")
    assert len(cell.server.seen) == 2
    body = gzip.compress(b"authorization failed!" + b"." * 100_000)
    cell.server.scripts["/nacos/no"] = [Answer(403, body, {"Content-Encoding": "gzip"})]
    assert driver.fetch("GET", cell.server.url("/nacos/no")) == (403, "authorization failed!" + "." * 100_000)


@situation()
def refused_again_and_again(cell: Cell) -> None:
    driver = cell.warm()
    cell.server.scripts["/nacos/never"] = [words("token invalid!")] * 99
    assert driver.fetch("GET", cell.server.url("/nacos/never")).status == 403
    assert 2 <= len(cell.server.seen) <= 8


@situation()
def no_token_to_be_had(cell: Cell) -> None:
    driver = cell.driver()
    driver.close()
    with pytest.raises(Exception, match="closed"):
        driver.fetch("GET", cell.server.url())
    assert not cell.server.seen


@situation()
def a_server_that_asks_for_time(cell: Cell) -> None:
    driver = cell.warm()
    cell.server.scripts["/nacos/busy"] = [Answer(429, b"later", {"Retry-After": "30"})]
    start = time.monotonic()
    assert driver.fetch("GET", cell.server.url("/nacos/busy")) == (429, "later")
    assert time.monotonic() - start < 10
    assert len(cell.server.seen) == 1


@situation()
def a_connection_that_breaks(cell: Cell) -> None:
    """That is no refusal, whether the library tries once more by itself or tells it."""
    driver = cell.warm()
    for method, body in (("GET", None), ("POST", "form")):
        cell.server.scripts["/nacos/break"] = [lambda handler: None]
        cell.server.seen.clear()
        with suppress(OSError, httpx.TransportError, aiohttp.ClientError):
            assert driver.fetch(method, cell.server.url("/nacos/break"), body) == (200, "hello")
        assert len(cell.server.seen) <= (2 if method == "GET" else 1)
        assert driver.fetch("GET", cell.server.url()) == (200, "hello")
    assert cell.server.logins == 1


# Bodies of refusals


def endless(handler: Handler, status: int = 500, pause: float = 0.01, piece: bytes = b"x" * 4096) -> None:
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 %d X\r\nContent-Type: text/plain\r\n\r\n" % status + HEAD)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            handler.wfile.write(piece)
            time.sleep(pause)


@situation(sdk="reads no bodies of refusals")
def a_refusal_without_end(cell: Cell) -> None:
    driver = cell.warm()
    for status in (500, 403, 401):
        for pause, piece in ((0.01, b"x" * 4096), (0.05, b"x")):
            cell.server.scripts["/nacos/endless"] = [partial(endless, status=status, pause=pause, piece=piece)] * 9
            start = time.monotonic()
            assert driver.begin(cell.server.url("/nacos/endless"), len(HEAD)) == (status, HEAD.decode())
            assert time.monotonic() - start < 4


@situation(
    sdk="reads no bodies of refusals",
    httpx="httpx does not tell whether anything has come",
    httpx_async="httpx does not tell whether anything has come",
)
def a_refusal_that_stops_in_the_middle(cell: Cell) -> None:
    """The answer comes with what there is of its body."""
    driver = cell.warm()
    for chunked, begins in itertools.product((False, True), (True, False)):
        go_on = threading.Event()

        def stop(
            handler: Handler, chunked: bool = chunked, begins: bool = begins, go_on: threading.Event = go_on
        ) -> None:
            handler.wfile.write(b"HTTP/1.1 403 X\r\n" + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n"))
            body = b"14\r\n%s\r\n" % HEAD if chunked else HEAD
            if begins:
                handler.wfile.write(body)
                go_on.wait(20)
            else:
                time.sleep(2)
                handler.wfile.write(body)

        cell.server.scripts["/nacos/stop"] = [stop] * 9
        start = time.monotonic()
        assert driver.begin(cell.server.url("/nacos/stop"), len(HEAD)) == (403, HEAD.decode())
        assert time.monotonic() - start < 8
        go_on.set()


@situation()
def words_and_then_no_end(cell: Cell) -> None:
    """What is repeated is not read to its end."""
    driver = cell.warm()

    def refuse(handler: Handler) -> None:
        endless(handler, 403, piece=b"token invalid!" + b" " * 5000)

    cell.server.scripts["/nacos/ok"] = [refuse]
    cell.server.revoke()
    start = time.monotonic()
    assert driver.fetch("GET", cell.server.url()) == (200, "hello")
    assert time.monotonic() - start < 5


@situation(sdk="closes an answer of 500 itself")
def the_caller_gets_all_of_a_refusal(cell: Cell) -> None:
    driver = cell.warm()
    for status in (401, 403, 500):
        for size in (0, 1, 4095, 4096, 4097, 300_000):
            body = (b"authorization failed! " + b"0123456789" * 30_000)[:size]
            cell.server.scripts["/nacos/large"] = [Answer(status, body)] * 9
            assert driver.fetch("POST", cell.server.url("/nacos/large"), "form") == (status, body.decode())
            if size:
                assert driver.begin(cell.server.url("/nacos/large"), 1) == (status, "a")


@situation(sdk="closes an answer of 500 itself")
def a_refusal_in_chunks(cell: Cell) -> None:
    driver = cell.warm()
    parts = [b"authorization ", b"failed!", b"." * 10_000]

    def chunks(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            time.sleep(0.05)
        handler.wfile.write(b"0\r\n\r\n")

    cell.server.scripts["/nacos/chunks"] = [chunks]
    assert driver.fetch("GET", cell.server.url("/nacos/chunks")) == (403, b"".join(parts).decode())


@situation(sdk="hands on no body of an answer of 403")
def a_refusal_that_breaks_off(cell: Cell) -> None:
    """That is the reader's to learn, who gets what there was (urllib3 before 2 does not tell that it is not all)."""
    driver = cell.warm()

    def cut(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 403 X\r\nContent-Length: 100\r\n\r\n" + HEAD)

    cell.server.scripts["/nacos/cut"] = [cut, cut]
    try:
        assert driver.fetch("POST", cell.server.url("/nacos/cut"), "form") == (403, HEAD.decode())
        assert version("urllib3").startswith("1.")
    except (requests.RequestException, httpx.ReadError, httpx.RemoteProtocolError, aiohttp.ClientPayloadError):
        pass
    assert len(cell.server.seen) == 1
    if not cell.is_aiohttp:  # which raises before it gives what it has
        assert driver.begin(cell.server.url("/nacos/cut"), len(HEAD)) == (403, HEAD.decode())


# Bodies of requests


@situation()
def a_body_of_every_kind(cell: Cell) -> None:
    """Those that can be are sent again as they were, from where they began."""
    driver = cell.warm()
    cell.takes_every_refusal_for_one_of_the_token()
    for kind, again in driver.bodies.items():
        cell.server.scripts["/nacos/ok"] = [words("token invalid!")]
        cell.server.seen.clear()
        assert driver.fetch("POST", cell.server.url(), kind).status == (200 if again else 403), kind
        bodies = [seen.body for seen in cell.server.seen]
        assert bodies == [bodies[0]] * (2 if again else 1), kind
        assert CONTENT in bodies[0] or b"again" in bodies[0] or CONTENT.partition(b"=")[0] in bodies[0], kind
        if kind in ("text", "bytes", "form", "file", "generator", "async generator"):
            assert bodies[0] == CONTENT, kind
        assert driver.fetch("GET", cell.server.url()).status == 200


@situation(sdk="sends no bodies but forms")
def a_body_that_cannot_be_read_twice_is_accepted_and_redirected(cell: Cell) -> None:
    driver = cell.warm()
    kind = next(kind for kind, again in driver.bodies.items() if not again)
    for refusal in (WORDLESS, words("token invalid!")):
        cell.server.scripts["/nacos/create"] = [redirect(303, "/nacos/ok")]
        cell.server.scripts["/nacos/ok"] = [refusal]
        cell.server.seen.clear()
        got = driver.fetch("POST", cell.server.url("/nacos/create"), kind)
        assert got == (200, "hello")
        assert cell.server.sent() == ["POST /nacos/create", *["GET /nacos/ok"] * (len(cell.server.seen) - 1)]


# Redirects


@situation()
def a_redirect_within_the_host(cell: Cell) -> None:
    for token_in, status in itertools.product(PLACES, (301, 302, 303, 307)):
        driver = cell.warm(token_in)
        for target in ("/nacos/ok", cell.server.url("/nacos/ok?x=1")):
            cell.server.scripts["/nacos/go"] = [redirect(status, target)]
            cell.server.seen.clear()
            assert driver.fetch("GET", cell.server.url("/nacos/go")) == (200, "hello")
            assert [seen.token in cell.server.good for seen in cell.server.seen] == [True, True]


@situation(sdk="urllib does not follow a POST that has to stay one")
def a_post_that_is_redirected_and_refused_then(cell: Cell) -> None:
    driver = cell.warm()
    for status in (307, 308):
        cell.server.scripts["/nacos/go"] = [redirect(status, "/nacos/ok")]
        cell.server.scripts["/nacos/ok"] = [words("token invalid!")]
        cell.server.seen.clear()
        assert driver.fetch("POST", cell.server.url("/nacos/go"), "form") == (200, "hello")
        assert cell.server.sent() == ["POST /nacos/go", *["POST /nacos/ok"] * (len(cell.server.seen) - 1)]
        assert {seen.body for seen in cell.server.seen} == {CONTENT}


@situation()
def an_accepted_post_whose_redirect_is_refused(cell: Cell) -> None:
    driver = cell.warm()
    cell.takes_every_refusal_for_one_of_the_token()
    for status, refusal in itertools.product((301, 302, 303), (WORDLESS, words("token invalid!"), EXPIRED)):
        cell.server.scripts["/nacos/create"] = [redirect(status, "/nacos/ok")]
        cell.server.scripts["/nacos/ok"] = [refusal]
        cell.server.seen.clear()
        assert driver.fetch("POST", cell.server.url("/nacos/create"), "form") == (200, "hello")
        assert cell.server.sent() == ["POST /nacos/create", "GET /nacos/ok", "GET /nacos/ok"]


@situation()
def refused_and_then_redirected(cell: Cell) -> None:
    driver = cell.warm()
    cell.server.revoke()
    cell.server.scripts["/nacos/go"] = [words("token invalid!"), redirect(302, "/nacos/ok")]
    assert driver.fetch("GET", cell.server.url("/nacos/go")) == (200, "hello")
    assert cell.server.sent() == ["GET /nacos/go", "GET /nacos/go", "GET /nacos/ok"]


@situation()
def a_redirect_to_another_host(cell: Cell) -> None:
    cell.takes_every_refusal_for_one_of_the_token()
    for token_in, status in itertools.product(PLACES, (301, 302, 303, 307)):
        driver = cell.warm(token_in)
        for _ in range(2):
            for before in ([], [WORDLESS], [words("token invalid!")]):
                cell.server.scripts["/nacos/go"] = [*before, redirect(status, f"http://{cell.server.elsewhere}/sso")]
                cell.server.scripts["/sso"] = [Answer(200, b"other")]
                assert driver.fetch("GET", cell.server.url("/nacos/go")) == (200, "other")
        assert [seen for seen in cell.server.seen if seen.host == cell.server.elsewhere]
        assert cell.server.tokens_elsewhere() == []
        assert driver.fetch("GET", cell.server.url()) == (200, "hello")


@situation()
def redirects_within_the_host_and_then_to_another(cell: Cell) -> None:
    """What a library makes of the request on the way there loses the token as the request itself does."""
    for token_in, status, method in itertools.product(PLACES, (302, 303, 307), ("GET", "POST")):
        if cell.is_sdk and (status, method) == (307, "POST"):
            continue  # urllib does not follow it
        driver = cell.warm(token_in)
        for hops in (1, 2, 3):
            for hop in range(hops):
                target = f"/nacos/go{hop + 1}" if hop + 1 < hops else f"http://{cell.server.elsewhere}/sso"
                cell.server.scripts[f"/nacos/go{hop}"] = [redirect(status, target)]
            cell.server.scripts["/sso"] = [redirect(status, "/further"), Answer(200, b"other")]
            cell.server.scripts["/further"] = [Answer(200, b"other")]
            body = "form" if method == "POST" else None
            assert driver.fetch(method, cell.server.url("/nacos/go0"), body) == (200, "other")
            assert cell.server.tokens_elsewhere() == [], f"{token_in}, {status}, {method}, {hops} hops"
        assert driver.fetch("GET", cell.server.url()) == (200, "hello")


@situation()
def a_redirect_to_another_host_that_refuses(cell: Cell) -> None:
    """It says nothing of a token that it never got."""
    for token_in in PLACES:
        driver = cell.warm(token_in)
        logins = cell.server.logins
        for refusal in (WORDLESS, words("token invalid!"), EXPIRED):
            cell.server.scripts["/nacos/go"] = [redirect(302, f"http://{cell.server.elsewhere}/sso")]
            cell.server.scripts["/sso"] = [refusal]
            assert driver.fetch("GET", cell.server.url("/nacos/go")).status in (refusal.status, 500)
        assert cell.server.tokens_elsewhere() == []
        assert cell.server.logins == logins


@situation()
def a_redirect_to_another_host_and_back(cell: Cell) -> None:
    for token_in in PLACES:
        driver = cell.warm(token_in)
        logins = cell.server.logins
        cell.server.scripts["/nacos/go"] = [redirect(302, f"http://{cell.server.elsewhere}/sso")]
        cell.server.scripts["/sso"] = [redirect(302, cell.server.url())]
        assert driver.fetch("GET", cell.server.url("/nacos/go")) == (200, "hello")
        assert cell.server.tokens_elsewhere() == []
        assert cell.server.logins == logins


@situation()
def a_redirect_to_another_server_of_the_client(cell: Cell) -> None:
    """It gets the token, though some libraries take that away on the way there."""
    for token_in in PLACES:
        driver = cell.driver(token_in, servers=f"{cell.server.address},{cell.server.elsewhere}")
        for before in ([], [words("token invalid!")]):
            cell.server.scripts["/nacos/go"] = [*before, redirect(302, f"http://{cell.server.elsewhere}/nacos/ok")]
            assert driver.fetch("GET", cell.server.url("/nacos/go")) == (200, "hello")
            assert driver.fetch("POST", cell.server.url(), "form") == (200, "hello")


@situation(sdk="always follows")
def a_redirect_that_is_not_followed(cell: Cell) -> None:
    driver = cell.warm("header")
    for before in ([], [words("token invalid!")]):
        for location in ("/nacos/ok", f"http://{cell.server.elsewhere}/sso"):
            cell.server.scripts["/nacos/go"] = [*before, redirect(302, location)]
            cell.server.seen.clear()
            assert driver.fetch("GET", cell.server.url("/nacos/go"), allow_redirects=False).status == 302
            assert set(cell.server.sent()) == {"GET /nacos/go"}


@situation()
def addresses_that_may_be_read_in_two_ways(cell: Cell) -> None:
    driver = cell.warm("header")
    port = cell.server.address.rpartition(":")[2]
    for location in (
        f"http://localhost:{port}\\@127.0.0.1:{port}/sso",
        f"http://127.0.0.1:{port}\\@localhost:{port}/sso",
        f"//localhost:{port}/sso",
        f"http:\\\\localhost:{port}/sso",
        f"http://127.0.0.1:{port}@localhost:{port}/sso",
        f"HTTP://LOCALHOST:{port}/sso",
    ):
        cell.server.scripts["/nacos/go"] = [redirect(302, location)]
        with suppress(Exception):  # some libraries take none of them
            driver.fetch("GET", cell.server.url("/nacos/go"))
        assert cell.server.tokens_elsewhere() == [], location


# The wrong host


@situation()
def the_wrong_host(cell: Cell) -> None:
    caught: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.handle = caught.append  # type: ignore[method-assign,assignment]
    logging.getLogger("nacos_auth").addHandler(handler)
    try:
        driver = cell.warm()
        for _ in range(3):
            url = f"http://{cell.server.elsewhere}/nacos/ok?secret=1"
            assert driver.fetch("GET", url).status == 403
    finally:
        logging.getLogger("nacos_auth").removeHandler(handler)
    assert cell.server.tokens_elsewhere() == []
    assert cell.server.logins == 1
    told = {record.getMessage() for record in caught}
    assert told == {"no token for http://localhost: the client's servers are http://127.0.0.1"}
    assert all(record.levelno == logging.WARNING for record in caught)
    if not cell.is_sdk:
        assert len(caught) == 1


# Time-outs


@situation()
def a_login_that_hangs(cell: Cell) -> None:
    for timeout in cell.driver().time_outs(0.5):
        with scripted.running() as server:
            server.logins_go_on.clear()
            driver = cell.at(server).driver(request_timeout=19)
            start = time.monotonic()
            with pytest.raises(TIMEOUTS):
                driver.fetch("GET", server.url(), **timeout)
            assert time.monotonic() - start < 4, timeout


@situation(sdk="always has a time-out")
def a_login_that_hangs_without_a_time_out(cell: Cell) -> None:
    """The client's is in its place."""
    cell.server.logins_go_on.clear()
    driver = cell.driver(request_timeout=0.5)
    start = time.monotonic()
    with pytest.raises(TIMEOUTS):
        driver.fetch("GET", cell.server.url(), timeout=None)
    assert time.monotonic() - start < 4


@situation()
def a_refusal_and_a_login_that_hangs(cell: Cell) -> None:
    """The refusal is the answer, unless the library itself counts the time."""
    driver = cell.warm(request_timeout=19)
    for timeout in driver.time_outs(0.6):
        cell.server.revoke()
        cell.server.logins_go_on.clear()
        start = time.monotonic()
        try:
            assert driver.fetch("GET", cell.server.url(), **timeout).status == 403
        except TIMEOUTS:
            assert cell.is_aiohttp
        assert time.monotonic() - start < 4
        cell.server.logins_go_on.set()
        assert driver.fetch("GET", cell.server.url()) == (200, "hello")


def pytest_generate_tests(metafunc: Any) -> None:
    if metafunc.function is test_cell:
        metafunc.parametrize(("name", "library"), list(itertools.product(SITUATIONS, DRIVERS)))
