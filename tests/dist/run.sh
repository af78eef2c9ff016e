#!/usr/bin/env bash
# run.sh DIST: tries everything in DIST from empty environments, and ends with one table: what is installed, how it is used, and
# whether that passed. The scripts beside this one print a line for each try: "ok WHAT: HOW", "FAILED …", "skipped …: WHY".
set -u
dist=$(realpath "$1")
cd "$(dirname "$0")" || exit
logs=$PWD/../../build/dist-logs
mkdir -p "$logs"
rm -f "$logs"/*.log
for script in *.sh; do
  [ "$script" != run.sh ] || continue
  echo "=== ${script%.sh}"
  "./$script" "$dist" 2>&1 | tee "$logs/${script%.sh}.log"
  # A script that ended in the middle has not passed.
  tail -n 1 "$logs/${script%.sh}.log" | grep -Eqx '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped' ||
    echo "FAILED  ${script%.sh}: it ended without a sum" | tee -a "$logs/${script%.sh}.log"
done
exec python3 table.py "$logs"
