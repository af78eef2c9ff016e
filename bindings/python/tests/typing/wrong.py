"""Slips that type checkers have to find: one in each line that says so, and none in the others."""

from __future__ import annotations

import nacos_auth
from nacos_auth import AsyncClient, Client, Event
from nacos_auth import NoSuchThing  # wrong


async def told(event: Event) -> None: ...


async def credentials() -> tuple[str, str]:
    return "nacos", "nacos"


nacos_auth.Cleint("127.0.0.1")  # wrong
nacos_auth.typo  # wrong
client = Client("127.0.0.1", "nacos", "nacos")
Client("127.0.0.1", on_event=told)  # wrong
Client("127.0.0.1", credentials=credentials)  # wrong
Client("127.0.0.1", token_in="pigeon")  # wrong
Client("127.0.0.1", request_timeout="5")  # wrong
Client("127.0.0.1", logger="nacos")  # wrong
client.get("/v1/cs/configs", params={"a": object()})  # wrong
client.get("/v1/cs/configs", headers={"a": ["b"]})  # wrong
client.get("/v1/cs/configs", params={1: "b"})  # wrong
Client.from_env(server=1)  # wrong
Client.from_env(server_addr=1)  # wrong
client.get("/v1/cs/configs", json={"a": 1})  # wrong
client.get("/v1/cs/configs", params="a=b")  # wrong
client.get("/v1/cs/configs", timout=5)  # wrong
client.get("/v1/cs/configs", timeout="5")  # wrong
client.get("/v1/cs/configs", body=b"a")  # wrong
client.post("/v1/cs/configs", body=5)  # wrong
client.token().value  # wrong
client.stats().login  # wrong
client.close("now")  # wrong
nacos_auth.diagnose("127.0.0.1", patience=5)  # wrong
nacos_auth.diagnose("127.0.0.1", token_in="pigeon")  # wrong
nacos_auth.diagnose("127.0.0.1", "nacos", "nacos").findings[0].server.upper()  # wrong
nacos_auth.diagnose("127.0.0.1", "nacos", "nacos").severity = nacos_auth.Severity.OK  # wrong


async def other(client: AsyncClient) -> None:
    client.get("/v1/cs/configs").status  # wrong
    nacos_auth.diagnose_async("127.0.0.1").text  # wrong
    with client:  # wrong
        pass
