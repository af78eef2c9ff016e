#!/bin/sh
# A script with curl: every 100 ms one read with the token in the file, and one through the proxy's socket, which needs none.
ok=0
failed=0
end=$(($(date +%s) + $1))
path="/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"
count() {
  if [ "$1" = hello ]; then ok=$((ok + 1)); else failed=$((failed + 1)) && echo "$1" >&2; fi
}
while [ "$(date +%s)" -lt "$end" ]; do
  [ "$2" = socket ] || count "$(printf 'Authorization: Bearer %s' "$(cat "$NACOS_AUTH_TOKEN_FILE")" | curl -s -H @- "http://$NACOS_SERVER_ADDR$path")"
  count "$(curl -s --unix-socket "$NACOS_AUTH_SOCKET" "http://localhost$path")"
  sleep 0.1
done
echo "ok $ok failed $failed"
