#!/usr/bin/env bash
# The C tests, those of C++'s asynchronous calls and the unit tests in Rust under ThreadSanitizer. The library's locks tell it what they guarantee
# (src/sys/lock.rs); thread.supp says what it cannot know. A fault on purpose shows that it is on.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
# shellcheck source=tests/sanitizers/common.sh
source tests/sanitizers/common.sh

sanitizer=thread
sanitized thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg nacos_auth_tsan || { finish; exit; }
runtime_link=(-Wl,--whole-archive "$runtime" -Wl,--no-whole-archive)
export TSAN_OPTIONS="suppressions=$PWD/tests/sanitizers/thread.supp"

for name in arguments lifetime token callbacks operations; do program clang c99 $name tests/c/$name.c; done
program clang c99 plant tests/sanitizers/plant.c
check "arguments" timeout 300 "$out"/arguments
check "lifetime" timeout 300 "$out"/lifetime
if start_server --port 0; then
  check "token" timeout 600 "$out"/token
  check "callbacks" timeout 600 "$out"/callbacks
  check "operations" timeout 900 "$out"/operations
  # But for the child of a fork, which may have no threads under this sanitizer.
  if [ -e /usr/include/doctest/doctest.h ]; then
    program clang++ c++20 cpp tests/cpp/{main,async,async_coroutines,devserver}.cpp &&
      check "C++: asynchronous calls" timeout 1200 "$out"/cpp --no-colors --test-case-exclude="*fork*"
  else
    skip "C++: asynchronous calls" "no doctest-dev"
  fi
  planted "one buffer for two threads" "ThreadSanitizer: data race" "$out"/plant race
  stop_server
else
  skip "token, callbacks, the plant" "no $devserver"
fi
# The library's threads end with the last handle, and the process of the tests just ends.
TSAN_OPTIONS+=" report_thread_leaks=0"
# What is pure has no threads and takes longest. What counts is what the sanitizer reports: some tests measure time, and under it
# all takes many times as long.
unreported() {
  local output
  output=$(in_nightly test --lib -- --skip lifecycle:: --skip protocol:: --skip coding:: 2>&1)
  grep -E '^test result: ' <<<"$output" | grep -Eq ' [1-9][0-9]+ passed' && ! grep -q 'WARNING: ThreadSanitizer' <<<"$output" && return
  grep -A 30 'WARNING: ThreadSanitizer' <<<"$output"
  tail -n 5 <<<"$output"
  return 1
}
check "Rust's unit tests: nothing is reported" unreported
finish
