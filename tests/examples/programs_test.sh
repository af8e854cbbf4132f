#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# programs_test.sh DIRECTORY NAME: runs the program NAME of examples/programs, built in DIRECTORY, as somebody would.
set -u
export LC_ALL=C.UTF-8
programs=$(realpath "$1")
name=$2
dir=$(mktemp -d)
servers=()
cleanup() {
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir" || exit 1
passed=0 failed=0
is() { # is WHAT COMMAND...
  local what=$1
  shift
  if "$@" >out 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "$name: not so: $what"
    tail -n 20 out
  fi
}
# serve LOG PROGRAM ARGUMENT...: starts a server; $port is where it listens, $server its process.
serve() {
  local log=$1
  shift
  "$programs/$1" "${@:2}" >"$log" 2>&1 &
  server=$!
  servers+=("$server")
  port=
  for _ in $(seq 400); do
    port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$log")
    [ -z "$port" ] || return 0
    sleep 0.05
  done
  cat "$log"
  echo "$name: $1 does not listen"
  exit 1
}
# ends STATUS: the server ends with this status when it is asked to.
ends() {
  local got=0
  kill "$server"
  wait "$server" || got=$?
  [ "$got" -eq "$1" ]
}
there_and_back() { timeout 60 "$programs/echo_client" "$1" <sent >got && cmp sent got; }
several_at_once() {
  local pids=() i bad=0
  for i in 1 2 3 4 5 6; do
    { timeout 60 "$programs/echo_client" "$1" <sent >"got$i" && cmp sent "got$i"; } &
    pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || bad=1; done
  [ "$bad" -eq 0 ]
}
head -c 3000000 /dev/urandom >sent

case $name in
  echo_server | echo_client)
    serve log echo_server
    is "what is sent comes back" there_and_back "$port"
    is "also to several at once" several_at_once "$port"
    : >sent
    is "nothing comes back of nothing" there_and_back "$port"
    is "a port that is taken is named" sh -c "! timeout 20 '$programs/echo_server' $port >said 2>&1 && grep -q 'Address already in use' said"
    is "a client that just goes harms nobody" bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; echo x >&3; exec 3>&-"
    printf 'still there' >sent
    is "(it is still there)" there_and_back "$port"
    is "SIGTERM ends it in order" ends 0
    is "(and it says so)" grep -qx "good bye" log
    is "nobody there is an error" sh -c "! timeout 20 '$programs/echo_client' $port </dev/null 2>said && grep -q 'Connection refused' said"
    ;;
  many_cores)
    serve log many_cores 0 3
    is "what is sent comes back" there_and_back "$port"
    is "also to several at once" several_at_once "$port"
    is "SIGTERM ends it in order" ends 0
    is "every connection was served by one of the loops" sh -c 'awk "/ connections\$/ {n += \$1} END {exit n != 7}" log'
    is "there are three of them" sh -c '[ "$(grep -c "connections$" log)" -eq 3 ]'
    ;;
  forward)
    serve echo.log echo_server
    echo_port=$port
    serve forward.log forward 0 "127.0.0.1:$port"
    is "what is sent comes back" there_and_back "$port"
    is "also to several at once" several_at_once "$port"
    kill "${servers[0]}" && wait "${servers[0]}"
    is "where nobody is, the connection ends" sh -c "timeout 20 '$programs/echo_client' $port </dev/null; [ \$? -ne 124 ]"
    is "(and that is said)" sh -c 'for _ in 1 2 3 4 5 6 7 8 9; do grep -q "Connection refused" forward.log && exit 0; sleep 0.2; done; exit 1'
    is "SIGTERM ends it in order" ends 0
    is "what makes no sense is refused" sh -c "! '$programs/forward' 0 nonsense"
    ;;
  chat_server)
    serve log chat_server
    exec 3<>"/dev/tcp/127.0.0.1/$port" 4<>"/dev/tcp/127.0.0.1/$port"
    says() { # says DESCRIPTOR LINE: that is what is heard next
      local heard
      read -r -t 20 heard <&"$1"
      [ "$heard" = "$2" ] || { echo "heard: $heard"; return 1; }
    }
    echo anna >&3
    is "one who comes is welcome" says 3 "* welcome, there are 1 of you"
    echo berta >&4
    is "and another one" says 4 "* welcome, there are 2 of you"
    is "one who comes is announced" says 3 "* berta is here"
    echo "hello anna" >&4
    is "what one says the other hears" says 3 "berta: hello anna"
    echo "hello berta" >&3
    is "and the other way round" says 4 "anna: hello berta"
    exec 3>&-
    is "one who goes is announced" says 4 "* anna has left"
    head -c 5000 /dev/zero | tr '\0' x >&4
    is "a line without end ends its client" sh -c 'for _ in 1 2 3 4 5 6 7 8 9; do grep -q "more came than the limit" log && exit 0; sleep 0.2; done; exit 1'
    is "SIGTERM ends it in order" ends 0
    ;;
  keep_going)
    for i in 1 2 3 4 5 6 7 8; do echo "echo $i"; done >commands
    is "all commands run" sh -c "timeout 60 '$programs/keep_going' 3 <commands >said 2>progress"
    is "(each once)" sh -c '[ "$(sort -n said | tr "\n" " ")" = "1 2 3 4 5 6 7 8 " ]'
    is "(and it says how far it is)" grep -qx "8 of 8 done" progress
    printf 'exit 3\n\necho good\nkill -9 $$\n' >commands
    is "one that fails makes it fail" sh -c "timeout 60 '$programs/keep_going' 2 <commands >said 2>progress; [ \$? -eq 1 ]"
    is "(it is named)" grep -qx "exit 3: exit status 3" progress
    is "(a signal too)" grep -qF "killed by signal 9" progress
    is "(the others run)" grep -qx good said
    # No more than two at a time: each notes how many there are.
    for i in 1 2 3 4 5 6; do echo "mkdir r$i; ls -d r* | wc -l; sleep 0.1; rmdir r$i"; done >commands
    is "no more at once than that" sh -c "timeout 60 '$programs/keep_going' 2 <commands >said 2>progress && [ \"\$(sort -n said | tail -n 1)\" -le 2 ]"
    echo 'echo $$ >pid; exec sleep 1000' >commands
    "$programs/keep_going" 1 <commands >said 2>progress &
    server=$!
    for _ in $(seq 400); do [ -s pid ] && break; sleep 0.05; done
    is "SIGTERM ends it" ends 143
    is "(and its commands)" sh -c '! kill -0 "$(cat pid)" 2>/dev/null'
    is "no number is refused" sh -c "'$programs/keep_going' x </dev/null; [ \$? -eq 2 ]"
    ;;
  hash_tree)
    mkdir -p tree/a/b tree/empty
    : >tree/nothing
    printf 'abc' >tree/a/abc
    cp sent tree/a/b/large
    for n in 55 56 63 64 65 119 120; do head -c "$n" sent >"tree/$n"; done
    printf 'spaces' >"tree/a name with spaces"
    ln -s ../sent tree/link
    find tree -type f | sort | xargs -d '\n' sha256sum >wanted
    for at_once in 1 16; do
      is "the hashes are those of sha256sum, $at_once at a time" sh -c "timeout 60 '$programs/hash_tree' tree $at_once | sort -k 2 >said && sort -k 2 wanted | diff - said"
    done
    is "a missing directory is an error" sh -c "! '$programs/hash_tree' nowhere 2>said && grep -q nowhere said"
    is "a file for a directory too" sh -c "! '$programs/hash_tree' sent 2>said && grep -q 'Not a directory' said"
    ;;
  *)
    echo "programs_test.sh: there is no test for '$name'"
    exit 1
    ;;
esac
echo "$name: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
