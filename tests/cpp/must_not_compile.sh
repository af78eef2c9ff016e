#!/usr/bin/env bash
# What the C++ header has to refuse: each line of must_not_compile.cpp, with both compilers and both kinds of result.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
file=tests/cpp/must_not_compile.cpp
cases=$(grep -n '^REFUSED(' $file | cut -d: -f1 | sort)

# refuses COMPILER STANDARD OPTION…: one check for all lines, as each alone says little.
refuses() {
  local name="$1 $2 refuses what it has to" compile wrong accepted
  compile=("$1" "-std=$2" -Werror=unused-result -Iinclude -fsyntax-only)
  if ! command -v "$1" >/dev/null; then skip "$name" "no $1"; return; fi
  check "$1 $2 compiles the rest" "${compile[@]}" -DACCEPTED $file || return
  # What is wrong with a template is reported there, and then from where it is required.
  wrong=$("${compile[@]}" "${@:3}" $file 2>&1 | sed -nE "s|^$file:([0-9]+):[0-9]+: *(error: .*\|.*required from here.*)|\\1|p" | sort -u)
  accepted=$(comm -23 <(echo "$cases") <(echo "$wrong"))
  if [ -z "$accepted" ]; then
    pass "$name: $(wc -l <<<"$cases") cases"
  else
    fail "$name" "it compiles: $(for line in $accepted; do sed -n "${line}p" $file; done)"
  fi
}
refuses g++ c++17
refuses g++ c++23
refuses clang++ c++20 -ferror-limit=0
finish
