"""What a client tells of its token."""

from __future__ import annotations

import enum
from typing import NamedTuple

from ._causes import Cause

TOKEN_STATES = dict(enumerate(("none", "fresh", "advisory", "mandatory", "expired", "rejected")))
EVENT_KINDS = dict(
    enumerate(
        (
            "login_started",
            "token_refreshed",
            "login_failed",
            "credentials_rejected",
            "recovered",
            "token_rejected",
            "server_down",
            "servers_disagree",
            "token_in_query",
            "sent_without_token",
            "permission_denied",
        ),
        start=1,
    )
)
REFRESH_STATES = dict(enumerate(("idle", "in_flight", "backing_off", "credentials_rejected")))


class Advice(enum.IntEnum):
    """What to do with an answer given to `Client.report_rejected`."""

    RETURN = 0
    """Hand the answer to your caller as it is."""
    REPLAY = 1
    """Get the token again and send the request once more."""
    REPLAY_IF_IDEMPOTENT = 2
    """The same, but only if sending it twice does no harm."""


class Advised(NamedTuple):
    """What `Client.report_rejected` says of an answer."""

    advice: Advice
    wait: float
    """Seconds to wait before that; with RETURN, how long the server asks to be left alone."""


class Token:
    """A token with what is known about it. Not a tuple or a dataclass, which would show the value when formatted."""

    __slots__ = ("expired", "generation", "remaining", "value")

    value: str
    generation: int
    """Counts the tokens of this account in this process; never 0."""
    remaining: float
    """Seconds from when this was asked for until the estimated expiry; negative once past it."""
    expired: bool
    """Past its expiry, and served because no server could renew it."""

    def __init__(self, value: str, generation: int, remaining: float, expired: bool) -> None:
        self.value = value
        self.generation = generation
        self.remaining = remaining
        self.expired = expired

    def __repr__(self) -> str:
        return f"<nacos_auth.Token generation {self.generation}, {self.remaining:.0f} s left>"


class ExternalToken:
    """A token that somebody else got, for `Client`'s `credentials`. Formatted it shows nothing."""

    __slots__ = ("ttl", "value")

    value: str
    ttl: float | None
    """Seconds from now on; None if unknown."""

    def __init__(self, value: str, ttl: float | None = None) -> None:
        self.value = value
        self.ttl = ttl

    def __repr__(self) -> str:
        return f"<nacos_auth.ExternalToken ttl {self.ttl}>"


class Event(NamedTuple):
    """Something that has happened, for `Client`'s `on_event`. Holds no password, token or query."""

    kind: str
    """login_started, token_refreshed, login_failed, credentials_rejected (they were refused twice: logins are minutes
    apart), recovered, token_rejected, server_down, servers_disagree, token_in_query, sent_without_token,
    permission_denied (told once a minute at the most); unknown for what is newer than this package."""
    level: int
    """How much it matters, as in `logging`."""
    generation: int
    """Of the token it is about, else 0."""
    status: str | None
    """Why a login failed, as in `NacosError.status`; None for what is no failure."""
    http_status: int | None
    retry_after: float | None
    """Seconds until the next login after one that failed."""
    message: str
    """The same in words."""
    server: str | None
    """The server it is about, "host:port"; None if it is about none, or about all of them."""
    cause: Cause | str | None
    """Why, as in `NacosError.cause`; None for what is no trouble."""


class Stats(NamedTuple):
    """Counters since the client was made, and the state of its token."""

    logins: int
    """Successful logins."""
    login_failures: int
    requests: int
    replays: int
    rejections: int
    """Answers that refused a token, of `Client.request` and `Client.report_rejected`."""
    rejections_permission: int
    """Of those: the account lacks the permission."""
    waits: int
    """Calls that waited for a login."""
    generation: int
    """Of the current token, 0 if there is none."""
    remaining: float
    """Seconds until the estimated expiry of the current token."""
    token_state: str
    """none, fresh, advisory, mandatory, expired or rejected."""
    refresh_state: str
    """idle, in_flight, backing_off or credentials_rejected."""
    logins_first: int
    """Of the logins: when there was no token yet."""
    logins_renewal: int
    """Of the logins: before the token's expiry."""
    logins_rejection: int
    """Of the logins: after a server refused the token."""
    failures_unreachable: int
    """Of the failures: no server could be reached."""
    failures_overloaded: int
    """Of the failures: no answer in time, or too much to do (429, 502 to 504)."""
    failures_refused: int
    """Of the failures: the credentials were refused, or the server failed over them (500)."""
    failures_other: int
    """Of the failures: the answer was not that of a Nacos, or there was nothing to log in with."""
    rejections_identity: int
    """Of the rejections: invalid or expired."""
    rejections_unknown: int
    """Of the rejections: without saying why."""
    suppressed_by_pause: int
    """Calls that got the last login's error because the next login was not due yet."""
    suppressed_by_rejection: int
    """The same while the credentials counted as wrong."""
    suppressed_by_generation: int
    """Refusals of a token that had been replaced already: answered by a replay, without a login."""
    waiting: int
    """Calls that wait for a login now."""
    retry_in: float
    """Seconds until the next login after one that failed; 0 if none is waiting for its time."""
