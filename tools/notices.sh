#!/usr/bin/env bash
# Writes THIRD-PARTY.txt and cli/THIRD-PARTY.txt: the licences of what is linked into the library, and into the command. Asks the
# network, for some minutes.
set -eu
cd "$(dirname "$0")/.."
cargo about generate about.hbs --output-file THIRD-PARTY.txt
cargo about generate --manifest-path cli/Cargo.toml --config about.toml about.hbs --output-file cli/THIRD-PARTY.txt
