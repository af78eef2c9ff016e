#!/usr/bin/env bash
# python.sh DIST [PART…]: the wheels and the source package of DIST, used as their users do, outside the checkout: wheel (in
# every CPython from 3.9 on that is on the PATH or in pyenv), command, oldpip, extras, pyinstaller, sdist. Without parts all of
# them; the last three take minutes. quick is wheel, in the oldest and the newest CPython, and command. pip gets what the packages themselves want from PyPI.
dist=$(realpath "$1")
shift
parts=" ${*:-wheel command oldpip extras pyinstaller sdist} "
[ "$*" != quick ] || parts=" wheel command "
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
# The library has to be the wheel's own.
unset LD_LIBRARY_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV NACOS_AUTH_LIBRARY NACOS_AUTH_BUILD_LIBRARY CARGO_TARGET_DIR
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONDONTWRITEBYTECODE=1

wanted() { [[ $parts = *" $1 "* ]]; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
wheels=("$dist"/nacos_auth-"$version"-py3-none-*.whl) commands=("$dist"/nacos_auth_cli-"$version"-py3-none-*.whl)
wheel=${wheels[0]} command=${commands[0]} sdist=$dist/nacos_auth-$version.tar.gz
root=$PWD

pythons=()
for minor in $(seq 9 20); do
  for candidate in "$(command -v "python3.$minor")" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python; do
    # One of pyenv's shims is there, and runs none.
    if [ -x "$candidate" ] && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then pythons+=("$candidate"); break; fi
  done
done
[ ${#pythons[@]} -gt 0 ] || pythons=("$(command -v python3)")
name_of() { "$1" -c 'import platform; print(platform.python_implementation(), platform.python_version())'; }
last=${pythons[-1]}
if [ "$*" = quick ] && [ ${#pythons[@]} -gt 1 ]; then pythons=("${pythons[0]}" "$last"); fi
check "wheel: there" [ -e "$wheel" ] || { finish; exit 1; }
start_server --port 0 || true
export NACOS_USERNAME=nacos NACOS_PASSWORD=nacos

# What a user writes. It has to find nothing of the checkout.
mkdir "$work/project"
cat >"$work/project/program.py" <<'END'
import asyncio
import logging
import os
import sys

import nacos_auth

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s %(levelname)s")


async def once() -> int:
    async with nacos_auth.AsyncClient.from_env() as client:
        return (await client.get("/v1/cs/configs", params={"dataId": "dist", "group": "DEFAULT_GROUP"})).status


with nacos_auth.Client.from_env() as client:
    assert client.token()
    form = {"dataId": "dist", "group": "DEFAULT_GROUP", "content": "hello"}
    client.post("/v1/cs/configs", data=form).raise_for_status()
    answer = client.get("/v1/cs/configs", params={"dataId": "dist", "group": "DEFAULT_GROUP"})
    print(answer.status, answer.text, asyncio.run(once()))
print(nacos_auth.diagnose(os.environ["NACOS_SERVER_ADDR"], "nacos", "nacos").severity.name)
if not getattr(sys, "frozen", False):
    assert nacos_auth._library.library()._name.startswith(sys.prefix), nacos_auth._library.library()._name
END
cat >"$work/expected" <<'END'
nacos_auth INFO
200 hello 200
OK
END

# environment NAME PYTHON: an empty one, as $work/NAME.
environment() { "$2" -m venv "$work/$1"; }
# answered COMMAND…: it prints what the program has to, and nothing else.
answered() { diff "$work/expected" <(cd "$work/project" && timeout 120 "$@" 2>&1); }
# runs NAME COMMAND…
runs() {
  if [ -z "$server_pid" ]; then skip "$1" "no $devserver"; else check "$1" answered "${@:2}"; fi
}
# quiet COMMAND…: from another folder, which has nothing of the project.
quiet() { env -C "$work/project" "$@"; }

if wanted wheel; then
  for python in "${pythons[@]}"; do
    name=$(name_of "$python") here=$work/$(basename "$(dirname "$(dirname "$python")")")
    rm -rf "$here"
    check "wheel: $name: an empty environment" "$python" -m venv "$here" || continue
    check "wheel: $name: pip installs it" quiet "$here/bin/pip" install --quiet --no-index "$wheel"
    check "wheel: $name: it wants nothing else" quiet "$here/bin/pip" check
    runs "wheel: $name: token and requests" "$here/bin/python" -W error program.py
    if [ -n "$server_pid" ]; then
      check "wheel: $name: the doctor" quiet "$here/bin/python" -m nacos_auth
    fi
    check "wheel: $name: every module" quiet "$here/bin/python" -c '
import nacos_auth, pydoc
from nacos_auth import *
assert set(dir(nacos_auth)) == set(nacos_auth.__all__)
assert pydoc.render_doc(nacos_auth)'
    check "wheel: $name: pip removes it" quiet "$here/bin/pip" uninstall --quiet --yes nacos-auth
    check "wheel: $name: nothing is left" [ -z "$(find "$here" -iname '*nacos*')" ]
    rm -rf "$here"
  done
fi

if wanted command; then
  if [ -e "$command" ]; then
    check "command: an empty environment" environment command "$last"
    check "command: pip installs it" quiet "$work/command/bin/pip" install --quiet --no-index "$command"
    with_path() { quiet env PATH="$work/command/bin:/usr/bin:/bin" "$@"; }
    check "command: nacos-auth is on the PATH" [ "$(with_path nacos-auth --version)" = "nacos-auth $version" ]
    if [ -n "$server_pid" ]; then
      check "command: it asks for a token" with_path nacos-auth token
      check "command: it makes a request" with_path nacos-auth request GET /v1/cs/configs -q dataId=dist -q group=DEFAULT_GROUP
    fi
    check "command: it has its notices" test -s "$(find "$work/command" -path '*nacos_auth_cli*' -name THIRD-PARTY.txt)"
    check "command: it goes well with the library" quiet "$work/command/bin/pip" install --quiet --no-index "$wheel"
    check "command: pip removes it" quiet "$work/command/bin/pip" uninstall --quiet --yes nacos-auth-cli
    check "command: nothing is left" [ ! -e "$work/command/bin/nacos-auth" ]
  else
    skip "command" "there is no wheel of it"
  fi
fi

# The first pip that knows manylinux2014, and the last before PEP 600. The wheel has that name only if it suits it.
if wanted oldpip; then
  for pip in 19.3.1 20.2.4; do
    if [[ $wheel != *manylinux2014* ]]; then skip "wheel: pip $pip" "this one is for a later glibc"; continue; fi
    check "wheel: pip $pip: an environment with it" eval "environment pip-$pip '${pythons[0]}' &&
      quiet '$work/pip-$pip/bin/python' -m pip install --quiet pip==$pip 'setuptools<60'" || continue
    check "wheel: pip $pip: installs it" quiet "$work/pip-$pip/bin/pip" install --quiet --no-index "$wheel"
    runs "wheel: pip $pip: token and requests" "$work/pip-$pip/bin/python" program.py
  done
fi

if wanted extras; then
  check "extras: an empty environment" environment extras "$last"
  check "extras: pip installs them" quiet "$work/extras/bin/pip" install --quiet \
    "nacos-auth[requests,httpx,aiohttp,nacos-sdk] @ file://$wheel"
  cat >"$work/project/extras.py" <<'END'
import asyncio
import os

import aiohttp
import httpx
import requests

import nacos_auth
from nacos_auth import aiohttp_auth, httpx_auth, nacos_sdk, requests_auth

address = os.environ["NACOS_SERVER_ADDR"]
url = f"http://{address}/nacos/v1/cs/configs?dataId=dist&group=DEFAULT_GROUP"


async def later() -> None:
    async with nacos_auth.AsyncClient.from_env() as client:
        async with aiohttp.ClientSession(middlewares=[aiohttp_auth.NacosAuth(client)]) as session:
            async with session.get(url) as answer:
                print("aiohttp", answer.status)
        async with httpx.AsyncClient(auth=httpx_auth.NacosAuth(client)) as session:
            print("httpx async", (await session.get(url)).status_code)


with nacos_auth.Client.from_env() as client:
    client.post("/v1/cs/configs", data={"dataId": "dist", "group": "DEFAULT_GROUP", "content": "hello"})
    print("requests", requests.get(url, auth=requests_auth.NacosAuth(client)).status_code)
    print("httpx", httpx.get(url, auth=httpx_auth.NacosAuth(client)).status_code)
asyncio.run(later())
print("nacos-sdk", nacos_sdk.NacosClient(address, username="nacos", password="nacos").get_config("dist", "DEFAULT_GROUP"))
END
  if [ -n "$server_pid" ]; then
    output=$(quiet timeout 120 "$work/extras/bin/python" extras.py 2>&1 | tr '\n' ';')
    check "extras: all adapters: $output" [ "$output" = "requests 200;httpx 200;aiohttp 200;httpx async 200;nacos-sdk hello;" ]
  fi
fi

if wanted pyinstaller; then
  for python in "${pythons[0]}" "$last"; do
    name="PyInstaller, $(name_of "$python")" here=frozen-$(basename "$(dirname "$(dirname "$python")")")
    check "wheel: $name: an environment with it" eval "environment $here '$python' &&
      quiet '$work/$here/bin/pip' install --quiet pyinstaller && quiet '$work/$here/bin/pip' install --quiet --no-index '$wheel'" || continue
    check "wheel: $name: one file" quiet "$work/$here/bin/pyinstaller" --onefile --log-level WARN --distpath "$work/$here-dist" program.py
    # What it was made with is not there any more.
    rm -rf "${work:?}/$here"
    runs "wheel: $name: the file" "$work/$here-dist/program"
    [ "$python" != "$last" ] || break
  done
fi

if wanted sdist; then
  if command -v cargo >/dev/null; then
    check "sdist: an empty environment" environment sdist "$last"
    # With pip's isolated build, which fetches what pyproject.toml names.
    check "sdist: pip builds and installs it" quiet "$work/sdist/bin/pip" install --quiet "$sdist"
    runs "sdist: token and requests" "$work/sdist/bin/python" program.py
  else
    skip "sdist" "there is no cargo"
  fi
fi
cd "$root" || exit
finish
