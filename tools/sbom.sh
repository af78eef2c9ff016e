#!/usr/bin/env bash
# Writes build/nacos-auth.cdx.json and build/nacos-auth-cli.cdx.json, the bills of materials of the library and of the command in
# CycloneDX's JSON: what is linked into them, with versions, checksums and licences. The same sources give the same bytes.
set -eu
cd "$(dirname "$0")/.."
tools/crates.sh cargo-cyclonedx

# In a copy: it writes one beside the manifest of every member of the workspace.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z -- '*.rs' '*Cargo.toml' Cargo.lock | tar --null --files-from=- -c | tar -C "$work" -x
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) build/tools/bin/cargo-cyclonedx cyclonedx --quiet --format json \
  --spec-version 1.5 --target x86_64-unknown-linux-gnu --no-build-deps --override-filename nacos-auth.cdx \
  --manifest-path "$work/Cargo.toml"
mkdir -p build
sed "s|path+file://$work|path+file:///nacos-auth|g" "$work/nacos-auth.cdx.json" >build/nacos-auth.cdx.json
sed "s|path+file://$work|path+file:///nacos-auth|g" "$work/cli/nacos-auth.cdx.json" >build/nacos-auth-cli.cdx.json
