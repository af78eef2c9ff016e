#!/usr/bin/env bash
# The C tests under AddressSanitizer and LeakSanitizer, in the library and in the programs. With `all`, those of C++ and Python
# and the unit tests in Rust too. Faults on purpose show that the sanitizer is on.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
# shellcheck source=tests/sanitizers/common.sh
source tests/sanitizers/common.sh

sanitizer=address
sanitized address || { finish; exit; }
# One runtime for all, which Python is started with and the others link first. It must not be named as the usual ones are: it
# would take itself for a second one. What runs before all else in a program cannot be in a shared library. With the library of
# C++: the runtime looks once, at the start, for what throws exceptions, and Python loads it later.
shared_runtime=$PWD/$out/rust_address.so
cp "$runtime" "$out/rt.a" && ar d "$out/rt.a" asan_preinit.cpp.o
check "the sanitizer's runtime links" gcc -shared -o "$shared_runtime" -Wl,--whole-archive "$out/rt.a" -Wl,--no-whole-archive -lpthread -ldl -lm -lrt -lresolv \
  -Wl,--no-as-needed -lstdc++
runtime_link=(-Wl,--no-as-needed "$shared_runtime" -Wl,--as-needed)
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1

for name in arguments lifetime token callbacks operations; do program clang c99 $name tests/c/$name.c; done
program clang c99 plant tests/sanitizers/plant.c
check "arguments" timeout 300 "$out"/arguments
check "lifetime" timeout 300 "$out"/lifetime
start_server --port 0 || { skip "the rest" "no $devserver"; finish; exit; }
check "token" timeout 300 "$out"/token
check "callbacks" timeout 300 "$out"/callbacks
check "operations" timeout 600 "$out"/operations
planted "a write behind a buffer" "AddressSanitizer: heap-buffer-overflow" "$out"/plant overflow
planted "a read of what has been freed" "AddressSanitizer: heap-use-after-free.*" "$out"/plant use_after_free
planted "a leak" "LeakSanitizer: detected memory leaks" "$out"/plant leak
stop_server
if [ "${1:-}" = all ]; then
  if [ -e /usr/include/doctest/doctest.h ]; then
    program clang++ c++20 cpp tests/cpp/{main,async,async_coroutines,calls,callbacks,credentials,devserver,ending,ownership,results}.cpp &&
      start_server --port 0 && check "C++" timeout 1200 "$out"/cpp --no-colors
    stop_server
  else
    skip "C++" "no doctest-dev"
  fi

  check "what finds children links" gcc -shared -fPIC -o "$out/forked.so" tests/sanitizers/forked.c
  # What CPython and its modules leave behind at the end is theirs: of leaks, those count that the library allocated.
  python=(env "LD_PRELOAD=$shared_runtime $PWD/$out/forked.so" "NACOS_AUTH_LIBRARY=$libdir/libnacos_auth.so" PYTHONMALLOC=malloc
    PYTHONPATH=bindings/python/src "ASAN_OPTIONS=detect_leaks=1:exitcode=0:log_path=$PWD/$out/python-log" .venv/bin/python)
  reports() { python3 tests/sanitizers/reports.py "$out"/python-log.*; }
  # python_faults CODE: what is reported of it.
  python_faults() { rm -f "$out"/python-log.*; timeout 60 "${python[@]}" -c "$1" >/dev/null 2>&1; reports; }
  start_server --port 0
  code='import os, ctypes; from nacos_auth import Client; from nacos_auth._library import library
client = Client(os.environ["NACOS_SERVER_ADDR"], "nacos", "nacos"); client.get("/v1/cs/configs")'
  check "Python: a program without a fault" eval '! python_faults "$code; client.close()"'
  # Past the declarations of the package, which have each object owned.
  raw='from ctypes import CDLL, c_void_p; from os import environ; library = CDLL(environ["NACOS_AUTH_LIBRARY"])
library.nacos_cancel_new.restype = c_void_p; library.nacos_cancel_free.argtypes = library.nacos_cancel_trigger.argtypes = [c_void_p]'
  check "planted: in Python, a leak is reported" eval 'python_faults "$raw
for _ in range(9): library.nacos_cancel_new()" | grep "leak"'
  check "planted: in Python, a read of what has been freed is reported" eval 'python_faults "$raw
cancel = library.nacos_cancel_new()
library.nacos_cancel_free(cancel)
library.nacos_cancel_trigger(cancel)" | grep "heap-use-after-free"'
  stop_server
  rm -f "$out"/python-log.*
  # Not the packages, which have a library of their own, nor greenlets, which put one stack in the place of another: the sanitizer
  # does not follow that, and their tests do not come to an end in their time. Nor gunicorn, whose workers it has report into pipes that
  # are closed.
  check "Python" env -C bindings/python timeout 1800 "${python[@]/.venv/$PWD/.venv}" -m pytest -q -n 2 -p no:cacheprovider \
    --ignore tests/test_packages.py --ignore tests/test_greenlets.py --ignore tests/test_typing.py -k 'not gunicorn'
  check "Python: nothing was reported" eval '! reports'

  check "Rust's unit tests" in_nightly test --lib
fi
finish
