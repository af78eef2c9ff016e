#!/usr/bin/env bash
# The tests of the C++ header, with both kinds of result, and once under the sanitizers; with HOST_LONG=1 by clang too, whose
# warnings compile_matrix.sh sees in any case.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
warnings+=(-Wshadow -Wold-style-cast)

# suite COMPILER STANDARD OPTION…: builds the tests and runs them.
suite() {
  local name="$1 $2" compiler=$1 standard=$2 folder="$out/cpp $*" output status counts good bad
  shift 2
  [ $# -eq 0 ] || name+=" sanitized"
  if ! command -v "$compiler" >/dev/null; then skip "$name" "no $compiler"; return; fi
  mkdir -p "$folder"
  # The file with doctest itself takes longest and hardly ever changes.
  [ "$folder/main.o" -nt tests/cpp/main.cpp ] || check "$name builds doctest" \
    "$compiler" "-std=$standard" "$@" -c tests/cpp/main.cpp -o "$folder/main.o" || return
  check "$name builds" "$compiler" "-std=$standard" -g "${warnings[@]}" "$@" -o "$folder/tests" "$folder/main.o" \
    tests/cpp/{async,async_coroutines,calls,callbacks,credentials,devserver,diagnose,ending,environment,flags,health,ownership,results,settings,timeouts}.cpp "${link[@]}" || return
  start_server --port 0 || { skip "$name" "no $devserver"; return; }
  output=$(timeout 900 "$folder/tests" --no-colors 2>&1)
  status=$?
  # As "[doctest] test cases: 28 | 27 passed | 1 failed | 0 skipped"; the status also tells of leaks.
  counts=$(sed -nE 's/.*test cases: *[0-9]+ \| *([0-9]+) passed \| *([0-9]+) failed .*/\1 \2/p' <<<"$output")
  read -r good bad <<<"${counts:-0 0}"
  if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + good)) failed=$((failed + bad))
  if [ "$bad" -eq 0 ]; then echo "ok      $name: $good test cases"; else echo "FAILED  $name"; echo "$output"; fi
  stop_server
}

if [ ! -e /usr/include/doctest/doctest.h ]; then
  skip "the tests of the C++ header" "no doctest-dev"
  finish
  exit
fi
suite g++ c++23
[ -z "${HOST_LONG:-}" ] || suite clang++ c++20
suite g++ c++17 -fcoroutines -fsanitize=address,undefined -fno-sanitize-recover=all
finish
