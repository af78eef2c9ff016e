#!/bin/bash
# Builds the example programs and hands them to the demo. SERVER, DEMO_USERNAME and NACOS_PASSWORD choose a server of the
# user's own.
set -eu
cd "$(dirname "$0")/.."
lines=$(examples/build.sh)
arguments=()
while IFS= read -r line; do
  name=${line%%$'\t'*} command=${line#*$'\t'}
  case "$command" in
    $'\t'*) arguments+=(--missing "$name=${command#$'\t'}") ;;
    *) arguments+=(--program "$name=$command") ;;
  esac
done <<<"$lines"
if [ -n "${SERVER:-}" ]; then
  arguments+=(--server "$SERVER" --username "${DEMO_USERNAME:-nacos}")
  export NACOS_PASSWORD="${NACOS_PASSWORD:-nacos}"
else
  unset NACOS_PASSWORD
fi
exec target/release/nacos-demo "${arguments[@]}"
