"""The recipes do what they say: those that go on for ever are told of something, and watched."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from conftest import started
from snippets import build, environment, named, output, post, run, snippets, token_of

LIMIT = 60
ASK_CELERY = """
import tasks
from celery.contrib.testing.worker import start_worker
with start_worker(tasks.app, perform_ping_check=False, pool="solo"):
    assert tasks.read.delay().get(timeout=30) == "hello"
"""


def publish(server: str, content: str) -> None:
    form = {"dataId": "app.yaml", "group": "DEFAULT_GROUP", "content": content, "accessToken": token_of(server)}
    assert post(f"http://{server}/nacos/v1/cs/configs", **form) == "true"


def read(server: str, path: str, **parameters: str) -> bytes:
    query = urllib.parse.urlencode({**parameters, "accessToken": token_of(server)})
    with urllib.request.urlopen(f"http://{server}/nacos{path}?{query}", timeout=LIMIT) as answer:
        return bytes(answer.read())


@contextmanager
def running(name: str, server: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = build(named(name), server, folder)
    process = subprocess.Popen(command, cwd=folder, env=environment(server), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def says(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    assert words in process.stdout.readline()


@pytest.mark.parametrize("name", ["listener.py", "listener.go"])
def test_a_listener_is_told_of_each_change(name: str, own_server: str, tmp_path: Path) -> None:
    with running(name, own_server, tmp_path) as listener:
        says(listener, "hello")
        for content in ("one", "two"):
            publish(own_server, content)
            says(listener, content)


def test_long_polls_beside_calls(own_server: str, tmp_path: Path) -> None:
    with running("watch.py", own_server, tmp_path) as program:
        assert program.stdout is not None
        said = iter(program.stdout.readline, "")
        assert any("app.yaml is hello" in line for line in said)
        assert any(line.startswith("50 calls") for line in said)
        publish(own_server, "one")
        assert any("app.yaml is one" in line for line in said)


def test_an_instance_is_there_until_the_program_ends(own_server: str, tmp_path: Path) -> None:
    def hosts() -> list[str]:
        return re.findall(r'"ip":"([^"]*)"', read(own_server, "/v1/ns/instance/list", serviceName="orders").decode())

    with running("register.py", own_server, tmp_path) as program:
        says(program, "registered")
        assert hosts() == ["10.0.0.7"]
        program.terminate()
        assert program.wait(LIMIT) == 0
    assert not hosts()


def test_chinese_content_comes_back_as_it_was(server: str, tmp_path: Path) -> None:
    for name in ("publish.py", "publish.c"):
        run(build(named(name), server, tmp_path), tmp_path, environment(server))
    content = read(server, "/v1/cs/configs", dataId="greeting.yaml", group="DEFAULT_GROUP")
    assert content.decode() == "标题: 你好，世界\n"  # noqa: RUF001


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("glib.c", "a token of"),
        ("uv.c", "100 of 100 answered"),
        ("asio.cpp", "200 hello\n200 hello\n200 hello"),
        ("aio.py", "[200, 200"),
        ("green.py", "[200, 200"),
        ("moved.py", "hello"),
        ("moved.go", "200 OK"),
        ("token.sh", "hello"),
        ("request.sh", "hello"),
        ("doctor.sh", "all is well"),
    ],
)
def test_a_program_that_ends(name: str, said: str, server: str, tmp_path: Path) -> None:
    assert said in run(build(named(name), server, tmp_path), tmp_path, environment(server))


def test_a_server_with_epoll_serves_more_than_its_share_and_those_that_hang_up(own_server: str, tmp_path: Path) -> None:
    def asked(port: int, name: str) -> socket.socket:
        link = socket.create_connection(("127.0.0.1", port), LIMIT)
        link.sendall(name.encode() + b"\n")
        return link

    def answer(link: socket.socket) -> bytes:
        with link, link.makefile("rb") as file:
            return file.read()

    with running("epoll.c", own_server, tmp_path) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        links = [asked(port, "app.yaml") for _ in range(300)]
        for link in links[::3]:
            link.close()
        assert {answer(link) for i, link in enumerate(links) if i % 3 != 0} == {b"hello"}
        assert answer(asked(port, "absent")) != b"hello"
        links = [asked(port, "app.yaml") for _ in range(100)]  # some of them are under way
        process.terminate()
        assert process.wait(LIMIT) == 0
        for link in links:
            link.close()


def test_gunicorn(server: str, tmp_path: Path) -> None:
    build(named("web.py"), server, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers=2", f"--bind=fd://{listener.fileno()}"]
        env = {**environment(server), "HOME": str(tmp_path)}  # where it keeps a socket of its own
        gunicorn = subprocess.Popen(
            [*command, "web:application"],
            cwd=tmp_path,
            env=env,
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            with urllib.request.urlopen("http://{}:{}/".format(*listener.getsockname()), timeout=LIMIT) as answer:
                assert answer.read() == b"hello"
        finally:
            gunicorn.terminate()
            gunicorn.wait(LIMIT)


def test_celery(server: str, tmp_path: Path) -> None:
    build(named("tasks.py"), server, tmp_path)
    memory = {"CELERY_BROKER_URL": "memory://", "CELERY_RESULT_BACKEND": "cache+memory://"}
    run([sys.executable, "-W", "ignore", "-c", ASK_CELERY], tmp_path, {**environment(server), **memory})


def test_kubernetes_mounts_the_file_that_the_program_reads(server: str, tmp_path: Path) -> None:
    secret, deployment = yaml.safe_load_all(named("deployment.yaml").text)
    pods = {
        "deployment.yaml": deployment["spec"]["template"],
        "sidecar.yaml": yaml.safe_load(named("sidecar.yaml").text),
    }
    for pod in pods.values():
        container = pod["spec"]["containers"][-1]
        path = Path(next(one["value"] for one in container["env"] if one["name"] == "NACOS_PASSWORD_FILE"))
        (mount,) = container["volumeMounts"]
        (volume,) = pod["spec"]["volumes"]
        assert str(path.parent) == mount["mountPath"] and mount["name"] == volume["name"]
        assert volume["secret"]["secretName"] == secret["metadata"]["name"] and path.name in secret["stringData"]
    env = {**environment(server), **password_file(tmp_path)}
    assert "hello" in run(build(named("orders.py"), server, tmp_path), tmp_path, env)


@pytest.mark.parametrize("name", ["orders.service", "nacos-token.service"])
def test_units_hand_over_the_credential_that_they_load(name: str) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read_string(named(name).text)
    credential = unit["Service"]["LoadCredential"].partition(":")[0]
    assert f"Environment=NACOS_PASSWORD_FILE=%d/{credential}\n" in named(name).text
    assert unit["Service"]["ExecStart"].startswith("/")


def password_file(folder: Path) -> dict[str, str]:
    (folder / "password").write_text("nacos\n", encoding="utf-8")
    return {"NACOS_PASSWORD_FILE": str(folder / "password"), "NACOS_PASSWORD": ""}


@contextmanager
def command(arguments: list[str], server: str, folder: Path) -> Iterator[None]:
    """nacos-auth as a recipe has it, for as long as needed."""
    env = {**environment(server), **password_file(folder)}
    process = subprocess.Popen(arguments, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(LIMIT) == 0


def eventually(what: Callable[[], bytes]) -> bytes:
    end = time.monotonic() + LIMIT
    while True:
        try:
            return what()
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def test_a_sidecar_puts_the_token_on(server: str, tmp_path: Path) -> None:
    pod = yaml.safe_load(named("sidecar.yaml").text)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "{}:{}".format(*free.getsockname())
    arguments = [argument.replace("127.0.0.1:8847", address) for argument in pod["spec"]["containers"][-1]["command"]]
    url = f"http://{address}/nacos/v1/cs/configs?dataId=app.yaml&group=DEFAULT_GROUP"
    with command(arguments, server, tmp_path):
        assert eventually(lambda: urllib.request.urlopen(url, timeout=LIMIT).read()) == b"hello"


def test_a_unit_keeps_a_token_in_a_file(server: str, tmp_path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read_string(named("nacos-token.service").text)
    written = "/run/nacos-token/token"
    arguments = unit["Service"]["ExecStart"].removeprefix("/usr/local/bin/").replace(written, "token").split()
    script = named("with-a-token-file.sh").text.replace("10.0.0.1:8848", server).replace(written, "token")
    with command(arguments, server, tmp_path):
        eventually((tmp_path / "token").read_bytes)
        assert run(["sh", "-euc", script], tmp_path) == "hello"


@contextmanager
def gateway(server: str, folder: Path) -> Iterator[str]:
    """The address of nginx with the page's configuration."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is missing")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "{}:{}".format(*free.getsockname())
    http = re.sub(r"(    server 10\.0\.0\.\d:8848;\n)+", f"    server {server};\n", named("nginx.conf").text)
    http = http.replace("listen 80;", f"listen {address};")
    paths = "".join(f"{kind}_temp_path {folder}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
    (folder / "nginx.conf").write_text(f"{main}\nhttp {{ access_log off; {paths}\n{http}}}\n", encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        yield address
    finally:
        process.terminate()
        process.wait(LIMIT)


def test_it_works_through_nginx(server: str, tmp_path: Path) -> None:
    with gateway(server, tmp_path) as address:
        eventually(lambda: urllib.request.urlopen(f"http://{address}/nacos/v1/console/server/state").read())
        assert run(build(named("request.sh"), server, tmp_path), tmp_path, environment(address)) == "hello"


def test_the_ingress_leads_to_the_service_that_programs_name() -> None:
    ingress = yaml.safe_load(named("ingress.yaml").text)
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    service = path["backend"]["service"]
    assert path["path"] == "/nacos"
    assert f"{service['name']}.default.svc:{service['port']['number']}" in named("deployment.yaml").text


def test_a_token_that_is_kept_ends(tmp_path: Path) -> None:
    script = named("expiry.sh").text
    # Five seconds, as the page says: the end of a token is a whole second, and one of a second may be over at once.
    with started("--ttl", "5") as server:
        said = output(
            ["sh", "-c", script.replace("127.0.0.1:8848", server.address).replace("sleep 60", "sleep 1")], tmp_path
        )
    assert said.startswith("hello") and "token expired!" in said


def test_nodes_with_other_secrets_are_told_apart(tmp_path: Path) -> None:
    with started() as one, started() as other:
        script = named("nodes.sh").text.replace("10.0.0.1:8848", one.address).replace("$node:8848", "$node")
        script = re.sub(r"in 10\.0\.0\.1 .*;", f"in {one.address} {other.address};", script)
        said = output(["sh", "-c", script], tmp_path)
    assert said == f"{one.address} 200\n{other.address} 403\n"


def test_every_recipe_is_tested() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for snippet in snippets():
        assert not snippet.name or f'"{snippet.name}"' in tests, f"{snippet.page}: {snippet.name} has no test"
        assert snippet.name or not snippet.page.startswith("docs/recipes/"), f"{snippet.page}:{snippet.line}"
