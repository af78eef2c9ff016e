#!/usr/bin/env bash
# The C tests under valgrind, and the examples for 5 s with tokens that live 3 s.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

if ! command -v valgrind >/dev/null; then
  skip "valgrind" "not installed"
  finish
  exit
fi
# Not counted: what the library keeps to the end of the process (its table of sessions, its thread), which Rust's hash
# tables hold by pointers into the middle, to valgrind "possibly lost".
memcheck() {
  valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=99 "$@"
}

build_tests || { finish; exit 1; }
check "arguments" memcheck "$out"/arguments
check "lifetime" memcheck "$out"/lifetime
if start_server --ttl 3; then
  check "C example builds" gcc -g -O1 "${warnings[@]}" -o "$out"/example_c examples/c/main.c "${link[@]}"
  check "C++ example builds" g++ -std=c++17 -g -O1 "${warnings[@]}" -o "$out"/example_cpp examples/cpp/main.cpp "${link[@]}"
  check "C example" memcheck "$out"/example_c 5
  check "C++ example" memcheck "$out"/example_cpp 5
  stop_server
  start_server
  check "token" memcheck "$out"/token
  check "callbacks" memcheck "$out"/callbacks
  stop_server
else
  for name in "C example" "C++ example" token callbacks; do skip "$name" "no $devserver"; done
fi
finish
