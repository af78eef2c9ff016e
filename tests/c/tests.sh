#!/usr/bin/env bash
# Builds and runs the C tests.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

build_tests || { finish; exit 1; }
check "layout is that of ABI 1" diff -u tests/c/layout.x86_64.txt <("$out"/layout)
check "arguments" "$out"/arguments
check "lifetime" "$out"/lifetime
if start_server --port 0; then
  check "token" "$out"/token
  check "callbacks" "$out"/callbacks
  check "answers" "$out"/answers
  check "time-outs" "$out"/timeouts
  check "diagnose" "$out"/diagnose
  check "health and metrics" "$out"/health
  check "operations" timeout 300 "$out"/operations
  stop_server
else
  skip "token" "no $devserver"
  skip "callbacks" "no $devserver"
  skip "answers" "no $devserver"
  skip "time-outs" "no $devserver"
  skip "diagnose" "no $devserver"
  skip "health and metrics" "no $devserver"
  skip "operations" "no $devserver"
fi
finish
