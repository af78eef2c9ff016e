#!/usr/bin/env bash
# What forks do to a token and to a login, and life without a thread. The numbers are those of the situations that a token must survive.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

# situation NUMBER NAME OPTION…: builds situation_NUMBER.c and runs it, with $preload, against a server of its own.
situation() {
  local number=$1 name=situation_$1_$2
  shift 2
  check "$name builds" gcc -std=c99 -g "${warnings[@]}" -o "$out/situation_$number" "tests/c/situation_$number.c" \
    "${link[@]}" || return
  if start_server "$@"; then
    check "$name" timeout 600 env ${preload:+"LD_PRELOAD=$preload"} "$out/situation_$number"
    stop_server
  else
    skip "$name" "no $devserver"
  fi
}

situation 37 fork_in_the_middle_of_a_login --login-cost-ms 300
situation 38 workers_forked_from_a_warm_parent
check "no_threads builds" gcc -std=c99 -shared -fPIC "${warnings[@]}" -o "$out/no_threads.so" tests/c/no_threads.c
preload=$PWD/$out/no_threads.so situation 41 no_thread_can_be_started --ttl 3
finish
