#!/bin/bash
# `nacos-auth proxy` beside nginx as a plain proxy that puts a fixed token on requests: the same server behind both, the same
# load (wrk), turn by turn; prints the medians of the ratios. What nginx does not do: log in, renew, repeat what is refused.
set -eu
cd "$(dirname "$0")/.."
for tool in wrk nginx; do
  PATH=$PATH:/usr/sbin command -v $tool >/dev/null || { echo "MISSING: $tool; on Debian: sudo apt-get install $tool" >&2; exit 1; }
done
tools/cargo-release.sh build --quiet --release --package nacos-auth-cli
work=$(mktemp -d)
# shellcheck source=benches/server.sh
source benches/server.sh
trap 'stop_servers; rm -rf "$work"' EXIT
start_nginx

read -r plain ours <<<"$(free_ports 2)"
cat >"$work/plain.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/plain.pid;
error_log $work/plain.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  upstream nacos { server $HTTP; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:$plain;
    location / {
      proxy_pass http://nacos;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer $TOKEN";
    }
  }
}
CONF
PATH=$PATH:/usr/sbin nginx -c "$work/plain.conf" -p "$work" 2>>"$work/plain.log" &
server_pids+=($!)
NACOS_SERVER_ADDR=$HTTP NACOS_USERNAME=nacos NACOS_PASSWORD=nacos \
  target/release/nacos-auth proxy --listen "127.0.0.1:$ours" 2>"$work/ours.log" &
server_pids+=($!)
path="/nacos/v1/cs/configs?dataId=app.yaml&group=DEFAULT_GROUP"
for port in "$plain" "$ours"; do
  curl -s --retry 50 --retry-connrefused --retry-delay 1 -o /dev/null "http://127.0.0.1:$port$path"
done

# measure PORT CONNECTIONS: requests per second, p50 and p99 in µs.
measure() {
  wrk --latency -t 1 -c "$2" -d "${SECONDS_EACH:-3}s" "http://127.0.0.1:$1$path" | python3 -c '
import re, sys
text = sys.stdin.read()
assert "Non-2xx" not in text, text
unit = {"us": 1, "ms": 1000, "s": 1000000}
time = lambda name: (lambda m: float(m[1]) * unit[m[2]])(re.search(rf"{name}%\s+([\d.]+)(us|ms|s)\b", text))
print(re.search(r"Requests/sec:\s+([\d.]+)", text)[1], time(50), time(99))'
}
for connections in 1 8 64; do
  for _ in $(seq "${ROUNDS:-5}"); do
    echo "$connections $(measure "$plain" "$connections") $(measure "$ours" "$connections")"
  done
done | python3 -c '
import statistics, sys
rounds = {}
for line in sys.stdin:
    connections, *figures = map(float, line.split())
    rounds.setdefault(int(connections), []).append(figures)
print("nacos-auth proxy beside nginx, as ratios: requests per second (more is better), p50 and p99 (less is better)")
for connections, rows in rounds.items():
    ratios = [[row[3 + i] / row[i] for row in rows] for i in range(3)]
    shown = [f"{statistics.median(r):.2f} ({min(r):.2f} to {max(r):.2f})" for r in ratios]
    print(f"{connections:3} connections  throughput {shown[0]}  p50 {shown[1]}  p99 {shown[2]}")'
