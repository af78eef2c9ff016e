#!/usr/bin/env bash
# Installs what the release build needs into build/dist-tools, in the versions of requirements.txt.
set -eu
cd "$(dirname "$0")/../.."
if ! cmp -s tools/dist/requirements.txt build/dist-tools/requirements.txt; then
  python3 -m venv build/dist-tools
  build/dist-tools/bin/pip install --quiet --disable-pip-version-check -r tools/dist/requirements.txt
  cp tools/dist/requirements.txt build/dist-tools/
fi
