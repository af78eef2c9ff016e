"""What the adapters to HTTP libraries share: who gets the token, and the rule "send, judge, perhaps once more"."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from ._arguments import invalid
from ._base import BaseClient
from ._client import Client
from ._errors import ClosedError, NacosTimeoutError
from ._state import Advice, Token

if TYPE_CHECKING:
    from ._async_client import AsyncClient  # at run time that takes longer than all the rest

MAY_REFUSE = frozenset({401, 403, 500})
"""What a token is refused with: 403 mostly, 401 by proxies, 500 by Nacos 1.4."""
_WANTS_TOKEN = frozenset({401, 403})
"""What a request without a token is refused with."""
_MOST_REPEATS = 2
"""With other tokens: the second one may have been on its way already when the first was refused."""
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
LOOK_BYTES = 4096
"""Of a refusal's body, to see from why it refuses."""
LOOK_SECONDS = 0.5
"""After that what has come of a slow body has to do."""
_LONGEST = 86400.0  # seconds that a call of the client takes for its timeout
_MOST_WARNINGS = 100  # of one Bearer: a session that goes anywhere must not fill the log, or the memory
_MOST_FRAMES = 40
_log = logging.getLogger("nacos_auth")


class Bearer:
    """Carries the token of a client to the hosts that the client is for, and to no other.

    Any port of them will do, since Nacos 3 has its console on another one; never http where the client has https.
    """

    def __init__(self, client: BaseClient, wants: str, *kinds: type[BaseClient]) -> None:
        """wants: who wants a client of these kinds."""
        if not isinstance(client, kinds):
            names = " or a ".join(f"nacos_auth.{kind.__name__}" for kind in kinds)
            given = client.__name__ if isinstance(client, type) else type(client).__name__
            what = f"the class {given}" if isinstance(client, type) else given
            raise invalid(f"{wants} wants a {names}, not {what}")
        if client._token_in == "query":
            raise invalid('the adapters put the token into a header: use token_in="auto", "authorization" or "header"')
        self._client = client
        self.name = "accessToken" if client._token_in == "header" else "Authorization"
        """Of the header that has the token."""
        self._schemes: dict[str | None, frozenset[str]] = {}
        for server in client._server_addr.replace(";", ",").split(","):
            url = urlsplit(server.strip() if "://" in server else f"http://{server.strip()}")
            schemes = frozenset({"https"} if url.scheme == "https" else {"http", "https"})
            host = _ascii(url.hostname)
            self._schemes[host] = self._schemes.get(host, schemes) & schemes
        self._accepted = 0
        self._warned: set[tuple[str, str | None]] = set()

    def is_for(self, url: str) -> bool:
        """Whether the token may go there. Warns once of each server that it may not go to."""
        scheme, host = _origin(url)
        if scheme in self._schemes.get(host, ()):
            return True
        if (scheme, host) not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add((scheme, host))
            servers = [
                f"{'http' if 'http' in schemes else 'https'}://{name}" for name, schemes in self._schemes.items()
            ]
            where = f"{scheme}://{host}" if host else "a URL whose host is in doubt"
            _log.warning("no token for %s: the client's servers are %s", where, ", ".join(servers))
        return False

    def leaves(self, url: str, location: str | None) -> bool:
        """Whether an answer of this URL leads to where the token may not go."""
        if location is None:
            return False
        try:
            return not self.is_for(urljoin(url, location))
        except ValueError:  # the library will not find its way there either
            return True

    def value(self, token: Token) -> str:
        return token.value if self.name == "accessToken" else f"Bearer {token.value}"


class Attempt:
    """One request of one hop (what a redirect leads to is the next): sent, judged, perhaps sent once more.

    The adapters translate between this and their library. They send with the token that `first_token` and
    `next_token`, or their likes for asyncio, give, and hand each answer to `judge`.
    """

    def __init__(self, bearer: Bearer, method: str, url: str, timeout: float | None = None, spent: float = 0) -> None:
        """timeout: of the library, from the beginning of the call, `spent` of which have passed. None: it has none."""
        self._bearer = bearer
        self._method = method.upper()
        self._server = _server(url)
        # One that is no time is the library's to complain of.
        self._end = time.monotonic() + timeout - spent if timeout is not None and timeout > 0 else None
        self._refused_before = 0  # how often with this token
        self._repeats = 0
        self.token: Token | None = None
        """That it was sent with last; None: with none, since the library took it away on the way to this hop."""

    def carry(self, token: Token) -> str:
        """The value of the header that it is sent with next."""
        if self.token is None or token.generation != self.token.generation:
            self._refused_before = 0
        self.token = token
        return self._bearer.value(token)

    def first_token(self, client: Client) -> Token:
        return client.token_info(self._left())

    async def first_token_async(self, client: AsyncClient) -> Token:
        return await client.token_info(self._left())

    def next_token(self, client: Client) -> Token | None:
        """To send it with again; None if the time is up: then the refusal is the answer."""
        try:
            return client.token_info(self._left())
        except NacosTimeoutError:
            if self._is_over():
                return None
            raise

    async def next_token_async(self, client: AsyncClient) -> Token | None:
        try:
            return await client.token_info(self._left())
        except NacosTimeoutError:
            if self._is_over():
                return None
            raise

    def judge(self, status: int, body: bytes, retry_after: str | None) -> float | None:
        """The seconds after which to send it again, with the token of then; None: not at all.

        body: the beginning of a refusal's.
        """
        token, bearer = self.token, self._bearer
        if token is None:  # nothing is said of a token
            self._repeats += 1
            wanted = status in _WANTS_TOKEN and self._method in _IDEMPOTENT and self._repeats == 1
            return 0.0 if wanted and not self._is_over() else None
        accepts = 200 <= status < 300  # a redirect may be a gateway's
        if accepts and bearer._accepted == token.generation and not self._refused_before:
            return None  # that the token is good is known
        try:
            advised = bearer._client.report_rejected(
                token.generation,
                status,
                body[:LOOK_BYTES],
                server=self._server,
                retry_after=retry_after if retry_after is not None and _is_plain(retry_after) else None,
                refused_before=self._refused_before,
            )
        except ClosedError:  # meanwhile: the answer is good all the same
            return None
        if status in MAY_REFUSE:
            bearer._accepted = 0  # the next acceptance is news
        elif accepts:
            bearer._accepted = token.generation
        self._refused_before += 1
        if advised.advice is Advice.RETURN:
            return None
        if advised.advice is Advice.REPLAY_IF_IDEMPOTENT and self._method not in _IDEMPOTENT:
            return None
        if not advised.wait:  # else it is for the same token, and the library counts
            self._repeats += 1
        # To wait for longer than the caller does for an answer would surprise it.
        longest = bearer._client._request_timeout if self._end is None else self._end - time.monotonic()
        return advised.wait if self._repeats <= _MOST_REPEATS and advised.wait <= longest else None

    def _left(self) -> float | None:
        """Seconds that a login may take; None: as the client's settings say."""
        return None if self._end is None else min(max(self._end - time.monotonic(), 0.001), _LONGEST)

    def _is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end


class Look:
    """At the beginning of a refusal's body: tells the adapter, which reads it piece by piece, when that is enough.

    The pieces go to the reader of the body in front of the rest.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_whole = False
        """Whether there is no more."""
        self.error: Exception | None = None
        """What broke off the reading: for the reader of the body."""
        self._size = 0
        self._end = time.monotonic() + LOOK_SECONDS

    @property
    def wants_more(self) -> bool:
        is_enough = self.is_whole or self.error is not None or self._size >= LOOK_BYTES
        return not is_enough and self.seconds_left > 0

    @property
    def seconds_left(self) -> float:
        return self._end - time.monotonic()

    def add(self, piece: bytes | None) -> None:
        """None: that was the end."""
        if piece is None:
            self.is_whole = True
        else:
            self.pieces.append(piece)
            self._size += len(piece)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def argument(kind: type, method: str, name: str) -> Any:
    """What the innermost call of this method that led here was given; None if there is none.

    For what libraries do not tell those that they ask for authentication.
    """
    frame = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame.f_code.co_name == method and isinstance(frame.f_locals.get("self"), kind):
            return frame.f_locals.get(name)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return None


def shortest(*times: Any) -> float | None:
    """Of what libraries take for a time-out in seconds, the shortest that is a time."""
    return min((time for time in times if isinstance(time, (int, float)) and time > 0), default=None)


def _origin(url: str) -> tuple[str, str | None]:
    """Scheme and host; the host None where one cannot be sure of it."""
    if "\\" in url or not url.isprintable():
        return "", None  # parsers of URLs differ: the library's might read another host than this one
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", None
    return parts.scheme, _ascii(parts.hostname)


def _server(url: str) -> str | None:
    """Of a URL what names the server, without user, path and query."""
    parts = urlsplit(url)
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return server if parts.hostname is not None and _is_plain(server) else None


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _ascii(host: str | None) -> str | None:
    """The name as the DNS has it; HTTP libraries spell one of other letters in either way."""
    if host is None or host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host
