"""One plain HTTP request to a server under test, and tokens made by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    content_type: str
    body: str


def send(
    address: str,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: str | None = None,
    timeout: float = 30.0,
) -> Answer:
    """Send one request over a connection of its own. OSError or http.client.HTTPException if no answer came."""
    sent = dict(headers or {})
    if form is not None:
        body = urllib.parse.urlencode(form)
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return Answer(answer.status, answer.getheader("Content-Type") or "", text)
    finally:
        connection.close()


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def make_token(secret: str, user: str, seconds: float) -> str:
    """A token as Nacos makes it: HS256 over `sub` and `exp`; secret in Base64, 32 bytes; it dies in `seconds`."""
    claims = {"sub": user, "exp": int(time.time() + seconds)}
    parts = [_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in ({"alg": "HS256"}, claims)]
    signed = ".".join(parts)
    signature = hmac.new(base64.b64decode(secret), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def expires_at(token: str) -> int:
    """The second, since 1970, at which a Nacos token ends."""
    payload = token.split(".")[1]
    return int(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
