"""The requests of requests.json: expanded, sent, and their answers made comparable."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nacos_http import Answer, make_token, send

TTL = 18000  # seconds, for both servers
SHORTER = 3600  # seconds that the tokens made here live: no login gives the same string
SETTLE_LIMIT = 60.0  # seconds until a published or deleted configuration is seen
OTHER_SECRET = base64.b64encode(b"a secret that no server here knows").decode()


@dataclass(frozen=True)
class Request:
    """One request of the table; tokens are placeholders still."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str] | None
    body: str | None
    keys: tuple[str, ...]
    until: str
    when: str


def requests() -> list[Request]:
    """The whole table in its order, which matters: what is published is read and then deleted."""
    table = json.loads((Path(__file__).parent / "requests.json").read_text(encoding="utf-8"))
    return [
        Request(
            name=f"{group['name']}, {place}: {request['name']}",
            method=request["method"],
            path=path + request.get("path", ""),
            headers=request.get("headers", {}),
            form=request.get("form"),
            body=request.get("body"),
            keys=tuple(request.get("keys", ())),
            until=request.get("until", ""),
            when=group.get("when", "running"),
        )
        for group in table["groups"]
        for place, path in group["paths"].items()
        for request in group["requests"]
    ]


def run(address: str, secret: str, when: str) -> dict[str, Answer]:
    """Send those of that state to the server, which signs with that secret and knows `nacos` and `poor`.

    Gives the answers by the names of the requests.
    """
    tokens = {
        "<valid>": make_token(secret, "nacos", SHORTER),
        "<expired>": make_token(secret, "nacos", -60),
        "<other secret>": make_token(OTHER_SECRET, "nacos", SHORTER),
        "<no permission>": make_token(secret, "poor", SHORTER),
        "<not signed>": ".".join([_part('{"alg":"none"}'), make_token(secret, "nacos", SHORTER).split(".")[1], ""]),
    }
    asked = [request for request in requests() if request.when == when]
    return {request.name: _comparable(request, _ask(address, request, tokens), tokens) for request in asked}


def _ask(address: str, request: Request, tokens: Mapping[str, str]) -> Answer:
    def filled(text: str) -> str:
        for name, token in tokens.items():
            text = text.replace(name, token)
        return text

    headers = {name: filled(value) for name, value in request.headers.items()}
    form = None if request.form is None else {name: filled(value) for name, value in request.form.items()}
    end = time.monotonic() + SETTLE_LIMIT
    while True:
        answer = send(address, request.method, filled(request.path), headers, form, request.body)
        reached = re.match(request.until, f"{answer.status} {answer.content_type} {answer.body}")
        if reached or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def _comparable(request: Request, answer: Answer, tokens: Mapping[str, str]) -> Answer:
    """The answer without what differs from run to run."""
    body = answer.body
    for name, token in tokens.items():
        body = body.replace(token, name)
    try:
        body = json.dumps(_plain(json.loads(body), request.keys), sort_keys=True, ensure_ascii=False)
    except ValueError:
        body = re.sub(r"(?s)<style.*?</style>|(?<=<div id='created'>)[^<]*", "", body)
    return replace(answer, content_type=answer.content_type.replace(" ", "").lower(), body=body)


def _plain(value: Any, keys: tuple[str, ...] = ()) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: _field(key, part) for key, part in value.items() if not keys or key in keys}


def _field(key: str, value: Any) -> Any:
    if key == "timestamp":
        return re.sub(r"^[-0-9]+T[0-9:.]+", "<time>", value)
    if key == "lastRefTime" and value:
        return "<time>"
    if key == "accessToken" and str(value).startswith("eyJ"):
        return "<a new token>"
    if key == "tokenTtl" and isinstance(value, int):
        for name, expected in (
            ("ttl", TTL),
            ("remaining ttl", SHORTER),
            ("end in seconds since 1970", time.time() + TTL),
        ):
            if expected - 120 < value <= expected + 1:
                return f"<{name}>"
    return _plain(value)


def _part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
