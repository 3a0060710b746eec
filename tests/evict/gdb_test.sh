#!/bin/bash
# gdb's breakpoints around hooked instructions, and gdb at traps: gdb_target.c tells what is checked.
#   gdb_test.sh GDB_TARGET
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tool/checks.sh
source "$here/../tool/checks.sh"
readonly target=$1 results=$scratch/results log=$scratch/log
unset DEBUGINFOD_URLS

gdb_with() { # option...
  timeout 60 gdb -nx -q -batch -ex 'set confirm off' -ex 'set startup-with-shell off' "$@" >"$log" 2>&1
}

gdb_with -ex run --args "$(command -v true)"
if [[ $(cat "$log") != *'exited normally'* ]]; then
  echo "skip - gdb: it is not there, or may not debug: $(tail -n 1 "$log")"
  exit
fi

# What the program found; where it did not come to its end, what was said last.
judge() { # sentence
  if [[ $(cat "$results") == *'ok - '* ]]; then
    lines_like "$results" 'ok - *'
  else
    not_ok "$1" "$(tail -n 12 "$log")"
  fi
  rm -f "$results"
}

started() { # way room
  gdb_with -x "$here/serve.gdb" -ex 'break *ask' -ex run -ex serve --args "$target" "$results" "$@"
  judge "gdb starts the program: $*"
}

# The hooks are there already, or come with gdb.
attached() { # way room gdb-option...
  local program
  "$target" "$results" "$1" "$2" 2>"$scratch/errors" &
  program=$!
  while kill -0 "$program" 2>/dev/null && [[ $(cat "$results" 2>/dev/null) != *ready* ]]; do
    sleep 0.02
  done
  gdb_with "${@:3}" -p "$program"
  wait "$program"
  cat "$scratch/errors" >>"$log"
  judge "gdb comes to the program: $1 $2"
}

for room in 0 1 2 3 4; do
  started started "$room"
  attached attached "$room" -x "$here/serve.gdb" -ex 'break *ask' -ex continue -ex serve
done
started traps 0
attached passed 0 -ex 'handle SIGTRAP nostop noprint pass' -ex continue
finish
