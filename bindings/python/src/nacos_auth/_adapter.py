"""What the adapters to HTTP libraries share: who gets the token, and what an answer says about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ._arguments import invalid
from ._base import BaseClient
from ._errors import ClosedError
from ._state import Advice, Token

MAY_REFUSE = frozenset({401, 403, 500})
"""What a token is refused with: 403 mostly, 401 by proxies, 500 by Nacos 1.4."""
_MOST_REPEATS = 2
"""With other tokens: the second one may have been on its way already when the first was refused."""
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
_ENOUGH = 4096  # bytes of an answer to see from why it refuses


class Sent:
    """A request on its way: with which token, and how often that has been refused."""

    __slots__ = ("method", "refused_before", "repeats", "timeout", "token")

    def __init__(self, method: str, timeout: float | None) -> None:
        self.method = method
        self.timeout = timeout
        """Of the HTTP library; None if it has none."""
        self.token = Token("", 0, 0, True)
        self.refused_before = 0
        """How often with this token."""
        self.repeats = 0

    def use(self, token: Token) -> Token:
        """The token that it is sent with next."""
        if token.generation != self.token.generation:
            self.token, self.refused_before = token, 0
        return token


class Bearer:
    """Carries the token of a client to the hosts that the client is for, and to no other.

    Any port of them will do, since Nacos 3 has its console on another one; never http where the client has https.
    """

    def __init__(self, client: BaseClient) -> None:
        if client._token_in == "query":
            raise invalid('the adapters put the token into a header: use token_in="auto", "authorization" or "header"')
        self._client = client
        self._in_authorization = client._token_in != "header"
        self._schemes: dict[str | None, frozenset[str]] = {}
        for server in client._server_addr.replace(";", ",").split(","):
            url = urlsplit(server.strip() if "://" in server else f"http://{server.strip()}")
            schemes = frozenset({"https"} if url.scheme == "https" else {"http", "https"})
            host = _ascii(url.hostname)
            self._schemes[host] = self._schemes.get(host, schemes) & schemes
        self._accepted = 0

    def is_for(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in self._schemes.get(_ascii(parts.hostname), ())

    def header(self, token: Token) -> tuple[str, str]:
        return ("Authorization", f"Bearer {token.value}") if self._in_authorization else ("accessToken", token.value)

    def judge(self, sent: Sent, url: str, status: int, body: bytes, retry_after: str | None) -> float | None:
        """The seconds after which to send the request again, with the token of then; None: not at all.

        Needs the body of a refusal. `url`: of the answer.
        """
        token = sent.token
        if status < 400 and self._accepted == token.generation and not sent.refused_before:
            return None  # that the token is good is known
        try:
            advised = self._client.report_rejected(
                token.generation,
                status,
                body[:_ENOUGH],
                server=_server(url),
                retry_after=retry_after if retry_after is not None and _is_plain(retry_after) else None,
                refused_before=sent.refused_before,
            )
        except ClosedError:  # meanwhile: the answer is good all the same
            return None
        if status in MAY_REFUSE:
            self._accepted = 0  # the next acceptance is news
        elif status < 400:
            self._accepted = token.generation
        sent.refused_before += 1
        if advised.advice is Advice.RETURN:
            return None
        if advised.advice is Advice.REPLAY_IF_IDEMPOTENT and sent.method.upper() not in _IDEMPOTENT:
            return None
        if not advised.wait:  # else it is for the same token, and the library counts
            sent.repeats += 1
        # To wait for longer than the caller does for an answer would surprise it.
        longest = self._client._request_timeout if sent.timeout is None else sent.timeout
        return advised.wait if sent.repeats <= _MOST_REPEATS and advised.wait <= longest else None


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
