#!/usr/bin/env bash
# The Go tests with the race detector, with every pointer that crosses to C checked (cgocheck2), and with the collector at work
# all the time. Faults on purpose show that each is on.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../c/common.sh"
for tool in go cc pkg-config; do
  command -v $tool >/dev/null || { skip "go" "no $tool"; finish; exit; }
done
if [ ! -e build/prefix/lib/pkgconfig/nacos_auth.pc ]; then skip "go" "no build/prefix; run make prefix"; finish; exit; fi

export PKG_CONFIG_PATH=$PWD/build/prefix/lib/pkgconfig CGO_LDFLAGS="-Wl,-rpath,$PWD/build/prefix/lib"
export GOFLAGS=-tags=nacos_auth_dynamic
export GOEXPERIMENT=cgocheck2
unset LD_LIBRARY_PATH

# tests FOLDER: counts its tests. GOGC is for them, not for the compiler.
tests() {
  local output good bad
  output=$(cd "$1" && timeout 1800 go test -count=1 -race -v -exec "env GOGC=1" ./... 2>&1)
  local status=$?
  good=$(grep -c '^--- PASS' <<<"$output") bad=$(grep -c '^--- FAIL' <<<"$output")
  [ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ "$good" -gt 0 ] || bad=1
  passed=$((passed + good)) failed=$((failed + bad))
  if [ "$bad" = 0 ]; then echo "ok      $1: $good tests"; else echo "FAILED  $1"; tail -n 60 <<<"$output"; fi
}
for folder in bindings/go bindings/go/oauth2 bindings/go/grpc bindings/go/prometheus bindings/go/otel; do tests $folder; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# planted NAME WORDS BODY: a program in Go, with C, that the tools complain of.
planted() {
  local output
  printf 'module plant\ngo 1.24\n' >"$work/go.mod"
  cat >"$work/main.go"
  output=$(cd "$work" && timeout 300 go run -race . 2>&1) && { fail "planted: $1 is reported" "the program succeeded"; return; }
  if grep -q "$2" <<<"$output"; then pass "planted: $1 is reported"; else fail "planted: $1 is reported" "$output"; fi
}
planted "a race" "DATA RACE" <<'END'
package main

import "sync"

func main() {
	var count int
	var both sync.WaitGroup
	for range 2 {
		both.Add(1)
		go func() { count++; both.Done() }()
	}
	both.Wait()
	_ = count
}
END
planted "a Go pointer stored in C's memory" "Go pointer stored into non-Go memory" <<'END'
package main

// #include <stdlib.h>
import "C"
import "unsafe"

func main() {
	place := (**int)(C.malloc(8))
	number := new(int)
	*place = number
	C.free(unsafe.Pointer(place))
}
END
finish
