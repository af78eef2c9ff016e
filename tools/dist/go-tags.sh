#!/usr/bin/env bash
# go-tags.sh DIST: commits the Go modules of DIST/go, which are those of this commit with the library inside and without what holds
# in a checkout alone, beside all branches, and tags that commit as the go command looks for it. It prints how to push the tags.
set -eu
dist=$(realpath "$1")
cd "$(dirname "$0")/../.."
repository=github.com/nacos-auth/nacos-auth
version=$(cat "$dist/go/$repository/bindings/go/@v/list")
work=$(mktemp -d)
trap 'git worktree remove --force "$work/tree" 2>/dev/null || true; rm -rf "$work"' EXIT

git worktree add --quiet --detach "$work/tree" HEAD
rm -r "$work/tree/bindings/go"
tags=()
while read -r zip; do
  folder=${zip#"$dist/go/$repository/"}
  folder=${folder%/@v/*}
  unzip -q "$zip" -d "$work/modules"
  mkdir -p "$work/tree/$folder"
  cp -r "$work/modules/$repository/$folder@$version/." "$work/tree/$folder/"
  tags+=("$folder/$version")
done < <(find "$dist/go/$repository/bindings/go" -name "$version.zip" | sort)
git -C "$work/tree" add --all --force bindings/go
git -C "$work/tree" commit --quiet --message "Go modules $version, with the library inside"
for tag in "${tags[@]}"; do git -C "$work/tree" tag "$tag"; done
echo "git push origin ${tags[*]}"
