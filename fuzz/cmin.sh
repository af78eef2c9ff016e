#!/bin/bash
# Adds to fuzz/corpus, of what run.sh has found on this machine, the fewest inputs that reach all the code that it reached:
# cmin.sh [TARGET…], all of them by default, after run.sh. Prints what each has then.
set -eu
cd "$(dirname "$0")/.."
sanitizer=${SANITIZER:-none}
out=$PWD/build/fuzz/$sanitizer
targets=("$@")
if [ "${#targets[@]}" = 0 ]; then
  mapfile -t targets < <(cd fuzz/targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi
for target in "${targets[@]}"; do
  found=$out/corpus/$target
  if [ ! -d "$found" ]; then
    echo "$target: nothing has been found; run fuzz/run.sh first"
    continue
  fi
  program=$(ls -t "$out"/*/release/"$target" | head -n 1)
  # Code, not how often it was run, and no long inputs: what is committed is replayed with every change.
  "$program" -merge=1 -set_cover_merge=1 -use_counters=0 -max_len=1500 "fuzz/corpus/$target" "$found" >"$out/cmin-$target.log" 2>&1 ||
    { tail -n 5 "$out/cmin-$target.log"; exit 1; }
  echo "$target: $(ls "fuzz/corpus/$target" | wc -l) inputs, $(cat "fuzz/corpus/$target"/* | wc -c) bytes"
done
