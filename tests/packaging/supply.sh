#!/usr/bin/env bash
# What the library is made of: licences, sources, bans and duplicates (deny.toml), and the bill of materials. Advisories are
# not looked at: their database is not at hand everywhere. Faults on purpose show that each is looked at. The tools are those of
# tools/crates.sh.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

deny() { build/tools/bin/cargo-deny --config "$1" check "${@:2}"; }
# refused NAME CHECK WORDS SED-SCRIPT: with other rules, cargo-deny complains of that.
refused() {
  local output
  sed -E "$4" deny.toml >"$work/deny.toml"
  if cmp -s deny.toml "$work/deny.toml"; then fail "planted: $1" "the change changes nothing"; return; fi
  if output=$(deny "$work/deny.toml" "$2" 2>&1); then fail "planted: $1 is refused"; return; fi
  if grep -Eq "$3" <<<"$output"; then pass "planted: $1 is refused"; else fail "planted: $1 is refused" "$output"; fi
}
if tools/crates.sh cargo-deny; then
  for what in licenses sources bans; do check "$what" deny deny.toml $what; done
  refused "a licence" licenses 'error\[rejected\]' '/"ISC",/d'
  refused "a registry" sources 'error\[source-not-allowed\]' 's|^allow-registry = .*|allow-registry = []|'
  refused "a crate" bans 'error\[banned\]' 's|^deny = \[|&"ring", |'
  refused "a crate in two versions" bans 'error\[duplicate\]' '/^skip-tree/d'
else
  skip "licences, sources, bans" "cargo-deny cannot be had"
fi

# listed SBOM CRATES: each `name version` is in it, with a licence and a checksum; nothing is in it that Cargo.lock lacks.
listed() {
  python3 - "$1" "$2" <<'END'
import json, re, sys
bom = json.load(open(sys.argv[1]))
# The library, in the command's, is of this repository.
parts = [part for part in bom["components"] if "download_url=file:" not in part["purl"]]
there = {f"{part['name']} {part['version']}" for part in parts if part.get("licenses") and part.get("hashes")}
wanted = set(open(sys.argv[2]).read().splitlines())
locked = {" ".join(pair) for pair in re.findall(r'^name = "(.*)"\nversion = "(.*)"$', open("Cargo.lock").read(), re.M)}
nameless = [part["name"] for part in parts if f"{part['name']} {part['version']}" not in there]
problems = {"missing": sorted(wanted - there), "without a licence": nameless, "not in Cargo.lock": sorted(there - locked)}
print("\n".join(f"{name}: {', '.join(crates)}" for name, crates in problems.items() if crates))
sys.exit(any(problems.values()) or len(wanted) < 20)
END
}
if tools/crates.sh cargo-cyclonedx; then
  sbom=build/nacos-auth.cdx.json
  check "the bill of materials is written" tools/sbom.sh
  cp $sbom "$work/first.json"
  check "and again the same" eval "tools/sbom.sh && cmp $sbom '$work/first.json'"
  # linked PACKAGE: the crates of others in it.
  linked() {
    cargo tree --edges normal --target x86_64-unknown-linux-gnu --package "$1" --prefix none --format '{p}' |
      sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | grep -Ev '^nacos-auth(-cli)? ' | sort -u
  }
  linked nacos-auth-cli >"$work/tree"
  check "that of the command lists the $(wc -l <"$work/tree") crates that cargo links" listed build/nacos-auth-cli.cdx.json "$work/tree"
  check "neither tells a path" eval "! grep -n -e /tmp/ -e '$PWD' -e '$HOME' $sbom build/nacos-auth-cli.cdx.json"
  linked nacos-auth >"$work/tree"
  # Places in the sources, for messages of panics.
  strings "$libdir/libnacos_auth.so" | grep -Eo 'registry/src/[^/]+/[^/]+/' | cut -d / -f 4 | sed -E 's/-([0-9]+\.)/ \1/' |
    sort -u >"$work/seen"
  check "it lists the $(wc -l <"$work/tree") crates that cargo links" listed $sbom "$work/tree"
  check "it lists the $(wc -l <"$work/seen") crates that the library itself names" listed $sbom "$work/seen"
  sed 's/"name": "ring"/"name": "gnir"/' $sbom >"$work/without.json"
  check "planted: one without ring is noticed" eval "! listed '$work/without.json' '$work/tree'"
  sed '0,/"licenses"/! {0,/"licenses"/ s/"licenses"/"other"/}' $sbom >"$work/unlicensed.json"
  check "planted: a crate without a licence is noticed" eval "! listed '$work/unlicensed.json' '$work/tree'"
else
  skip "the bill of materials" "cargo-cyclonedx cannot be had"
fi
finish
