#!/usr/bin/env bash
# Every exported function with every hostile argument, once more under valgrind; and whether that would notice anything.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

check "hostile builds" gcc -std=c99 -g "${warnings[@]}" -o "$out"/hostile tests/c/hostile.c "${link[@]}" || { finish; exit 1; }
check "the planted fault builds" gcc -std=c99 -shared -fPIC "${warnings[@]}" -Iinclude -o "$out"/planted.so tests/c/planted.c
mapfile -t functions < <(nm -D --defined-only "$libdir/libnacos_auth.so" | awk '{sub(/@.*/, "", $3); print $3}')
check "the library exports functions" [ "${#functions[@]}" -ge 50 ]

# finds WORD COMMAND…: the command fails, and says why.
finds() {
  local word=$1 output
  shift
  if output=$("$@" 2>&1); then return 1; fi
  grep -q "$word" <<<"$output"
}

if start_server --port 0; then
  check "hostile" timeout 300 "$out"/hostile "${functions[@]}"
  check "a function without a row is noticed" finds "nacos_new has no row" "$out"/hostile "${functions[@]}" nacos_new
  check "a fault is noticed" finds "nacos_auth_retry, auth is NULL" env LD_PRELOAD="$PWD/$out/planted.so" "$out"/hostile "${functions[@]}"
  if command -v valgrind >/dev/null; then
    check "hostile, under valgrind" timeout 600 valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect \
      --errors-for-leak-kinds=definite,indirect --error-exitcode=99 "$out"/hostile "${functions[@]}"
  else
    skip "hostile, under valgrind" "no valgrind"
  fi
  stop_server
else
  skip "hostile" "no $devserver"
fi
finish
