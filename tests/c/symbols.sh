#!/usr/bin/env bash
# What the shared library shows the world: the functions of the header, all with one version, and nothing else.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

library=$libdir/libnacos_auth.so
# As "nacos_auth_init@@NACOS_AUTH_1"; the version itself is a symbol without a section.
exported=$(readelf --dyn-syms -W "$library" | awk '$5 == "GLOBAL" && $7 != "UND" && $7 != "ABS" {print $8}' | sort)
# The preprocessor takes the comments away; static inline functions are not exported.
declared=$(printf '#include <nacos_auth.h>\n' | gcc -E -P -Iinclude -x c - | grep -v 'static inline' |
  grep -Eo '\bnacos_[a-z_]+ *\(' | tr -d ' (' | grep -v '_default$' | sort -u)
dynamic=$(readelf -d "$library")
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' <<<"$dynamic")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check "the header declares functions" [ "$(wc -l <<<"$declared")" -ge 50 ]
# shellcheck disable=SC2001 # at the end of each line
check "exported are exactly the functions of the header, with their version" \
  diff <(sed 's/$/@@NACOS_AUTH_1/' <<<"$declared") <(echo "$exported")
check "NACOS_AUTH_1 is the only version" \
  [ "$(readelf -V -W "$library" | sed -n '/gnu.version_d/,/gnu.version_r/s/.*Name: \(NACOS[^ ]*\).*/\1/p')" = NACOS_AUTH_1 ]
check "SONAME is libnacos_auth.so.1" grep -q '(SONAME).*\[libnacos_auth.so.1\]' <<<"$dynamic"
check "needs no TLS library" bash -c "! grep -E 'ssl|crypto|gnutls' <<<'$needed'"
check "needs the C library and its like only" bash -c \
  "! grep -Ev '^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux.*)\.so' <<<'$needed'"
check "no text relocations" bash -c "! grep TEXTREL <<<'$dynamic'"
check "no executable stack" bash -c "! readelf -lW '$library' | grep -E 'GNU_STACK.*RWE'"
check "every function is called by a test, an example or a shim" bash -c \
  "for f in \$0; do grep -rqw \$f tests/c examples/c include/nacos_auth.hpp || { echo \$f; exit 1; }; done" "$declared"

# Whoever links with the library writes down which version its functions had: a library without it is refused, in words.
check "a program builds" gcc -std=c99 "${warnings[@]}" -o "$work/program" examples/c/main.c "${link[@]}"
check "a program records the version that it needs" bash -c \
  "readelf -V -W '$work/program' | grep -A 3 'File: libnacos_auth.so.1' | grep -qw 'Name: NACOS_AUTH_1'"
check "and the version of each function" bash -c \
  "readelf --dyn-syms -W '$work/program' | grep ' UND ' | grep nacos_ | grep -c '@NACOS_AUTH_1 ' | grep -vqx 0 &&
   ! readelf --dyn-syms -W '$work/program' | grep ' UND ' | grep nacos_ | grep -v '@NACOS_AUTH_1 '"
echo 'int nacos_auth_init(void); int nacos_auth_init(void) { return 0; }' >"$work/other.c"
echo 'NACOS_AUTH_2 { global: nacos_*; };' >"$work/other.map"
check "a library of another version builds" gcc -shared -fPIC -Wl,-soname,libnacos_auth.so.1 \
  "-Wl,--version-script=$work/other.map" -o "$work/libnacos_auth.so.1" "$work/other.c"
output=$(LD_LIBRARY_PATH=$work "$work/program" 0 2>&1)
check "and is refused" grep -q "version .NACOS_AUTH_1. not found" <<<"$output"
finish
