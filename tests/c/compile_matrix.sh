#!/usr/bin/env bash
# The headers under every language version, alone and twice; the examples too, and run against the server.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

warnings+=(-Wshadow -Wstrict-overflow=1)
cxx_warnings=("${warnings[@]}" -Wold-style-cast -Wsign-conversion)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <nacos_auth.h>\nint only_c;\n' >"$work/once.c"
printf '#include <nacos_auth.h>\n#include <nacos_auth.h>\nint only_c;\n' >"$work/twice.c"
printf '#include <nacos_auth.hpp>\nint only_cpp;\n' >"$work/once.cpp"
printf '#include <nacos_auth.hpp>\n#include <nacos_auth.h>\n#include <nacos_auth.hpp>\nint only_cpp;\n' >"$work/twice.cpp"
cat >"$work/results.cpp" <<'END'
#include <nacos_auth.hpp>
bool only_results();
bool only_results() {
  const auto client = nacosauth::client::make({});
  const auto queue = nacosauth::queue::make();
  if (!client || !queue) return false;
  (void)queue->drain();
  return client->try_async_token({}, *queue).future().get() &&
         client->try_async_send({}).try_start([](nacosauth::result<nacosauth::response>) {}).has_value();
}
END
printf '#include <nacos_auth.h>\nextern nacos_pair pair, pairs[1];\nnacos_pair pair = NACOS_PAIR("name", "value");\n%s\n' \
  'nacos_pair pairs[] = {NACOS_PAIR("name", "value")};' >"$work/pair.c"
printf '#include <nacos_auth.h>\nextern nacos_pair pair;\nnacos_pair pair = {"name", "value"};\n' >"$work/short_pair.c"
for header in nacos_auth.h nacos_auth.hpp; do
  # A macro of ours that is left over could bite a user's names.
  printf '#include <%s>\n' $header >"$work/macros.cpp"
  check "$header leaves only NACOS_ macros" bash -c \
    "! g++ -std=c++17 -Iinclude -dM -E $work/macros.cpp | grep -i nacos | grep -v '#define NACOS_'"
done

# run_example NAME PROGRAM: half a second against the server, its last line as promised.
run_example() {
  if [ -z "$server_pid" ]; then skip "$1 runs" "no $devserver"; return; fi
  local output
  if output=$(timeout 300 "$2" 1) && grep -Eqx 'done requests=[0-9]+ tokens=[1-9][0-9]* replays=[0-9]+ failures=0' <<<"$output"; then
    pass "$1 runs"
  else
    fail "$1 runs" "$output"
  fi
}

# refused WORDS COMMAND…: the command fails, with these words.
refused() {
  local words=$1 output
  shift
  if output=$("$@" 2>&1); then return 1; fi
  grep -q "$words" <<<"$output" || { echo "$output"; return 1; }
}

start_server --port 0 || true
for pair in gcc:g++ clang:clang++; do
  cc=${pair%:*} cxx=${pair#*:}
  if ! command -v "$cc" >/dev/null || ! command -v "$cxx" >/dev/null; then
    skip "$cc" "not installed"
    continue
  fi
  for std in c99 c11 c17 c2x; do
    check "$cc $std NACOS_PAIR" "$cc" -std=$std "${warnings[@]}" -Iinclude -c "$work/pair.c" -o "$work/o"
    check "$cc $std a pair of two strings" "$cc" -std=$std -Wall -Wpedantic -Wconversion -Werror -Iinclude \
      -c "$work/short_pair.c" -o "$work/o"
    check "$cc $std header alone" "$cc" -std=$std "${warnings[@]}" -Iinclude -c "$work/once.c" -o "$work/o"
    check "$cc $std header twice" "$cc" -std=$std "${warnings[@]}" -Iinclude -c "$work/twice.c" -o "$work/o"
    check "$cc $std example" "$cc" -std=$std "${warnings[@]}" examples/c/main.c -o "$work/example" "${link[@]}" &&
      run_example "$cc $std example" "$work/example"
    check "$cc $std asynchronous example" "$cc" -std=$std "${warnings[@]}" examples/c/async.c -o "$work/example" "${link[@]}" &&
      run_example "$cc $std asynchronous example" "$work/example"
  done
  check "$cc c99 example, static" \
    "$cc" -std=c99 "${warnings[@]}" examples/c/main.c -o "$work/example" -Iinclude "$libdir/libnacos_auth.a" -lpthread -ldl -lm &&
    run_example "$cc c99 example, static" "$work/example"
  for std in c++11 c++14 c++17 c++20 c++23; do
    # Older compilers know the last one by its draft's name.
    "$cxx" -std=$std -E -x c++ /dev/null >/dev/null 2>&1 || std=c++2b
    check "$cxx $std C header alone" "$cxx" -std=$std "${cxx_warnings[@]}" -Iinclude -x c++ -c "$work/once.c" -o "$work/o"
    check "$cxx $std NACOS_PAIR" "$cxx" -std=$std "${cxx_warnings[@]}" -Iinclude -x c++ -c "$work/pair.c" -o "$work/o"
    check "$cxx $std a pair of two strings" "$cxx" -std=$std -Wall -Wpedantic -Wconversion -Werror -Iinclude \
      -x c++ -c "$work/short_pair.c" -o "$work/o"
    check "$cxx $std C header twice" "$cxx" -std=$std "${cxx_warnings[@]}" -Iinclude -x c++ -c "$work/twice.c" -o "$work/o"
    case $std in
    c++11 | c++14)
      check "$cxx $std C++ header says that it needs C++17" refused "nacos_auth.hpp needs C++17" \
        "$cxx" -std=$std -Iinclude -c "$work/once.cpp" -o "$work/o"
      continue
      ;;
    esac
    check "$cxx $std C++ header alone" "$cxx" -std=$std "${cxx_warnings[@]}" -Iinclude -c "$work/once.cpp" -o "$work/o"
    check "$cxx $std C++ header twice" "$cxx" -std=$std "${cxx_warnings[@]}" -Iinclude -c "$work/twice.cpp" -o "$work/o"
    check "$cxx $std example" "$cxx" -std=$std "${cxx_warnings[@]}" examples/cpp/main.cpp -o "$work/example" "${link[@]}" &&
      run_example "$cxx $std example" "$work/example"
    check "$cxx $std asynchronous example" "$cxx" -std=$std "${cxx_warnings[@]}" examples/cpp/async.cpp -o "$work/example" "${link[@]}" &&
      run_example "$cxx $std asynchronous example" "$work/example"
    check "$cxx $std C++ header without exceptions" \
      "$cxx" -std=$std "${cxx_warnings[@]}" -fno-exceptions -fno-rtti -Iinclude -c "$work/results.cpp" -o "$work/o"
  done
done
# A nacos_auth.h of another version, found before the one that belongs to the C++ header.
belongs="does not belong to this nacos_auth.hpp"
mkdir "$work/older" "$work/other"
cp include/nacos_auth.hpp "$work/older" && cp include/nacos_auth.hpp "$work/other"
grep -v 'define NACOS_AUTH_VERSION_' include/nacos_auth.h >"$work/older/nacos_auth.h"
sed 's/define NACOS_AUTH_ABI_VERSION .*/define NACOS_AUTH_ABI_VERSION 2/' include/nacos_auth.h >"$work/other/nacos_auth.h"
check "the C++ header refuses an older C header" refused "$belongs" \
  g++ -std=c++17 -I"$work/older" -c "$work/once.cpp" -o "$work/o"
check "the C++ header refuses a C header of another ABI" refused "$belongs" \
  g++ -std=c++17 -I"$work/other" -c "$work/once.cpp" -o "$work/o"
sed -i 's/define NACOS_AUTH_ABI_VERSION .*/define NACOS_AUTH_ABI_VERSION 1/' "$work/other/nacos_auth.h"
check "and takes the same one of its own ABI" g++ -std=c++17 -I"$work/other" -c "$work/once.cpp" -o "$work/o"
sed -i 's/define NACOS_AUTH_VERSION_MINOR .*/define NACOS_AUTH_VERSION_MINOR 0/' "$work/other/nacos_auth.h"
check "the C++ header refuses a C header with a lower number" refused "$belongs" \
  g++ -std=c++17 -I"$work/other" -c "$work/once.cpp" -o "$work/o"
# A NULL is no client, not even by mistake.
printf '#include <nacos_auth.hpp>\nnacosauth::client client(nullptr);\n' >"$work/null.cpp"
check "a NULL is no client" refused "no matching function" g++ -std=c++17 -Iinclude -c "$work/null.cpp" -o "$work/o"
# The two kinds of result in one program.
printf '#include <nacos_auth.hpp>\nbool %s() { return nacosauth::client::make({}).has_value(); }\n' one >"$work/one.cpp"
printf '#include <nacos_auth.hpp>\nbool one();\nint main() { return one() || nacosauth::client::make({}).has_value(); }\n' \
  >"$work/two.cpp"
check "C++17 and C++23 in one program" bash -c "cd $work && g++ -std=c++17 -I$PWD/include -c one.cpp &&
  g++ -std=c++23 -I$PWD/include -c two.cpp && g++ one.o two.o -o mixed -L$libdir -lnacos_auth && ./mixed"
finish
