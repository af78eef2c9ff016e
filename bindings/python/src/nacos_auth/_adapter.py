"""What the adapters to HTTP libraries share: who gets the token, and what an answer says about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ._arguments import invalid
from ._base import BaseClient
from ._errors import ClosedError
from ._state import Advice, Token

MAY_REFUSE = frozenset({401, 403, 500})
"""What a token is refused with: 403 mostly, 401 by proxies, 500 by Nacos 1.4."""
MOST_REPEATS = 2
"""How often a request is sent again: the second token may have been on its way when the first was refused."""
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
_ENOUGH = 4096  # bytes of an answer to see from why it refuses


class Bearer:
    """Carries the token of a client to the hosts that the client is for, and to no other.

    Any port of them will do, since Nacos 3 has its console on another one; never http where the client has https.
    """

    def __init__(self, client: BaseClient) -> None:
        if client._carriage == "query":
            raise invalid('the adapters carry the token in a header: use carriage="auto", "bearer" or "header"')
        self._client = client
        self._in_authorization = client._carriage != "header"
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

    def advice(self, token: Token, method: str, status: int, body: bytes = b"") -> Advice:
        """What to do with the answer to a request with this token: RETURN or REPLAY. Needs the body of a refusal."""
        if status not in MAY_REFUSE and self._accepted == token.generation:
            return Advice.RETURN  # that the token is good is known
        try:
            advice = self._client.report_rejected(token.generation, status, body[:_ENOUGH])
        except ClosedError:  # meanwhile: the answer is good all the same
            return Advice.RETURN
        if status not in MAY_REFUSE:
            self._accepted = token.generation
        if advice is Advice.REPLAY_IF_IDEMPOTENT:
            return Advice.REPLAY if method.upper() in _IDEMPOTENT else Advice.RETURN
        return advice


def _ascii(host: str | None) -> str | None:
    """The name as the DNS has it; HTTP libraries spell one of other letters in either way."""
    if host is None or host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host
