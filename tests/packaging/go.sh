#!/usr/bin/env bash
# The Go module as its users have it: required by an empty module outside the repository, linked with an installed library
# and with the archive, run against the server; and what a user is told whose installation is missing or does not match.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
unset LD_LIBRARY_PATH PKG_CONFIG_PATH CGO_LDFLAGS CGO_CFLAGS GOFLAGS MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR
for tool in go cc pkg-config; do
  command -v $tool >/dev/null || { skip "the Go module" "no $tool"; finish; exit; }
done

root=$PWD work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix project=$work/project module=github.com/nacos-auth/nacos-auth/bindings/go
mkdir "$project"
# Go takes a package out of its cache without asking pkg-config or looking at the header again.
export GOCACHE=$work/go-build
check "install" make --no-print-directory install PREFIX="$prefix" LIBRARY="$libdir/libnacos_auth.so" || { finish; exit 1; }
start_server --port 0 || true

cat >"$project/main.go" <<'END'
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
END

in_project() { env -C "$project" PKG_CONFIG_PATH="$prefix/lib/pkgconfig" "$@"; }
require() { # MODULE FOLDER: as a user does as long as the module is not published
  in_project go mod edit "-require=$1@v0.0.0" "-replace=$1=$root/$2"
}
check "go mod init" in_project go mod init example.com/consumer
check "go mod edit" require $module bindings/go

needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libnacos_auth.*\)\]/\1/p'; }
says() { # NAME WANTED COMMAND…: what the program prints
  local name=$1 wanted=$2 output
  shift 2
  if [ -z "$server_pid" ]; then skip "$name" "no $devserver"; return; fi
  output=$(timeout 120 "$@" 2>&1)
  if [ "$output" = "$wanted" ]; then pass "$name"; else fail "$name" "$output"; fi
}
refused() { # NAME PATTERN COMMAND…: the command fails, and says why
  local name=$1 pattern=$2 output
  shift 2
  if output=$("$@" 2>&1); then fail "$name" "it succeeded"; return; fi
  if grep -q "$pattern" <<<"$output"; then pass "$name"; else fail "$name" "$output"; fi
}

if check "dynamic: builds" in_project CGO_LDFLAGS="-Wl,-rpath,$prefix/lib" go build -o dynamic .; then
  check "dynamic: asks for libnacos_auth.so.1" [ "$(needed "$project/dynamic")" = libnacos_auth.so.1 ]
  says "dynamic: runs" "200 hello, dynamic" "$project/dynamic"
  cc -shared -fPIC -x c -o "$work/other.so" - <<<'unsigned nacos_auth_abi_version(void) { return 7; }'
  says "dynamic: a library of another ABI is refused" \
    "nacosauth: INTERNAL: libnacos_auth $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1) speaks ABI 7, this program was built for ABI 1: install the matching library" \
    env LD_PRELOAD="$work/other.so" "$project/dynamic"
fi
if [ -e target/release/libnacos_auth.a ]; then
  if check "static: builds without an installation" in_project PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR="$work" go build -tags nacos_auth_static -o static .; then
    check "static: has the library inside" [ "$(needed "$project/static")" = "" ]
    mkdir "$work/elsewhere"
    mv "$project/static" "$work/elsewhere/program"
    says "static: runs" "200 hello, static" "$work/elsewhere/program"
  fi
else
  skip "static" "no target/release/libnacos_auth.a"
fi

refused "without an installation pkg-config names what is missing" "nacos_auth.pc" \
  in_project PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR="$work" go build -o none .
refused "without cgo the compiler says what to do" "set_CGO_ENABLED_1" in_project CGO_ENABLED=0 go build -o none .
mkdir -p "$work/other/lib/pkgconfig" "$work/other/include"
sed 's/^#define NACOS_AUTH_ABI_VERSION .*/#define NACOS_AUTH_ABI_VERSION 7/' include/nacos_auth.h >"$work/other/include/nacos_auth.h"
sed "s|^prefix=.*|prefix=$work/other|" "$prefix/lib/pkgconfig/nacos_auth.pc" >"$work/other/lib/pkgconfig/nacos_auth.pc"
refused "a header of another ABI is refused" "written for ABI 1" \
  in_project PKG_CONFIG_PATH="$work/other/lib/pkgconfig" go build -o none .

# The adapters bring dependencies, which the first build downloads.
cat >"$project/main.go" <<'END'
package main

import (
	nacosgrpc "github.com/nacos-auth/nacos-auth/bindings/go/grpc"
	nacosoauth2 "github.com/nacos-auth/nacos-auth/bindings/go/oauth2"
)

func main() { _, _ = nacosoauth2.TokenSource, nacosgrpc.Credentials{} }
END
check "the adapters are required" eval "require $module/oauth2 bindings/go/oauth2 && require $module/grpc bindings/go/grpc"
if output=$(in_project go mod tidy 2>&1); then
  check "the adapters build" in_project go build -o adapters .
else
  skip "the adapters build" "their dependencies cannot be had: $(tail -n 1 <<<"$output")"
fi
finish
