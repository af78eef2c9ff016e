#!/usr/bin/env bash
# What the shared library shows the world: the functions of the header, and nothing else.
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/common.sh"

library=$libdir/libnacos_auth.so
exported=$(nm -D --defined-only "$library" | awk '{print $3}' | sort)
# The preprocessor takes the comments away; static inline functions are not exported.
declared=$(printf '#include <nacos_auth.h>\n' | gcc -E -P -Iinclude -x c - | grep -v 'static inline' |
  grep -Eo '\bnacos_[a-z_]+ *\(' | tr -d ' (' | grep -v '_default$' | sort -u)
dynamic=$(readelf -d "$library")
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' <<<"$dynamic")

check "the header declares functions" [ "$(wc -l <<<"$declared")" -ge 25 ]
check "exported are exactly the functions of the header" diff <(echo "$declared") <(echo "$exported")
check "SONAME is libnacos_auth.so.1" grep -q '(SONAME).*\[libnacos_auth.so.1\]' <<<"$dynamic"
check "needs no TLS library" bash -c "! grep -E 'ssl|crypto|gnutls' <<<'$needed'"
check "needs the C library and its like only" bash -c \
  "! grep -Ev '^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux.*)\.so' <<<'$needed'"
check "no text relocations" bash -c "! grep TEXTREL <<<'$dynamic'"
check "no executable stack" bash -c "! readelf -lW '$library' | grep -E 'GNU_STACK.*RWE'"
check "every function is called by a test, an example or a shim" bash -c \
  "for f in \$0; do grep -rqw \$f tests/c examples/c include/nacos_auth.hpp || { echo \$f; exit 1; }; done" "$declared"
finish
