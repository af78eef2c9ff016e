#!/bin/bash
# Fuzzes: run.sh [SECONDS [TARGET…]], 60 seconds each and all targets by default, two at a time. Builds once, shows that
# each target finds a fault that is planted for that, then lets it look for others; ends with `N passed, N failed, N skipped`.
# SANITIZER=address builds with AddressSanitizer, which takes longer; SANITIZER=none is the default.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
targets=("${@:2}")
if [ "${#targets[@]}" = 0 ]; then
  mapfile -t targets < <(cd fuzz/targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi
sanitizer=${SANITIZER:-none}
out=$PWD/build/fuzz/$sanitizer
at_once=2
# A planted fault is found in a second or two; a machine may be busy.
patience=60

skip() {
  echo "SKIPPED: $1"
  echo "0 passed, 0 failed, ${#targets[@]} skipped"
  exit 0
}

# Coverage for libFuzzer is a matter of flags that only nightly takes.
if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "installing the nightly toolchain"
  rustup toolchain install nightly --profile minimal >/dev/null 2>&1 || skip "there is no nightly toolchain"
fi
command -v c++ >/dev/null 2>&1 || skip "there is no C++ compiler"
PATH=$PATH:$PWD/build/tools/bin
if ! command -v cargo-fuzz >/dev/null 2>&1; then
  echo "installing cargo-fuzz"
  cargo install --quiet --locked --root build/tools cargo-fuzz || skip "cargo-fuzz cannot be installed"
fi

echo "building the targets (sanitizer: $sanitizer)"
CARGO_BUILD_JOBS=$at_once cargo +nightly fuzz build --sanitizer "$sanitizer" \
  --no-cfg-fuzzing --codegen-units 16 --target-dir "$out"
programs=$(dirname "$(ls -t "$out"/*/release/"${targets[0]}" | head -n 1)")

# fuzz TARGET SECONDS DICTIONARY LOG CORPUS…: what it finds goes into the first one.
fuzz() {
  local target=$1 time=$2 dictionary=fuzz/dictionaries/$3 log=$4 options=()
  shift 4
  mkdir -p "$out/artifacts/$target"
  [ ! -e "$dictionary" ] || options+=("-dict=$dictionary")
  # Every step of the search for secrets is as long as the text.
  case $target in
    login_answer | refusal) options+=(-max_len=600) ;;
    # How often something was run depends on how their threads are scheduled: it would make nearly every run a new one.
    http_answer | calls) options+=(-use_counters=0 -entropic=0) ;;
  esac
  timeout $((time + 120)) "$programs/$target" "${options[@]}" -max_total_time="$time" -timeout=20 -rss_limit_mb=4096 \
    -artifact_prefix="$out/artifacts/$target/" "$@" >"$log" 2>&1
}

# The last line with figures that libFuzzer printed.
figures() {
  grep -aE '^#[0-9]+' "$1" | tail -n 1 | sed -E 's/^#([0-9]+).* cov: ([0-9]+).*/\1 runs, coverage \2/'
}

check() {
  local target=$1 log=$out/logs/$1 seed=$out/planted/$1
  rm -rf "$seed"
  mkdir -p "$out/logs" "$seed" "$out/corpus/$target"
  cp "fuzz/planted/$target" "$seed"
  # Nearly every run of this one is a new input, and the seed is lost among them before it is changed as it should be.
  [ "$target" != http_answer ] || cp "fuzz/planted/$target.found" "$seed"
  if FUZZ_PLANTED=1 fuzz "$target" "$patience" planted "$log.planted" -exact_artifact_path="$out/planted-$target" "$seed"; then
    echo "FAILED: $target has not found the planted fault in $patience s: $(figures "$log.planted")"
    return 1
  fi
  echo "$target found the planted fault: $(figures "$log.planted")"
  if fuzz "$target" "$seconds" "$target" "$log" "$out/corpus/$target" "fuzz/corpus/$target" && grep -aqE '^#[0-9]+.*DONE' "$log"; then
    echo "$target: $(figures "$log")"
    return 0
  fi
  grep -aE -A 3 'panicked|ERROR:|Test unit written|Base64' "$log" | cut -c 1-2000
  echo "FAILED: $target: $(figures "$log"); all of it is in $log"
  return 1
}

passed=0 failed=0 running=0
reap() {
  if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  running=$((running - 1))
}
for target in "${targets[@]}"; do
  [ "$running" -lt "$at_once" ] || reap
  echo "$target: $seconds s"
  check "$target" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do reap; done

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
