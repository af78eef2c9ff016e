"""Images, pods and units of the recipes: checked against their formats, and run as far as that goes without them."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from conftest import started
from kubernetes_validate.utils import ValidationError, validate  # type: ignore[import-untyped]  # it has none
from snippets import environment, named

LIMIT = 60
INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD", "ENTRYPOINT"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def with_password_file(server: str, folder: Path) -> dict[str, str]:
    (folder / "password").write_text("nacos\n", encoding="utf-8")
    env = {**environment(server), "NACOS_PASSWORD_FILE": str(folder / "password")}
    return {name: value for name, value in env.items() if name != "NACOS_PASSWORD"}


def instructions(name: str) -> dict[str, str]:
    lines = [line for line in named(name).text.splitlines() if line.strip()]
    return dict(line.split(" ", 1) for line in lines)


@contextmanager
def orders(server: str, folder: Path) -> Iterator[str]:
    """probes.py as the image starts it; its address."""
    port = free_port()
    command = json.loads(instructions("Dockerfile")["CMD"])
    (folder / "probes.py").write_text(named("probes.py").text.replace("8080", str(port)), encoding="utf-8")
    process = subprocess.Popen([sys.executable, *command[1:]], cwd=folder, env=with_password_file(server, folder))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(LIMIT)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=LIMIT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def becomes(url: str, status: int) -> None:
    end = time.monotonic() + LIMIT
    while status_of(url) != status:
        assert time.monotonic() < end, (url, status_of(url))
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.command"])
def test_images_run_as_nobody_what_they_contain(name: str) -> None:
    image = instructions(name)
    assert set(image) <= INSTRUCTIONS
    assert next(iter(image)) == "FROM"
    assert image["USER"].startswith("65534")
    command = json.loads(image.get("ENTRYPOINT", "[]")) + json.loads(image["CMD"])
    if name == "Dockerfile":
        assert command[1] == image["COPY"].split()[0] == named("probes.py").name
        assert "nacos-auth" in image["RUN"].split()
        ast.parse(named("probes.py").text, feature_version=(3, 9))
    else:
        assert command == ["nacos-auth", "proxy"]
        assert "nacos-auth-cli" in image["RUN"].split()


def test_compose_hands_over_the_secret_and_asks_whether_it_is_well(tmp_path: Path) -> None:
    compose = yaml.safe_load(named("compose.yaml").text)
    service = compose["services"]["orders"]
    path = Path(service["environment"]["NACOS_PASSWORD_FILE"])
    assert path.parent == Path("/run/secrets")
    assert service["secrets"] == [path.name]
    assert list(compose["secrets"]) == [path.name]
    kind, program, *arguments = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")

    def is_well(url: str) -> bool:
        check = [argument.replace("http://127.0.0.1:8080", url) for argument in arguments]
        return subprocess.run([sys.executable, *check], capture_output=True, check=False).returncode == 0

    with started() as server, orders(server.address, tmp_path) as url:
        becomes(f"{url}/ready", 200)
        assert is_well(url)
    nobody = f"127.0.0.1:{free_port()}"
    with orders(nobody, tmp_path) as url:
        becomes(f"{url}/live", 200)
        assert status_of(f"{url}/ready") == 503
        assert not is_well(url)


def test_probes_and_figures_of_a_program(tmp_path: Path) -> None:
    container = list(yaml.safe_load_all(named("deployment.yaml").text))[1]["spec"]["template"]["spec"]["containers"][0]
    (port,) = container["ports"]
    assert f'("", {port["containerPort"]})' in named("probes.py").text
    probes = [container[kind]["httpGet"] for kind in ("readinessProbe", "livenessProbe")]
    assert all(probe["port"] == port["name"] for probe in probes)
    with started() as server, orders(server.address, tmp_path) as url:
        for probe in probes:
            becomes(url + probe["path"], 200)
        with urllib.request.urlopen(f"{url}/metrics", timeout=LIMIT) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert b'nacos_auth_health{status="ok"} 1\n' in answer.read()


def test_the_sidecars_probe(tmp_path: Path) -> None:
    sidecar = yaml.safe_load(named("sidecar.yaml").text)["spec"]["containers"][-1]
    probe = sidecar["readinessProbe"]["exec"]["command"]
    port = str(free_port())

    def is_ready(env: dict[str, str]) -> bool:
        command = [word.replace("8847", port) for word in probe]
        return subprocess.run(command, env=env, capture_output=True, check=False, timeout=LIMIT).returncode == 0

    for there in (True, False):
        with started() as server:
            env = with_password_file(server.address if there else f"127.0.0.1:{free_port()}", tmp_path)
            command = [word.replace("8847", port) for word in sidecar["command"]]
            process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
            try:
                becomes(f"http://127.0.0.1:{port}/-/health", 200 if there else 503)
                assert is_ready(env) == there
            finally:
                process.terminate()
                process.wait(LIMIT)


@pytest.mark.parametrize("name", ["deployment.yaml", "sidecar.yaml"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_kubernetes_knows_every_field(name: str) -> None:
    for document in yaml.safe_load_all(named(name).text):
        validate(document, "1.30", strict=True)
    wrong = yaml.safe_load(named("sidecar.yaml").text)
    wrong["spec"]["containers"][0]["imagee"] = "x"
    with pytest.raises(ValidationError):
        validate(wrong, "1.30", strict=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
@pytest.mark.parametrize("name", ["orders.service", "nacos-token.service"])
def test_systemd_knows_every_line_and_finds_little_exposed(name: str, tmp_path: Path) -> None:
    # The programs are not installed here, and the user is not there.
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", named(name).text, flags=re.MULTILINE)
    text = text.replace("User=scripts", "User=daemon")
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}

    def complaints(unit: str) -> list[str]:
        (tmp_path / name).write_text(unit, encoding="utf-8")
        command = ["systemd-analyze", "--man=no", "verify", name]
        said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False).stderr
        return [line for line in said.splitlines() if name in line]

    assert complaints(text.replace("ProtectHome=", "ProtectHomes=")) != []
    assert complaints(text) == []
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", name],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", found.stdout)
    assert exposure is not None, found.stdout + found.stderr
    assert float(exposure[1]) < 3
