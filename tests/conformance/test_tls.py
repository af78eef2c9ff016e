"""Over TLS: whom to trust, and who we are."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from handle import READ, Handle
from recorder import Recorder
from shim import Shim

ServeTls = Callable[..., Recorder]


@dataclass(frozen=True)
class Authority:
    """An authority of its own, and what it vouches for, in PEM files."""

    ca: trustme.CA
    ca_file: str
    client_cert_file: str
    client_key_file: str


def _authority(folder: Path) -> Authority:
    ca = trustme.CA()
    client = ca.issue_cert("client.example")
    files = [folder / name for name in ("ca.pem", "client.pem", "client-key.pem")]
    ca.cert_pem.write_to_path(files[0])
    files[1].write_bytes(b"".join(blob.bytes() for blob in client.cert_chain_pems))
    client.private_key_pem.write_to_path(files[2])
    return Authority(ca, *map(str, files))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return _authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return _authority(tmp_path_factory.mktemp("strangers"))


@pytest.fixture
def serve_tls(ours: Authority) -> Iterator[ServeTls]:
    """Starts servers with a certificate for this name; some ask for one of the client's."""
    servers: list[Recorder] = []

    def start(name: str = "127.0.0.1", *, asks: bool = False) -> Recorder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.ca.issue_cert(name).configure_cert(context)
        if asks:
            ours.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        servers.append(Recorder(context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_a_server_whose_authority_is_trusted(shim: Shim, serve_tls: ServeTls, ours: Authority) -> None:
    server = serve_tls()
    handle = Handle.open(shim, f"https://{server.address}", ca_file=ours.ca_file)
    handle.parallel_reads(2, 5).assert_all_read()
    server.refusals = 1
    assert handle.read()["replayed"] is True
    assert len(server.logins) == 2


@pytest.mark.parametrize("name", ["127.0.0.1", "nacos.example"])
def test_a_server_that_is_not_trusted(
    shim: Shim, serve_tls: ServeTls, ours: Authority, strangers: Authority, name: str
) -> None:
    """Its authority is unknown, or its certificate is somebody else's: it gets no password."""
    server = serve_tls(name)
    trust = {"ca_file": strangers.ca_file} if name == "127.0.0.1" else {"ca_file": ours.ca_file}
    handle = Handle.open(shim, f"https://{server.address}", **trust)
    for op, fields in (("get_token", {}), ("request", READ)):
        answer = handle.fail(op, "TLS", **fields, timeout_ms=3000)
        assert server.address in answer["message"]
        assert answer["http_status"] == 0
    assert (server.logins, server.requests) == ([], [])


def test_a_server_that_speaks_no_tls(shim: Shim, recorder: Recorder) -> None:
    Handle.open(shim, f"https://{recorder.address}").fail("get_token", "TLS", timeout_ms=3000)
    assert recorder.logins == []


def test_a_server_that_asks_who_we_are(shim: Shim, serve_tls: ServeTls, ours: Authority, strangers: Authority) -> None:
    server = serve_tls(asks=True)

    def open_as(authority: Authority, name: str) -> Handle:
        us = {"client_cert_file": authority.client_cert_file, "client_key_file": authority.client_key_file}
        return Handle.open(shim, f"https://{server.address}", ca_file=ours.ca_file, name=name, **us)

    open_as(ours, "known").parallel_reads(2, 5).assert_all_read()
    logins = len(server.logins)
    nobody = Handle.open(shim, f"https://{server.address}", ca_file=ours.ca_file, name="nobody")
    for handle in (open_as(strangers, "stranger"), nobody):
        # With TLS 1.3 the server tells what it thinks of us after we have sent the first request.
        assert handle.ask("get_token", timeout_ms=3000)["status"] in {"TLS", "IO"}
    assert len(server.logins) == logins
