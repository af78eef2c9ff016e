#!/usr/bin/env bash
# The benchmarks in C: run.sh [cached_get] [request]. Needs libcurl4-openssl-dev; nginx-light as the server, without it
# the development server; strace for the count of system calls.
# NACOS_DEVSERVER, NACOS_AUTH_LIBDIR as for tests/c.
set -eu
# shellcheck source=tests/c/common.sh
source "$(dirname "$0")/../../tests/c/common.sh"
work=$(mktemp -d)
nginx_pid=

stop() {
  [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
  stop_server
  rm -rf "$work"
}
trap stop EXIT

start_nginx() {
  local port token
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  token=$(printf 'x%.0s' {1..220})
  cat >"$work/nginx.conf" <<EOF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$port;
    location / { return 404; }
    location /nacos/v1/auth/login {
      default_type application/json;
      return 200 '{"accessToken":"$token","tokenTtl":18000,"globalAdmin":true,"username":"nacos"}';
    }
    location /nacos/v1/cs/configs { default_type text/plain; return 200 'server.port=8080\nfeature.enabled=true\n'; }
  }
}
EOF
  nginx -c "$work/nginx.conf" -p "$work" &
  nginx_pid=$!
  export NACOS_SERVER_ADDR=127.0.0.1:$port
  for _ in {1..100}; do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.05
  done
  echo "nginx does not start:" >&2
  cat "$work/error.log" >&2
  exit 1
}

build() { cc -std=c11 -O2 -Wall -Wextra -Werror -o "$work/$1" "benches/c/$1.c" "${link[@]}" "${@:2}"; }

if command -v nginx >/dev/null; then
  start_nginx
elif ! start_server --port 0; then
  echo "neither nginx nor $devserver" >&2
  exit 1
fi

[ $# -gt 0 ] || set -- cached_get request
for bench in "$@"; do
  case $bench in
    cached_get)
      build cached_get
      echo "## cached_get"
      "$work/cached_get"
      if command -v strace >/dev/null; then
        strace -f -o "$work/trace" "$work/cached_get" marks 100000
        # The thread that set the marks, between the two.
        awk '/getppid\(/ { marks++; thread = $1; next } marks == 1 && $1 == thread && !/resumed>/ { calls++ }
             END { if (marks != 2) exit 1; print "system calls in 100000 gets: " calls + 0 }' "$work/trace"
      fi
      ;;
    request)
      # shellcheck disable=SC2046 # options are words
      build request $(pkg-config --cflags --libs libcurl)
      echo "## request"
      "$work/request"
      ;;
  esac
done
