#!/usr/bin/env bash
# ABI 1 is kept: what the header says today is compatible with abi/nacos_auth_1.*, the library has its functions, and
# programs compiled against the old header run with the library of today. Planted changes show that each kind is noticed.
# abi/update.sh writes the baseline.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"
# shellcheck source=tests/c/abi/functions.sh
source tests/c/abi/functions.sh

for tool in abidiff abidw; do
  command -v $tool >/dev/null || { skip "the ABI" "no $tool (abigail-tools)"; finish; exit; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# types_kept HEADER: functions, their parameters, and structs. Anything that abidiff reports counts, whatever it thinks of it.
types_kept() {
  as_of_baseline "$1" >"$work/now.h" && library_of "$work/now.h" "$work/now.so" &&
    abidiff --no-default-suppression --harmless --no-added-syms $abi/nacos_auth_1.abi "$work/now.so"
}
constants_kept() { diff <(constants_of $baseline) <(constants_of "$1" | grep -xF -f <(constants_of $baseline)); }
kept() { types_kept "$1" && constants_kept "$1"; }

dump_of $baseline "$work/dump"
check "the dump is that of the baseline's header" diff $abi/nacos_auth_1.abi "$work/dump"
check "functions, parameters and structs are those of the baseline" types_kept include/nacos_auth.h
check "constants are those of the baseline" constants_kept include/nacos_auth.h
check "the library has every function of the baseline" \
  diff <(functions_of $baseline) <(nm -D --defined-only "$libdir/libnacos_auth.so" | awk '{print $3}' | sed 's/@.*//' |
    grep -xF -f <(functions_of $baseline) | sort)

# plant reported|compatible NAME SED-SCRIPT: a change of the header.
plant() {
  local output status=compatible
  sed -E "$3" include/nacos_auth.h >"$work/planted.h"
  if cmp -s include/nacos_auth.h "$work/planted.h"; then fail "planted: $2" "the change changes nothing"; return; fi
  # One that does not compile would be reported for nothing.
  output=$(library_of "$work/planted.h" "$work/planted.so" 2>&1) || { fail "planted: $2" "$output"; return; }
  output=$(kept "$work/planted.h" 2>&1) || status=reported
  if [ $status = "$1" ]; then pass "planted: $2 is $1"; else fail "planted: $2 is $status" "$output"; fi
}
# The functions that fill structs in name every field by its place, and are compiled into the program.
no_defaults='/^static inline /,/^}/d'
plant reported "a field taken out" "$no_defaults; s/^  const char \*password_file;//"
plant reported "a field put in the middle" "$no_defaults; s/^  const char \*password_file;/  const char *other;\n&/"
plant reported "two fields in each other's place" \
  "$no_defaults; s/^  const char \*username;/  const char *SWAP;/; s/^  const char \*password;/  const char *username;/; s/SWAP/password/"
plant reported "a field of another type" "$no_defaults; s/^  uint32_t connect_timeout_ms;/  uint16_t connect_timeout_ms;/"
plant reported "a field of what a callback gets, of another type" "s/^  int32_t http_status;/  uint64_t http_status;/"
plant reported "a struct without a size that grows" "/^typedef struct nacos_pair \{/,/^\}/s/^\}/  const char *other;\n}/"
plant reported "a parameter of another type" "s/^( +)size_t capacity,/\1uint32_t capacity,/"
plant reported "a parameter more" "s/^( +)size_t capacity,/\1size_t capacity, size_t other,/"
plant reported "another type returned" "s/^uint64_t nacos_response_generation\(/uint32_t nacos_response_generation(/"
plant reported "a callback with a parameter more" "s/^(typedef void \(\*nacos_drop_callback\)\(void \*data)/\1, int32_t other/"
plant reported "a function taken away" "s/\bnacos_response_generation\(/nacos_response_other(/"
plant reported "a constant of another value" "s/^#define NACOS_TIMEOUT .*/#define NACOS_TIMEOUT 299/"
plant reported "a constant taken away" "/^#define NACOS_TIMEOUT /d"
plant compatible "a new function" "s/^(#define NACOS_AUTH_ABI_VERSION .*)/\1\nint nacos_auth_other(void) NACOS_NOEXCEPT;/"
plant compatible "a new constant" "s/^(#define NACOS_AUTH_ABI_VERSION .*)/\1\n#define NACOS_OTHER 7/"
plant compatible "fields at the end of a struct with a size" \
  "$no_defaults; s/^\} nacos_auth_options;/  uint64_t other;\n  const char *another;\n&/"
plant compatible "a field at the end of what a callback gets" "s/^\} nacos_event;/  uint64_t other;\n&/"

# The programs of the baseline, with its header, and the library of today.
mkdir -p "$work/include"
cp $baseline "$work/include/nacos_auth.h"
# program NAME
program() {
  check "$1 builds against the baseline's header" gcc -std=c99 -g "${warnings[@]}" -DNACOS_AUTH_BASELINE \
    "-I$work/include" -o "$work/$1" "$abi/programs/$1.c" "-L$libdir" -lnacos_auth -lpthread &&
    check "$1 of the baseline runs with this library" timeout 300 "$work/$1"
}
called=$(functions_of $baseline | while read -r name; do grep -rqw "$name" $abi/programs || echo "$name"; done)
check "the programs call every function of the baseline" [ "$called" = "" ]
program lifetime
if start_server --port 0; then
  program token
  program callbacks
  program answers
  program diagnose
  program health
  program operations
  stop_server
else
  skip "token and callbacks" "no $devserver"
fi
finish
