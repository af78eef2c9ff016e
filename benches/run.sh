#!/bin/bash
# The measurements behind docs/performance.md, which says how to read them: tables on standard output, the same in
# docs/bench/latest.json, and from that the tables and plots of the page.
#   ONLY="http start"         parts to run: size start http https bodies async cached python asyncio go polls churn handles,
#                             all of them if not set
#   ROUNDS=15 ROUND_MS=350    rounds for each row, and how long one takes
#   POLLS=10000 HANDLES="1000 10000" CHURN=100000 IDLE_SECONDS=60   how much the parts polls, handles and churn do
#   NACOS_AUTH_LIBDIR=…       a folder with another build of the library; NACOS_AUTH_INCLUDE its headers
#   BASE=….so                 a second build, for a row of its own in the parts http, https and bodies
#   OUT=docs/bench/latest.json   where the figures go; parts that were not run stay as they are in it. Another file: the page
#                             stays as it is
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
# shellcheck source=benches/server.sh
source benches/server.sh
# shellcheck source=benches/build.sh
source benches/build.sh
trap 'stop_servers; rm -rf "$work"' EXIT
parts=${ONLY:-size start http https bodies async cached python asyncio go polls churn handles}

tools=(cc)
for part in $parts; do
  case $part in
    http | https | bodies | async) tools+=(nginx curl) ;;
    cached) tools+=(nginx curl strace venv) ;;
    python | asyncio) tools+=(nginx venv) ;;
    go) tools+=(nginx) ;;
    size | start | polls) tools+=(venv) ;;
    churn | handles) ;;
    *)
      echo "no such part: $part" >&2
      exit 2
      ;;
  esac
done
benches/setup.sh "${tools[@]}"

export ROUNDS=${ROUNDS:-15} ROUND_MS=${ROUND_MS:-350} IDLE_SECONDS=${IDLE_SECONDS:-60}
export NACOS_USERNAME=nacos NACOS_PASSWORD=nacos NACOS_AUTH_LIBRARY=$libdir/libnacos_auth.so
RUN="$(date -u '+%Y-%m-%d %H:%M') UTC, commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), load average $(cut -d' ' -f1 /proc/loadavg) before"
VERSIONS=$(PATH=$PATH:/usr/sbin benches/versions.sh)
export RUN VERSIONS work libdir
# Packages are compiled once, as where they are installed; what they log and keep goes to the folder of this run.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPATH=bindings/python/src PYTHONPYCACHEPREFIX=$work/pycache
ulimit -n "$(ulimit -Hn)"

for program in server counts polls; do build $program benches/c/$program.c; done
case " ${tools[*]} " in *" curl "*) build rounds benches/c/{rounds,turns,raw,by_curl,by_library,cached,started}.c ;; esac
case " $parts " in *" cached "* | *" go "* | *" handles "*) build_go ;; esac
start_server
export NACOS_SERVER_ADDR=$SERVER
case " ${tools[*]} " in *" nginx "*) start_nginx ;; esac

failed=0 out=${OUT:-docs/bench/latest.json}
mkdir -p "$(dirname "$out")"
for part in $parts; do
  echo "== $part, from $(date +%T)" >&2
  if timeout 600 benches/part.sh "$part" >"$work/$part.jsonl"; then
    benches/table.py keep "$work/$part.jsonl" "$out"
    benches/table.py show "$out" "$part"
  else
    echo "FAILED: $part" >&2
    failed=1
  fi
done
benches/table.py show "$out" targets
[ -n "${OUT:-}" ] || benches/table.py docs "$out" docs/performance.md
exit $failed
