#!/bin/bash
# Builds the library and the example programs and hands them to the demo. SERVER, DEMO_USERNAME and NACOS_PASSWORD choose a
# server of the user's own. Without one, what the demo prints is in build/demo.txt too.
set -eu
cd "$(dirname "$0")/.."
user=${DEMO_USERNAME:-nacos}
if [ -n "${SERVER:-}" ]; then
  echo "This logs in at $SERVER as $user, publishes the configuration nacos-auth-demo in DEFAULT_GROUP, reads it for 30 s and"
  echo "deletes it, after Ctrl-C too; a user who may not publish only reads. Nothing else is changed there."
fi
echo "First the library and the programs are built, which takes some minutes the first time."

tools/step.sh library make --no-print-directory prefix
tools/step.sh demo cargo build --package demo
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
  arguments+=(--server "$SERVER" --username "$user")
  export NACOS_PASSWORD="${NACOS_PASSWORD:-nacos}"
else
  arguments+=(--output build/demo.txt)
  unset NACOS_PASSWORD
fi
exec target/debug/nacos-demo "${arguments[@]}"
