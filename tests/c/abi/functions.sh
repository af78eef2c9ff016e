# shellcheck shell=bash
# Sourced after common.sh by abi.sh and update.sh: the ABI of a header, as its callers see it.

abi=tests/c/abi
baseline=$abi/nacos_auth_1.h

# library_of HEADER OUT: a shared library with every function of the header and nothing in it, so that its debug information
# is the header's: what programs are compiled against. The library's own would have the inside of every opaque type too. What
# the header asserts of its layout is left to those programs.
library_of() {
  sed 's/NACOS_NOEXCEPT;/{ __builtin_trap(); }/' "$1" >"$2.c" &&
    gcc -std=c99 -w '-D_Static_assert(...)=' -g -fPIC -shared -Wl,-soname,libnacos_auth.so.1 -o "$2" "$2.c"
}

# dump_of HEADER OUT: that as XML.
dump_of() {
  library_of "$1" "$2.so" && abidw --no-show-locs --no-corpus-path --no-comp-dir-path --out-file "$2" "$2.so" &&
    # The name of the file that was compiled.
    sed -i "s| path='[^']*'| path='nacos_auth.h'|" "$2"
}

# constants_of HEADER: names and values, which no debug information has.
constants_of() {
  gcc -std=c99 -E -dM -x c "$1" | grep '^#define NACOS_' |
    grep -vwE 'NACOS_AUTH_(H|VERSION[A-Z_]*)|NACOS_MUST_USE|NACOS_NOEXCEPT' | sort
}

# functions_of HEADER
functions_of() {
  gcc -std=c99 -E -P -x c "$1" | grep -v 'static inline' | grep -Eo '\bnacos_[a-z_]+ *\(' | tr -d ' (' |
    grep -v '_default$' | sort -u
}

# as_of_baseline HEADER: the header without what has come behind the last field that the baseline has in each struct which
# tells its size: those may grow at the end. (abidiff can be told to pass that over, but passes over more.)
as_of_baseline() {
  awk '
    /^typedef struct nacos_[a-z_]* \{/ { name = $3; sized = 0; skip = 0 }
    name != "" && $NF == "struct_size;" { sized = 1 }
    { field = name != "" && /^ +[a-z].*;$/ ? $NF "" : "" }
    FNR == NR && sized && field != "" { last[name] = field }
    FNR != NR && /^}/ { skip = 0 }
    FNR != NR && !skip
    FNR != NR && field != "" && name in last && field == last[name] { skip = 1 }
    /^}/ { name = ""; sized = 0 }
  ' $baseline "$1"
}
