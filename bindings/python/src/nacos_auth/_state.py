"""What a client tells of its token."""

from __future__ import annotations

import enum
from typing import NamedTuple

TOKEN_STATES = dict(enumerate(("none", "fresh", "advisory", "mandatory", "expired", "rejected")))
REFRESH_STATES = dict(enumerate(("idle", "in_flight", "backing_off", "latched")))


class Advice(enum.IntEnum):
    """What to do with an answer given to `Client.report_rejected`."""

    RETURN = 0
    """Hand the answer to your caller as it is."""
    REPLAY = 1
    """Get the token again and send the request once more."""
    REPLAY_IF_IDEMPOTENT = 2
    """The same, but only if sending it twice does no harm."""


class Token:
    """A token with what is known about it. Not a tuple or a dataclass, which would show the value when formatted."""

    __slots__ = ("expired", "generation", "remaining", "value")

    value: str
    generation: int
    """Counts the tokens of this account in this process; never 0."""
    remaining: float
    """Seconds until the estimated expiry; negative once past it."""
    expired: bool
    """Past its expiry, and served because no server could renew it."""

    def __init__(self, value: str, generation: int, remaining: float, expired: bool) -> None:
        self.value = value
        self.generation = generation
        self.remaining = remaining
        self.expired = expired

    def __repr__(self) -> str:
        return f"<nacos_auth.Token generation {self.generation}, {self.remaining:.0f} s left>"


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
    """idle, in_flight, backing_off or latched."""
