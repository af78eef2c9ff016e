"""What users write, and type checkers have to accept."""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import nacos_auth
from nacos_auth import AsyncClient, Client, Credentials, Event, Pairs, TokenIn


class Group(enum.Enum):
    DEFAULT = "DEFAULT_GROUP"


class Instance(TypedDict):
    ip: str
    port: int


class Mine(Client):
    def extra(self) -> int:
        return 1


class MineToo(AsyncClient):
    def extra(self) -> int:
        return 1


def told(event: Event) -> None: ...


def credentials() -> Credentials:
    return "nacos", "nacos"


def pair() -> tuple[str, str]:
    return "nacos", "nacos"


place: TokenIn = "header"
anonymous: nacos_auth.Anonymous = "never"
more: Pairs = {"a": 1}
texts: dict[str, str] = {"dataId": "a"}
numbers: dict[str, int] = {"pageNo": 1}
mixed: Mapping[str, str | int | bool] = {"dataId": "a", "pageNo": 1}
maybe: dict[str, str | None] = {"tenant": None}
listed: list[tuple[str, str]] = [("dataId", "a")]
texts_listed: list[str] = ["a", "b"]
several: dict[str, list[str]] = {"a": texts_listed}
servers: tuple[str, ...] = ("10.0.0.1", "https://b:443")
form: nacos_auth.Params = {"a": ["b"], "c": 1}
instance: Instance = {"ip": "10.0.0.1", "port": 8080}

with Mine("127.0.0.1:8848", "nacos", "nacos", on_event=told, token_in=place, anonymous=anonymous) as mine:
    mine.extra()
    mine.get("/v1/ns/instance/list", params={"serviceName": "a", "pageNo": 1, "healthyOnly": True, "weight": 1.0})
    mine.get("/v1/ns/instance/list", params={"serviceName": "a", "group": Group.DEFAULT, "namespaceId": None})
    mine.get("/v1/cs/configs", params=texts, headers=texts)
    mine.get("/v1/cs/configs", params={"a": ["b", "c"], "d": (1, None, True), "e": 1.5, "f": Group.DEFAULT})
    mine.get("/v1/cs/configs", params=several)
    mine.get("/v1/cs/configs", params=[("a", ["b", "c"]), ("d", 1)])
    mine.post("/v1/cs/configs", data={"a": texts_listed}, json=None)
    mine.patch("/v1/ns/instance", json={"a": [1, None, {"b": 2.5}]}, timeout=1)
    mine.get("/v1/cs/configs", params=numbers)
    mine.get("/v1/cs/configs", params=mixed)
    mine.get("/v1/cs/configs", params=maybe)
    mine.get("/v1/cs/configs", params=listed)
    mine.get("/v1/cs/configs", params=more)
    mine.get("/v1/cs/configs", params=texts.items())
    mine.get("/v1/cs/configs", params=((name, value) for name, value in texts.items()))
    mine.get("/v1/cs/configs", params=[("dataId", "a"), ("pageNo", 1)])
    mine.post("/v1/ns/instance", data=instance)
    mine.post("/v1/ns/instance", data={"ip": "10.0.0.1", "port": 8080}, timeout=math.inf, wait=False)
    mine.post("/v1/cs/configs", data={"content": nacos_auth.Sensitive("a")}, idempotent=True)
    mine.put("/v1/cs/configs", body=b"a")
    mine.put("/v1/cs/configs", body=bytearray(b"a"))
    mine.put("/v1/cs/configs", body=memoryview(b"a"), headers={"Content-Length": 1})
    mine.get("/v1/cs/configs", params={"dataId": "a"}).raise_for_status().headers["a"].lower()
    mine.report_rejected(1, 403, b"", server="a").advice.name.lower()
    closed: bool = mine.close(timeout=0)

Client("127.0.0.1", credentials=credentials, logger=logging.getLogger("a"))
Client("127.0.0.1", credentials=pair, ca_file=Path("a"), client_key_pem=b"a")
Client("127.0.0.1", credentials=lambda: nacos_auth.ExternalToken("a", 5))
found: list[Event] = []
Client("127.0.0.1", token="a", on_event=found.append)
Client(["127.0.0.1", "https://b:443"], "nacos", "nacos").patch("/", data=form)
Client.from_env(server_addr=servers, request_timeout=5, logger=logging.getLogger("a")).token()


async def other() -> None:
    async with MineToo.from_env() as mine:
        mine.extra()
        await mine.get("/v1/cs/configs", params={"dataId": "a", "pageNo": 1})
        token: str = await mine.token(timeout=5)
        left: float = (await mine.token_info()).remaining
        print(token, left)


settings: nacos_auth.ClientSettings = {"token": "a", "ca_file": Path("a"), "on_event": told, "token_in": place}
Client("127.0.0.1", **settings)
examined = nacos_auth.diagnose("127.0.0.1", path="/v1/cs/configs", refused_token="a", timeout=5, **settings)
worst: nacos_auth.Severity = max(finding.severity for finding in examined.findings)
is_bad: bool = examined.severity >= nacos_auth.Severity.WARNING
print(
    examined.text.upper(),
    examined.json.upper(),
    [finding.server or finding.cause.upper() for finding in examined.findings],
)


async def examine() -> nacos_auth.Diagnosis:
    return await nacos_auth.diagnose_async("127.0.0.1", "nacos", "nacos", credentials=credentials, send_writes=True)
