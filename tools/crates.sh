#!/usr/bin/env bash
# crates.sh TOOL…: builds tools that no package brings into build/tools/bin, which takes minutes the first time.
set -eu
cd "$(dirname "$0")/.."
for tool in "$@"; do
  case $tool in
    cargo-cyclonedx) version=0.5.9 ;;
    cargo-deny) version=0.20.2 ;;
    *) echo "no version of $tool is chosen" >&2 && exit 2 ;;
  esac
  grep -qs "^\"$tool $version " build/tools/.crates.toml ||
    cargo install --quiet --locked --root build/tools "$tool@$version"
done
