#!/usr/bin/env bash
# Whether the last commit can be released: nothing uncommitted, one version everywhere and a heading for it in CHANGELOG.md, the
# ABI of the baseline, the documentation built, and everything in dist/, built anew, tried from empty environments. Takes some
# twenty minutes. Ends with "N passed, N failed, N skipped".
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../tests/c/common.sh"
log=build/release-check.log
mkdir -p build

check "nothing is uncommitted" [ -z "$(git status --porcelain)" ] || { finish; exit 1; }
check "one version everywhere, with a heading in CHANGELOG.md" tools/versions.py --released
check "what is generated is what the sources say" env NACOS_AUTH_CHECK_HEADER=1 cargo check --quiet --locked
check "the documentation builds" make --no-print-directory site
if check "make dist" make --no-print-directory dist; then
  check "the ABI is that of the baseline" env NACOS_AUTH_LIBDIR="$PWD/build/dist/linux_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" tests/c/abi.sh
  tests/dist/run.sh dist | tee $log
  read -r -a sum < <(tail -n 1 $log | tr -dc '0-9 \n')
  passed=$((passed + ${sum[0]:-0})) failed=$((failed + ${sum[1]:-1})) skipped=$((skipped + ${sum[2]:-0}))
fi
check "and still nothing is uncommitted" [ -z "$(git status --porcelain)" ]
finish
