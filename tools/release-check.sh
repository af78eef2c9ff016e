#!/usr/bin/env bash
# Whether the last commit can be released: nothing uncommitted, one version everywhere and a heading for it in CHANGELOG.md, the
# documentation built, everything in dist/ made anew and tried from empty environments, and the library that is in it, which is not
# linked as the one of `make build` is, put through the tests of its ABI, of C, and of what a program may do to it; and another clone
# makes the same bytes. Takes three quarters of an hour. Ends with "N passed, N failed, N skipped".
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../tests/c/common.sh"
log=build/release-check.log
NACOS_AUTH_LIBDIR=$PWD/build/dist/linux_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
export NACOS_AUTH_LIBDIR
mkdir -p build

check "nothing is uncommitted" [ -z "$(git status --porcelain)" ] || { finish; exit 1; }
check "one version everywhere, with a heading in CHANGELOG.md" tools/versions.py --released
check "what the tests need" env HOST_LONG=1 tests/setup.sh
check "what is generated is what the sources say" env NACOS_AUTH_CHECK_HEADER=1 cargo check --quiet --locked
check "the documentation builds" make --no-print-directory site
check "the server that programs are tried with" cargo build --quiet --package devserver
if check "make dist" make --no-print-directory dist; then
  for test in tests/c/abi.sh tests/c/symbols.sh tests/c/tests.sh tests/packaging/elf.sh ".venv/bin/python tests/host/run.py"; do
    # shellcheck disable=SC2086 # words
    check "the released library passes $test" $test
  done
  tests/dist/run.sh dist | tee $log
  read -r -a sum < <(tail -n 1 $log | tr -dc '0-9 \n')
  check "another clone makes the same release" tests/packaging/reproducible_dist.sh dist
  passed=$((passed + ${sum[0]:-0})) failed=$((failed + ${sum[1]:-1})) skipped=$((skipped + ${sum[2]:-0}))
fi
check "and still nothing is uncommitted" [ -z "$(git status --porcelain)" ]
finish
