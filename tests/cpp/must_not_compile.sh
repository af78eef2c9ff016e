#!/usr/bin/env bash
# What the C++ header has to refuse: each case of must_not_compile.cpp, with both compilers and both kinds of result.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
file=tests/cpp/must_not_compile.cpp
last=$(sed -nE 's/^#(el)?if CASE == ([0-9]+).*/\2/p' $file | sort -n | tail -n 1)

# cases COMPILER STANDARD: one check for all cases, as each alone says little.
cases() {
  local name="$1 $2 refuses what it has to" number accepted=()
  local folder="$out/must_not_compile $1 $2"
  local options=("-std=$2" -Werror=unused-result -Iinclude) compile
  compile=("$1" "${options[@]}" -fsyntax-only -include "$folder/nacos_auth.hpp")
  if ! command -v "$1" >/dev/null; then skip "$name" "no $1"; return; fi
  # The header takes longest, so it is compiled once. Either compiler finds it by one of the names.
  mkdir -p "$folder"
  check "$1 $2 compiles the header" "$1" "${options[@]}" -x c++-header include/nacos_auth.hpp \
    -o "$folder/nacos_auth.hpp.$([[ $1 = clang* ]] && echo pch || echo gch)" || return
  check "$1 $2 compiles the rest" "${compile[@]}" -DCASE=0 $file || return
  for number in $(seq 1 "$last"); do
    if "${compile[@]}" "-DCASE=$number" $file >/dev/null 2>&1; then accepted+=("$number"); fi
  done
  if [ ${#accepted[@]} -eq 0 ]; then pass "$name: $last cases"; else fail "$name" "it compiles: CASE ${accepted[*]}"; fi
}
cases g++ c++17
cases g++ c++23
cases clang++ c++20
finish
