#!/usr/bin/env bash
# The C tests under valgrind's memcheck, and the examples for 5 s with tokens that live 3 s: no error of any kind, what is
# "possibly lost" too, and nothing suppressed. What is still reachable at the end of a program is counted.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

if ! command -v valgrind >/dev/null; then
  skip "valgrind" "not installed"
  finish
  exit
fi
memcheck() {
  local output status=0
  output=$(timeout 600 valgrind --leak-check=full --num-callers=40 "$@" 2>&1) || status=$?
  echo "$output"
  [ $status = 0 ] && grep -q 'ERROR SUMMARY: 0 errors from 0 contexts (suppressed: 0 from 0)$' <<<"$output"
}
# reachable PROGRAM…: bytes and blocks that are still there at its end.
reachable() { memcheck "$@" | sed -n 's/.*still reachable: \(.* blocks\)$/\1/p'; }
# planted NAME WORDS: the fault is reported.
planted() {
  local output
  output=$(memcheck "$out/plant" "$1") && { fail "planted: $1 is reported"; return; }
  if grep -q "$2" <<<"$output"; then pass "planted: $1 is reported"; else fail "planted: $1 is reported" "$output"; fi
}

build_tests || { finish; exit 1; }
check "arguments" memcheck "$out"/arguments
check "lifetime" memcheck "$out"/lifetime
if start_server --ttl 3; then
  check "C example builds" gcc -g -O1 "${warnings[@]}" -o "$out"/example_c examples/c/main.c "${link[@]}"
  check "C++ example builds" g++ -std=c++17 -g -O1 "${warnings[@]}" -o "$out"/example_cpp examples/cpp/main.cpp "${link[@]}"
  check "asynchronous C example builds" gcc -g -O1 "${warnings[@]}" -o "$out"/example_async_c examples/c/async.c "${link[@]}"
  check "asynchronous C example" memcheck "$out"/example_async_c
  check "C example" memcheck "$out"/example_c 5
  check "C++ example" memcheck "$out"/example_cpp 5
  stop_server
  start_server
  check "token" memcheck "$out"/token
  check "callbacks" memcheck "$out"/callbacks
  check "diagnose" memcheck "$out"/diagnose
  check "health and metrics" memcheck "$out"/health
  check "operations" memcheck "$out"/operations
  check "whole_life builds" gcc -std=gnu99 -g "${warnings[@]}" -o "$out"/whole_life tests/c/whole_life.c "${link[@]}"
  check "from init to free" memcheck "$out"/whole_life
  # The table of sessions, a block of the words that a fork clears, and a list of arc-swap's, of which there is one node for each
  # thread that lived at a time.
  once=$(reachable "$out"/whole_life 1) often=$(reachable "$out"/whole_life 30)
  check "what stays to the end of the process does not grow: $once" [ "$once" = "$often" ]
  check "and is less than a KiB" [ "$(sed 's/,//; s/ .*//' <<<"$once")" -lt 1024 ]

  check "the plants build" gcc -std=c99 -g -Wall -Wextra -Werror -o "$out"/plant tests/sanitizers/plant.c "${link[@]}"
  planted overflow "Invalid write of size"
  planted use_after_free "Invalid read of size"
  planted leak "definitely lost: [1-9]"
  planted uninitialised "uninitialised value"
  stop_server
else
  for name in "C example" "C++ example" token callbacks "from init to free"; do skip "$name" "no $devserver"; done
fi
finish
