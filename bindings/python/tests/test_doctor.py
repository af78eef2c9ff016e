"""`python -m nacos_auth`, run as a program."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_diagnose import expired_token

import nacos_auth
from devserver import DevServer

PATH = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"
SECRET = "correct-horse-battery-staple"
COMMAND = [sys.executable, "-m", "nacos_auth"]


def environment(**variables: str) -> dict[str, str]:
    """With no other settings than these."""
    left = {name: value for name, value in os.environ.items() if not name.startswith("NACOS_")}
    package = {
        "PYTHONPATH": str(Path(nacos_auth.__file__).parents[1]),
        "NACOS_AUTH_LIBRARY": os.environ["NACOS_AUTH_LIBRARY"],
    }
    return {**left, **package, **variables}


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(server: DevServer) -> Run:
    """Runs it at the server, with a good password in the environment."""

    def run(*arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        settings = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
        return subprocess.run(
            [*COMMAND, *arguments],
            env=environment(**{**settings, **variables}),
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_all_is_well(run: Run) -> None:
    done = run("GET", PATH)
    assert (done.returncode, done.stderr) == (0, "")
    assert "all is well" in done.stdout
    done = run("--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["severity"] == "ok"


def test_settings_from_options(run: Run, server: DevServer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("nacos\n")
    options = ["--server-addr", server.address, "--username", "nacos", "--password-file", str(tmp_path / "password")]
    for variables in (
        {"NACOS_SERVER_ADDR": "127.0.0.1:1", "NACOS_USERNAME": "nobody", "NACOS_PASSWORD": SECRET},
        {"NACOS_SERVER_ADDR": "", "NACOS_USERNAME": "", "NACOS_PASSWORD": "", "NACOS_TOKEN": expired_token()},
    ):
        done = run(*options, **variables)
        assert (done.returncode, done.stderr) == (0, "")
    done = run("--context-path", "", *options)
    assert "wrong-context-path" in done.stdout  # "" is none, and no default


def test_a_wrong_password(run: Run) -> None:
    done = run(NACOS_PASSWORD=SECRET)
    assert done.returncode == 1
    assert "cause     wrong-credentials" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_a_missing_permission(run: Run, server: DevServer) -> None:
    server.control("/user", username="reader", password="a", permitted=False)
    done = run("GET", PATH, NACOS_USERNAME="reader", NACOS_PASSWORD="a")
    assert done.returncode == 1
    assert "permission-missing" in done.stdout
    assert "dataId" not in done.stdout


def test_a_token_that_has_ended(run: Run, tmp_path: Path) -> None:
    token = expired_token()
    (tmp_path / "token").write_text(f"{token}\n")
    for done in (run("--token-file", str(tmp_path / "token")), run("--token-file", "-", given=f" {token}\n")):
        assert done.returncode == 1
        assert "token-expired" in done.stdout
        assert token not in done.stdout + done.stderr


def test_warnings_have_a_status_of_their_own(start_server: Callable[..., DevServer], run: Run) -> None:
    short = start_server("--ttl", "30")
    done = run(NACOS_SERVER_ADDR=short.address)
    assert "token-life-short" in done.stdout
    assert done.returncode == 6


@pytest.mark.parametrize(
    ("arguments", "variables", "error"),
    [
        ([], {"NACOS_SERVER_ADDR": ""}, "NACOS_SERVER_ADDR: not set; write it like"),
        ([], {"NACOS_SERVER_ADDR": ""}, "; or give --server-addr"),
        ([], {"NACOS_PASSWORD": ""}, "NACOS_PASSWORD: not set; "),
        ([], {"NACOS_TOKEN": SECRET}, "NACOS_TOKEN and NACOS_USERNAME: they exclude each other"),
        ([], {"NACOS_CA_FILE": "/nowhere"}, "NACOS_CA_FILE: cannot read /nowhere"),
        (["--ca-file", "/nowhere"], {}, "--ca-file: cannot read /nowhere"),
        (["--token-in", "pigeon"], {}, "--token-in: not known; write auto, "),
        (["--client-cert-file", "a"], {}, "NACOS_CLIENT_KEY_FILE: not set; "),
        (["--token-file", "/nowhere"], {}, "--token-file: cannot read /nowhere: No such file"),
        (["--token-file", "/dev/null"], {}, "--token-file: no token in /dev/null"),
        (["--token-file", "-"], {}, "--token-file: empty, or holds a space"),
        (["--timeout", "0"], {}, "timeout must be more than 0 seconds"),
        (["--timeout", "soon"], {}, "argument --timeout: invalid float value"),
        (["GET"], {}, "METHOD and PATH go together"),
        (["GET", "/.."], {}, "path: "),
        (["GET", "/a", "b"], {}, "unrecognized arguments: b"),
        (["--password", SECRET], {}, "a password does not belong on the command line"),
        ([f"--password={SECRET}"], {}, "a password does not belong on the command line"),
        (["--token", SECRET, "GET", "/a"], {}, "a token does not belong on the command line"),
        (["--server", "a"], {}, "unrecognized arguments: --server"),
    ],
)
def test_what_is_wrong_is_named(run: Run, arguments: list[str], variables: dict[str, str], error: str) -> None:
    done = run(*arguments, given=f"{SECRET} {SECRET}", **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr
    assert done.stderr.splitlines()[-1].startswith("python -m nacos_auth: ")
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_native_library(run: Run) -> None:
    done = run(NACOS_AUTH_LIBRARY="/nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot load the native library" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_has_settings_and_statuses(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for word in ("--server-addr", "NACOS_SERVER_ADDR", "--token-file", "exit status:", "METHOD"):
        assert word in done.stdout
    assert "--password " not in done.stdout


def in_a_terminal(*arguments: str, typed: str, **variables: str) -> tuple[int, str]:
    """Runs it there, types when it asks; its status and all that the terminal shows."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [*COMMAND, *arguments], environment(**variables))
    shown = b""
    try:
        while b"Password of nacos: " not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, typed.encode())
        while True:
            shown += os.read(terminal, 1000)
    except OSError:  # it has ended
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_the_password_is_asked_for_in_a_terminal(server: DevServer) -> None:
    options = ["--server-addr", server.address, "--username", "nacos"]
    status, shown = in_a_terminal(*options, typed="nacos\n")
    assert (status, "all is well" in shown) == (0, True), shown
    status, shown = in_a_terminal(*options, typed=f"{SECRET}\n")
    assert (status, "wrong-credentials" in shown) == (1, True), shown
    assert SECRET not in shown
    for typed, expected in (("\n", 2), ("\4", 2), ("\3", 130)):
        status, shown = in_a_terminal(*options, typed=typed)
        assert (status, "Traceback" in shown) == (expected, False), shown


def test_ctrl_c_ends_it(server: DevServer) -> None:
    server.control("/faults", on="all", kind="hang", times=0)
    variables = {"NACOS_SERVER_ADDR": server.address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD": "nacos"}
    # A background job of a shell ignores SIGINT, and so do those that it starts.
    code = "import signal, sys; from nacos_auth import __main__; "
    code += "signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "print('now', flush=True); sys.exit(__main__.main(['--timeout', '60']))"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (130, "", "")


@pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "> /dev/full", "< /"])
def test_streams_that_are_not_there(server: DevServer, redirected: str) -> None:
    for password, status in (("nacos", 0), ("", 2)):
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *COMMAND, "--json"],
            env=environment(NACOS_SERVER_ADDR=server.address, NACOS_USERNAME="nacos", NACOS_PASSWORD=password),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        if redirected == "> /dev/full" and password:
            assert (done.returncode, "cannot write: No space left on device" in done.stderr) == (2, True)
        elif redirected != "< /":  # Python itself refuses that
            assert done.returncode == status, done.stderr
    if redirected == "<&-":
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "--token-file", "-"],
            env=environment(NACOS_SERVER_ADDR=server.address, NACOS_USERNAME="nacos", NACOS_PASSWORD="nacos"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, "--token-file: no token in -" in done.stderr) == (2, True)


def test_output_of_any_encoding_and_to_nobody(run: Run, server: DevServer) -> None:
    done = run(PYTHONIOENCODING="ascii", NACOS_USERNAME="用户")
    assert (done.returncode, done.stderr) == (1, "")
    with subprocess.Popen(
        [*COMMAND, "--json"],
        env=environment(NACOS_SERVER_ADDR=server.address, NACOS_USERNAME="nacos", NACOS_PASSWORD="nacos"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0
