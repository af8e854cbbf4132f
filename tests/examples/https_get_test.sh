#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# https_get_test.sh PROGRAM: runs examples/parts/https_get against a server of OpenSSL's, good and bad.
set -u
export LC_ALL=C.UTF-8
program=$(realpath "$1")
dir=$(mktemp -d)
server=
stop_server() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
  server=
}
trap 'stop_server; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
command -v openssl >/dev/null || { echo "https_get: this test needs openssl, which is not installed"; exit 1; }
passed=0 failed=0
# ends STATUS TEXT ARG...: the program ends with this status, and says this.
ends() {
  local status=$1 text=$2 got=0
  shift 2
  timeout 60 "$program" "$@" >said 2>&1 || got=$?
  if [ "$got" -eq "$status" ] && grep -qF -- "$text" said; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "https_get $*: status $got, not $status, or it does not say: $text"
    head -n 20 said
  fi
}
# serve FLAG...: on a port that the system chooses.
serve() {
  stop_server
  openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem "$@" >served 2>&1 </dev/null &
  server=$!
  for _ in $(seq 600); do
    port=$(sed -n 's/^ACCEPT 127.0.0.1:\([0-9]*\)$/\1/p' served)
    [ -z "$port" ] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat served
  exit 1
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=a test" \
  -addext "subjectAltName=DNS:localhost" -keyout key.pem -out cert.pem 2>/dev/null || exit 1
head -c 300000 /dev/zero | tr '\0' 'x' >page.txt
echo "the last line" >>page.txt

serve -WWW
ends 0 "the last line" --roots cert.pem "https://localhost:$port/page.txt"
timeout 60 "$program" --roots cert.pem "https://localhost:$port/page.txt" >got 2>/dev/null
cmp -s got page.txt && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "https_get: another page"; }
ends 1 "IP address mismatch" --roots cert.pem "https://127.0.0.1:$port/page.txt"
ends 1 "certificate" "https://localhost:$port/page.txt"
ends 1 "the peer's certificate is not accepted" "https://localhost:$port/page.txt"
stop_server
ends 1 "Connection refused" --roots cert.pem "https://localhost:$port/page.txt"
ends 1 "No such file" --roots nothing.pem "https://localhost:$port/page.txt"
ends 1 "https://" "http://localhost/"
ends 1 "not a port" "https://localhost:port/"
ends 2 "usage"
echo "https_get: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
