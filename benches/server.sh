# shellcheck shell=bash disable=SC2154 # work comes from those who source it
# Sourced by the scripts here, which give it $work, a folder of their own. start_nginx sets HTTP and HTTPS (host:port),
# CA_FILE and TOKEN; start_server sets SERVER. stop_servers ends what was started.
server_pids=()
TOKEN=$(printf 'x%.0s' {1..220})
CA_FILE=$work/ca.pem
export TOKEN CA_FILE

stop_servers() {
  local pid
  for pid in "${server_pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  server_pids=()
}

# An authority and a certificate for 127.0.0.1.
make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=benches" \
    -keyout "$work/ca.key" -out "$CA_FILE" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=127.0.0.1" \
    -keyout "$work/server.key" -out "$work/server.csr" 2>/dev/null
  printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$work/server.ext"
  openssl x509 -req -in "$work/server.csr" -CA "$CA_FILE" -CAkey "$work/ca.key" -CAcreateserial -days 30 \
    -extfile "$work/server.ext" -out "$work/server.pem" 2>/dev/null
}

free_ports() {
  python3 - "$1" <<'PY'
import socket, sys

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))
PY
}

start_nginx() {
  local http https login
  read -r http https <<<"$(free_ports 2)"
  login="{\"accessToken\":\"$TOKEN\",\"tokenTtl\":18000,\"globalAdmin\":true,\"username\":\"nacos\"}"
  make_certificates
  truncate -s 64M "$work/big"
  sed "s|@work@|$work|g; s|@http@|$http|; s|@https@|$https|; s|@login@|$login|" benches/nginx.conf.in >"$work/nginx.conf"
  # Debian has it where only root looks.
  PATH=$PATH:/usr/sbin nginx -c "$work/nginx.conf" -p "$work" 2>"$work/nginx.log" &
  server_pids+=($!)
  HTTP=127.0.0.1:$http HTTPS=127.0.0.1:$https
  export HTTP HTTPS
  for _ in {1..100}; do
    (exec 3<>"/dev/tcp/127.0.0.1/$https") 2>/dev/null && return
    sleep 0.05
  done
  echo "nginx does not start:" >&2
  cat "$work/nginx.log" >&2
  return 1
}

# The program $work/server has to be there.
start_server() {
  "$work/server" >"$work/server.port" &
  server_pids+=($!)
  for _ in {1..100}; do
    [ -s "$work/server.port" ] && break
    sleep 0.05
  done
  SERVER=127.0.0.1:$(<"$work/server.port")
  export SERVER
}
