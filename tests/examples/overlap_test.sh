#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# overlap_test.sh PROGRAM: runs examples/overlap on a small tree that was made to be awkward, talks to its server, and
# gives it everything that it has to refuse. Needs python3 (is the picture XML?) and script (what a terminal sees).
set -u
export LC_ALL=C.UTF-8
program=$(realpath "$1")
dir=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
  chmod -R u+rwx "$dir"
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
    echo "overlap: not so: $what"
    tail -n 20 out
  fi
}
# ends STATUS TEXT ARG...: the program ends with this status, and says this.
ends() {
  local status=$1 text=$2 got=0
  shift 2
  timeout 60 "$program" "$@" >said 2>&1 || got=$?
  cat said
  [ "$got" -eq "$status" ] || { echo "status $got, not $status"; return 1; }
  grep -qF -- "$text" said || { echo "it does not say: $text"; return 1; }
}

# --- a tree, and what becomes of it ---
mkdir -p tree/sub/deep tree/.git tree/build tree/sub/build tree/empty-directory
printf 'plain' >tree/plain.txt
: >tree/empty
printf 'spaces' >'tree/a name with spaces.txt'
printf 'letters' >'tree/grüße-文件-😀.txt'
printf 'signs' >'tree/100%25 #1 ?x=y&<z> "q" +.txt'
printf 'hidden' >tree/.hidden
printf 'not utf-8' >"$(printf 'tree/latin-\351')"
head -c 3000000 /dev/urandom >tree/sub/deep/large
head -c 262144 /dev/urandom >tree/sub/one-part
printf 'below' >tree/sub/build/kept
printf 'no' >tree/.git/skipped
printf 'no' >tree/build/skipped
ln -s /etc/passwd tree/link
is "a tree is served, fetched, hashed and noted" ends 0 "20 of 20 hashes" tree --delay 3 --concurrency 4
is "the table has both runs" grep -q "at most 4 at once  *10 " said
is "the table has the speed-up" grep -qE "speed-up +[0-9.]+ times" said
is "a link is left out, and that is said" grep -qF "10 files (and 1 links and devices left out)" said
is "not a terminal: no control characters" sh -c '! grep -q "$(printf "\033")" said'
is "every file's hash is in the database" sh -c '
  find tree -type f ! -path "tree/.git/*" ! -path "tree/build/*" -exec sha256sum {} + | sed "s/^.//;s/^\\\\//" >sums
  [ "$(wc -l <sums)" -eq 10 ]
  while read -r sum rest; do grep -aqF "$sum" overlap.db || { echo "not there: $sum $rest"; exit 1; }; done <sums'
is "what is skipped is not noted" sh -c '! grep -aqF skipped overlap.db'
is "the picture is complete" sh -c 'tail -n 1 overlap.svg | grep -qF "</svg>"'
is "the picture has a lane per file and run" sh -c '[ "$(grep -c "^<g><title>" overlap.svg)" -ge 20 ]'
is "the picture has no raw sign of a name" sh -c '! grep -qF "<z>" overlap.svg'
is "run again, it begins anew" ends 0 "20 of 20 hashes" tree --delay 0 --concurrency 100
is "a part is not told alone: one line per phase" sh -c '
  [ "$(sed -n "/^<g><title>.*deep.large/,/<.title>/p" overlap.svg | grep -c "^fetch:")" -eq 2 ]'
is "an empty directory is nothing to do" ends 0 "there is nothing to do" tree/empty-directory
is "what it writes itself is not part of the tree" ends 0 "20 of 20 hashes" tree --delay 0 --database tree/o.db --svg tree/sub/o.svg
is "(the database and the picture are made beside the files)" test -s tree/o.db -a -s tree/sub/o.svg
rm -f tree/o.db tree/sub/o.svg

# --- names that are no text, links in circles, paths as long as they may be ---
mkdir -p odd
printf 1 >"$(printf 'odd/new\nline \033[31m "q" %%41 <z>&')"
printf 2 >"$(printf 'odd/half of a sign \343\201')"
printf 3 >"$(printf 'odd/\355\240\200 \377\376 \357\277\277')"
ln -s circle odd/circle
ln -s . odd/self
deep=odd
for _ in $(seq 10); do deep="$deep/$(printf '%.0s文' $(seq 80))"; done
mkdir -p "$deep"
printf 4 >"$deep/file"
is "odd names are served, fetched and noted" ends 0 "8 of 8 hashes" odd --delay 0
is "links in a circle are left out" grep -qF "4 files (and 2 links" said
is "the picture of odd names is XML" python3 -c 'import xml.dom.minidom as x; x.parse("overlap.svg")'
is "a link in a circle is no directory" ends 2 "Too many levels of symbolic links" odd/circle

# --- files that change meanwhile ---
mkdir changing
printf one >"$(printf 'changing/a\033b')"
printf two >changing/other
changes() {
  local got=0
  timeout 60 "$program" changing --delay 500 >said 2>&1 &
  local running=$!
  for _ in $(seq 400); do
    grep -qF "one after another: 1 of 2" said && break
    sleep 0.02
  done
  printf 'something else' >"$(printf 'changing/a\033b')"
  wait "$running" || got=$?
  cat said
  [ "$got" -eq 1 ] && grep -qF "3 of 4 hashes" said && grep -qF "has it changed?" said
}
is "a file that changed is told" changes
is "(by a name that does not steer the terminal)" sh -c 'grep -qF "a\x1bb: fetched" said && ! grep -q "$(printf "\033")" said'

# --- little room ---
few() { (ulimit -n 48; ends 0 "$@"); }
is "no more at once than there are descriptors" few "not 10000 at once, but 5" tree --delay 5 --concurrency 10000
is "(and all goes well)" grep -qF "20 of 20 hashes" said
is "ten thousand at once" ends 0 "20 of 20 hashes" tree --delay 5 --concurrency 10000
is "one at once" ends 0 "at most 1 at once" tree --delay 0 --concurrency 1
full() { local got=0; timeout 60 "$program" tree --delay 0 2>said >/dev/full || got=$?; cat said; [ "$got" -eq 1 ] && grep -qF "standard output: No space" said; }
is "an output that is full" full
is "a picture for which there is no room" ends 1 "cannot write the picture /dev/full: No space left" tree --delay 0 --svg /dev/full
small() { (trap '' XFSZ; ulimit -f 8; ends 1 "cannot write the database small.db" odd --delay 0 --database small.db); }
is "a database for which there is no room" small
closed() { # its reader is gone before it prints
  local got=0
  { sleep 1; timeout 60 "$program" tree --delay 0 2>said || echo $? >status; } | true
  got=$(cat status)
  cat said
  [ "$got" -eq "$1" ]
}
is "a closed pipe ends it as it ends others" closed 141
is "(an error where that signal is ignored)" sh -c 'trap "" PIPE; exec bash -c "$0" "$@"' "$(declare -f closed); program='$program'; closed 1 && grep -qF 'standard output: Broken pipe' said"
is "a narrow terminal: no line is broken" sh -c '
  script -qec "stty cols 60; \"$0\" tree --delay 2" /dev/null </dev/null >typescript && python3 - <<END
import re
lines = re.sub(rb"\x1b\[K", b"", open("typescript", "rb").read()).replace(b"\n", b"\r").split(b"\r")
shown = [l for l in lines if b" of 10 files" in l]
assert len(shown) > 1 and all(len(l) < 60 for l in shown), shown
END' "$program"

# --- what it refuses ---
is "--help helps" ends 0 "--concurrency" --help
is "a missing directory" ends 2 "nowhere" nowhere
is "a file for a directory" ends 2 "Not a directory" tree/plain.txt
is "no number" ends 2 "--delay" tree --delay soon
is "a negative delay" ends 2 "--delay" tree --delay -1
is "nothing at once" ends 2 "--concurrency" tree --concurrency 0
is "no port" ends 2 "--port" tree --port 70000
is "an unknown option" ends 2 "--nonsense" tree --nonsense
is "a database in a directory that is not there" ends 1 "cannot write the database no/where.db" tree --database no/where.db
is "(nothing is left of what was not begun)" sh -c '
  ! "$0" tree --database no/where.db --svg new.svg && [ ! -e new.svg ]' "$program"
is "a directory for a database" ends 1 "cannot write the database tree" tree --database tree
is "a database that is none" ends 1 "file is not a database" tree --database tree/sub/one-part
is "(it is left as it is)" sh -c '[ "$(wc -c <tree/sub/one-part)" -eq 262144 ]'
is "a picture that cannot be written" ends 1 "cannot write the picture no/where.svg" tree --svg no/where.svg

# A file that may not be read: the others are done, and it is named. Root reads everything, unless it gives that up.
chmod 000 'tree/a name with spaces.txt'
ordinary=()
[ "$(id -u)" -ne 0 ] || ordinary=(setpriv "--bounding-set=-dac_override,-dac_read_search" "--inh-caps=-dac_override,-dac_read_search")
unreadable() {
  local got=0
  "${ordinary[@]}" timeout 60 "$program" tree --delay 0 >said 2>&1 || got=$?
  cat said
  [ "$got" -eq 1 ] && grep -qF "a name with spaces.txt: the server says 403 Forbidden" said && grep -qF "18 of 18 hashes" said
}
is "a file that may not be read" unreadable
chmod 600 'tree/a name with spaces.txt'
mkdir -m 555 read-only
unwritable() {
  local got=0
  (cd read-only && "${ordinary[@]}" timeout 60 "$program" ../tree --delay 0) >said 2>&1 || got=$?
  cat said
  [ "$got" -eq 1 ] && grep -qF "cannot write the picture overlap.svg: Permission denied" said
}
is "a directory that may not be written" unwritable

# --- its server, with enough to do that it is there until the end ---
cp -a tree busy
mkdir busy/more
touch busy/more/{1..300}
"$program" busy --delay 400 --concurrency 1 --database server.db --svg server.svg >served 2>&1 &
server=$!
for _ in $(seq 200); do
  port=$(sed -n 's,.*http://127.0.0.1:\([0-9]*\)/.*,\1,p' served)
  [ -z "$port" ] || break
  sleep 0.05
done
is "where it serves is said before the first file is there" test -n "$port"
is "a port that is taken" ends 1 "cannot listen on 127.0.0.1:$port: Address already in use" tree --port "$port"
is "a database that another run has" ends 1 "database is locked" tree --database server.db
# asks STATUS REQUEST-LINE: what the first line of the response says
asks() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf '%s\r\nHost: here\r\nConnection: close\r\n\r\n' "$2" >&3
  timeout 20 cat <&3 >response
  exec 3>&-
  head -c 300 response
  head -n 1 response | grep -qF "HTTP/1.1 $1 "
}
is "a file is served" asks 200 "GET /plain.txt HTTP/1.1"
is "(with its content)" sh -c 'tail -n 1 response | grep -qx plain'
is "HEAD has no body" asks 200 "HEAD /plain.txt HTTP/1.1"
is "(but a length)" sh -c 'grep -qiF "content-length: 5" response && ! grep -qF plain response'
is "an escaped name" asks 200 "GET /a%20name%20with%20spaces.txt HTTP/1.1"
is "no such file" asks 404 "GET /nothing HTTP/1.1"
is "a directory" asks 404 "GET /sub HTTP/1.1"
is "up and out" asks 400 "GET /../../../../etc/passwd HTTP/1.1"
is "up and out, escaped" asks 400 "GET /%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1"
is "up and out, with an escaped slash" asks 400 "GET /sub%2f..%2f..%2fsaid HTTP/1.1"
is "an absolute path" asks 400 "GET //etc/passwd HTTP/1.1"
is "a link that leads out" asks 403 "GET /link HTTP/1.1"
is "a zero byte" asks 400 "GET /plain.txt%00 HTTP/1.1"
is "half an escape" asks 400 "GET /plain%2 HTTP/1.1"
is "a method that it does not know" asks 405 "DELETE /plain.txt HTTP/1.1"
nonsense() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'how do you do?\r\n\r\n' >&3
  timeout 20 cat <&3 >response || return 1
  exec 3>&-
  [ ! -s response ]
}
is "what is no HTTP ends the connection" nonsense
is "and it serves on" asks 200 "GET /plain.txt HTTP/1.1"

# --- stopped from outside ---
stops() {
  kill -TERM "$server"
  local status=0
  wait "$server" || status=$?
  cat served
  [ "$status" -eq 143 ] && grep -qF "overlap: stopped" served
}
is "a signal ends it, with its cleanup done, as the signal would have" stops

echo "overlap: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
