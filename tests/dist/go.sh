#!/usr/bin/env bash
# go.sh DIST: the Go modules as their users have them, from DIST/go alone: required by an empty module, linked with the library
# inside and with an installed one, vendored and not, run against the server; and what a user is told for whom it cannot work.
# The installed library is that of the binary tarball in DIST, or else what make install installs.
dist=$(realpath "$1")
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH PKG_CONFIG_PATH CGO_LDFLAGS CGO_CFLAGS CC GOFLAGS GOWORK MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR
for tool in go cc pkg-config; do
  command -v $tool >/dev/null || { skip "Go: all" "no $tool"; finish; exit; }
done

[ -d "$dist/go" ] || { skip "Go: all" "no modules for this machine"; finish; exit 0; }

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
module=github.com/nacos-auth/nacos-auth/bindings/go
version=$(cat "$dist/go/$module/@v/list")
# A cache of their own, since those of another build may have the same version; what they require comes from the usual one.
GOPROXY=file://$dist/go,file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)
export GOPROXY "GONOSUMDB=github.com/nacos-auth/*" GOTOOLCHAIN=local GOMODCACHE=$work/modules
start_server --port 0 || true

prefix=$work/prefix
tarball=$(find "$dist" -maxdepth 1 -name 'nacos-auth-*-linux-*.tar.gz' | head -n 1)
if [ -n "$tarball" ]; then
  mkdir "$prefix"
  check "Go: dynamic: install $(basename "$tarball")" tar -C "$prefix" --strip-components 1 -xzf "$tarball"
else
  check "Go: dynamic: install" make --no-print-directory install PREFIX="$prefix" LIBRARY="$libdir/libnacos_auth.so"
fi

# Each line says what is used, how, and what was seen.
# program FOLDER: an empty module with a program.
program() {
  mkdir -p "$1"
  (cd "$1" && go mod init example.com/consumer) >"$work/said" 2>&1
  cat >"$1/main.go"
}
# linked PROGRAM static|dynamic
linked() {
  local needed
  needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libnacos_auth.*\|libgcc_s.*\)\]/\1/p')
  if [ "$2" = static ]; then [ "$needed" = "" ]; else [ "$needed" = libnacos_auth.so.1 ]; fi
}
# says NAME WANTED COMMAND…: what the program prints
says() {
  local name=$1 wanted=$2 output
  shift 2
  if [ -z "$server_pid" ]; then skip "$name" "no $devserver"; return; fi
  output=$(timeout 120 "$@" 2>&1)
  if [ "$output" = "$wanted" ]; then pass "$name"; else fail "$name" "$output"; fi
}
# refused NAME WORDS COMMAND…: the command fails, says why, and little else.
refused() {
  local name=$1 words=$2 output
  shift 2
  if output=$("$@" 2>&1); then fail "$name" "it succeeded"; return; fi
  if grep -q "$words" <<<"$output" && [ "$(wc -l <<<"$output")" -le 8 ]; then pass "$name"; else fail "$name" "$output"; fi
}
# built NAME static|dynamic FOLDER [VARIABLE=… …] -- OPTION…: builds there, and runs it elsewhere.
built() {
  local name=$1 kind=$2 folder=$3 variables=()
  shift 3
  while [ "$1" != -- ]; do variables+=("$1"); shift; done
  shift
  rm -f "$work/program"
  check "Go: $name: builds" env -C "$folder" ${variables[@]+"${variables[@]}"} go build -o "$work/program" "$@" . || return
  check "Go: $name: has the library $([ "$kind" = static ] && echo inside || echo outside)" linked "$work/program" "$kind"
  says "Go: $name: runs" "200 hello, $kind" env LD_LIBRARY_PATH="$([ "$kind" = static ] || echo "$prefix/lib")" "$work/program"
}
dynamic=("PKG_CONFIG_PATH=$prefix/lib/pkgconfig")
nowhere=(PKG_CONFIG_PATH= "PKG_CONFIG_LIBDIR=$work")

project="$work/a project"
program "$project" <<'GO'
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

func main() {
	log.SetFlags(0)
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	response, err := client.Get(context.Background(), "/v1/cs/configs", url.Values{"dataId": {"demo"}, "group": {"DEFAULT_GROUP"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s, %s\n", response.StatusCode, response.Body, nacosauth.Linkage)
}
GO
check "Go: go get: go get" env -C "$project" go get "$module@latest" || { finish; exit 1; }
check "Go: go get: go mod tidy" env -C "$project" go mod tidy
check "Go: go get: it is $version, and the library too" [ "$(cd "$project" && go list -m -f '{{.Version}}' $module $module/lib/linux_amd64 | sort -u)" = "$version" ]
check "Go: go get: the library comes with its licences" [ -s "$work/modules/$module/lib/linux_amd64@$version/THIRD-PARTY.txt" ]

refused "Go: dynamic: without an installation pkg-config names what is missing" nacos_auth.pc \
  env -C "$project" "${nowhere[@]}" go build -tags nacos_auth_dynamic -o "$work/none" .
refused "Go: without cgo: the compiler says what to do" set_CGO_ENABLED_1 env -C "$project" CGO_ENABLED=0 go build -o "$work/none" .
for target in darwin/arm64 windows/amd64 linux/arm64; do
  refused "Go: for $target: the compiler says what to do" build_with_tags_nacos_auth_dynamic \
    env -C "$project" GOOS=${target%/*} GOARCH=${target#*/} go build -o "$work/none" .
  refused "Go: for $target: with an installed library it wants a C compiler alone" set_CGO_ENABLED_1 \
    env -C "$project" GOOS=${target%/*} GOARCH=${target#*/} go build -tags nacos_auth_dynamic -o "$work/none" .
done
built "static" static "$project" "${nowhere[@]}" --
built "static program" static "$project" "${nowhere[@]}" -- -ldflags '-extldflags "-static"'
built "static, -buildmode=pie" static "$project" "${nowhere[@]}" -- -buildmode=pie -trimpath
check "Go: go vet: go vet" env -C "$project" go vet ./...
check "Go: go get: go mod verify" env -C "$project" go mod verify
if built "dynamic" dynamic "$project" "${dynamic[@]}" -- -tags nacos_auth_dynamic; then
  cc -shared -fPIC -x c -o "$work/other.so" - <<<'unsigned nacos_auth_abi_version(void) { return 7; }'
  says "Go: dynamic: a library of another ABI is refused" \
    "nacosauth: INTERNAL: libnacos_auth ${version#v} speaks ABI 7, this program was built for ABI 1: install the matching library" \
    env LD_LIBRARY_PATH="$prefix/lib" LD_PRELOAD="$work/other.so" "$work/program"
fi

check "Go: vendored: go mod vendor" env -C "$project" go mod vendor
offline=(GOPROXY=off GOFLAGS=-mod=vendor "GOMODCACHE=$work/empty")
built "vendored, static" static "$project" "${offline[@]}" "${nowhere[@]}" --
built "vendored, dynamic" dynamic "$project" "${offline[@]}" "${dynamic[@]}" -- -tags nacos_auth_dynamic

# A repository as it is after a release, in the place of the real one.
export GIT_AUTHOR_NAME=release GIT_AUTHOR_EMAIL=release@example.com GIT_COMMITTER_NAME=release GIT_COMMITTER_EMAIL=release@example.com
tagged() { git clone --quiet "$PWD" "$work/repository" && "$work/repository/tools/dist/go-tags.sh" "$dist"; }
if check "Go: tags: are made" tagged; then
  printf '[url "file://%s"]\n\tinsteadOf = https://github.com/nacos-auth/nacos-auth\n' "$work/repository" >"$work/gitconfig"
  program "$work/tags" <<<'package main'
  check "Go: tags: go get" env -C "$work/tags" GIT_CONFIG_GLOBAL="$work/gitconfig" GOPRIVATE=github.com/nacos-auth/* \
    GOMODCACHE="$work/modules by tags" go get "$module@$version"
  check "Go: tags: these are the same modules" diff "$project/go.sum" "$work/tags/go.sum"
fi

# The adapters bring dependencies, which may have to be downloaded.
program "$work/adapters" <<'GO'
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	nacosgrpc "github.com/nacos-auth/nacos-auth/bindings/go/grpc"
	nacosoauth2 "github.com/nacos-auth/nacos-auth/bindings/go/oauth2"
	_ "github.com/nacos-auth/nacos-auth/bindings/go/otel"
	nacosprometheus "github.com/nacos-auth/nacos-auth/bindings/go/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

func main() {
	log.SetFlags(0)
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: os.Getenv("NACOS_SERVER_ADDR"), Username: "nacos", Password: "nacos"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	token, err := nacosoauth2.TokenSource(context.Background(), client).Token()
	if err != nil {
		log.Fatal(err)
	}
	metadata, err := nacosgrpc.Credentials{Client: client, Insecure: true}.GetRequestMetadata(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	collector, err := nacosprometheus.NewCollector(map[string]*nacosauth.Client{"orders": client})
	if err != nil {
		log.Fatal(err)
	}
	prometheus.MustRegister(collector)
	families, err := prometheus.DefaultGatherer.Gather()
	isMeasured := false
	for _, family := range families {
		isMeasured = isMeasured || family.GetName() == "nacos_auth_token_seconds_remaining"
	}
	fmt.Println(metadata["accesstoken"] == token.AccessToken && token.AccessToken != "", isMeasured, err, nacosauth.Linkage)
}
GO
# With the race detector, as the modules' own tests have built what they require.
if check "Go: adapters, -race: go get" env -C "$work/adapters" go get $module/oauth2 $module/grpc $module/otel $module/prometheus github.com/prometheus/client_golang; then
  if check "Go: adapters, -race: builds" env -C "$work/adapters" go build -race -o "$work/program" .; then
    says "Go: adapters, -race: runs" "true true <nil> static" "$work/program"
  fi
  sums() { grep "^$module\(/lib/linux_amd64\)\? " "$1/go.sum" | sort; }
  check "Go: adapters, -race: they know the sums of what they require" diff <(sums "$work/adapters") <(sums "$work/modules/$module/oauth2@$version")
fi
finish
