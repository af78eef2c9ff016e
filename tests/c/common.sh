# shellcheck shell=bash disable=SC2034 # used by those who source it
# Sourced by the scripts here: paths, the count of checks, the server.
# NACOS_DEVSERVER: the development server; NACOS_AUTH_LIBDIR: where libnacos_auth.so and .a are.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
devserver=${NACOS_DEVSERVER:-target/debug/nacos-devserver}
libdir=$(realpath -m "${NACOS_AUTH_LIBDIR:-target/release}")
out=build/c
passed=0 failed=0 skipped=0 server_pid=

mkdir -p "$out"/lib
# What an installation gives: the name that programs load. Other scripts may do the same now.
ln -sf "$libdir/libnacos_auth.so" "$out/lib/of-$$" && mv -T "$out/lib/of-$$" "$out"/lib/libnacos_auth.so.1
export LD_LIBRARY_PATH=$PWD/"$out"/lib

pass() { passed=$((passed + 1)); echo "ok      $1"; }
fail() {
  failed=$((failed + 1))
  echo "FAILED  $1"
  [ -z "${2:-}" ] || echo "        ${2//$'\n'/$'\n'        }"
  return 1
}
skip() { skipped=$((skipped + 1)); echo "skipped $1: $2"; }

# check NAME COMMAND…: passes if the command succeeds; shows what it printed if it does not.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then pass "$name"; else fail "$name" "$(tail -n 40 <<<"$output")"; fi
}

warnings=(-Wall -Wextra -Wpedantic -Wconversion -Werror)
# What links with the library, given its sources.
link=(-Iinclude "-L$libdir" -lnacos_auth -lpthread)

# Builds the test programs into $out.
build_tests() {
  local name
  for name in layout arguments lifetime token callbacks answers timeouts diagnose health operations; do
    check "$name builds" gcc -std=c99 -g "${warnings[@]}" -o "$out"/$name tests/c/$name.c "${link[@]}"
  done
  [ "$failed" -eq 0 ]
}

# start_server OPTION…: sets NACOS_SERVER_ADDR and NACOS_CONTROL_ADDR; fails if there is no server to start.
start_server() {
  [ -x "$devserver" ] || return 1
  local line
  # The server ends when this script does: its standard input closes.
  coproc SERVER { exec "$devserver" --stdin "$@"; }
  # shellcheck disable=SC2153 # set by coproc
  server_pid=$SERVER_PID
  read -r -t 60 line <&"${SERVER[0]}" || { fail "the server starts"; return 1; }
  NACOS_SERVER_ADDR=$(sed -E 's/.*"address": *"([^"]*)".*/\1/' <<<"$line")
  NACOS_CONTROL_ADDR=$(sed -E 's/.*"control": *"([^"]*)".*/\1/' <<<"$line")
  export NACOS_SERVER_ADDR NACOS_CONTROL_ADDR
}

stop_server() {
  [ -n "$server_pid" ] || return 0
  kill "$server_pid" 2>/dev/null
  wait "$server_pid" 2>/dev/null
  server_pid=
  unset NACOS_SERVER_ADDR NACOS_CONTROL_ADDR
}

finish() {
  stop_server
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}
