#!/bin/bash
# gdb's backtraces at every instruction on the way through a hooked function: stub, capture, callback and back.
#   gdb_test.sh GDB_TARGET
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tool/checks.sh
source "$here/../tool/checks.sh"
readonly target=$1 log=$scratch/log
unset DEBUGINFOD_URLS

gdb_with() { # option...
  timeout 100 gdb -nx -q -batch -ex 'set confirm off' -ex 'set pagination off' -ex 'set startup-with-shell off' "$@" >"$log" 2>&1
}

gdb_with -ex run --args "$(command -v true)"
if [[ $(cat "$log") != *'exited normally'* ]]; then
  echo "skip - gdb: it is not there, or may not debug: $(tail -n 1 "$log")"
  exit
fi

count() { # awk-condition
  awk "$1 { n++ } END { print n + 0 }" "$scratch/steps"
}
check() { # sentence condition
  if (($2)); then ok "$1"; else not_ok "$1" "$2: $(tail -n 20 "$log")"; fi
}

step_through() { # branch|trap [argument]
  gdb_with -x "$here/steps.gdb" --args "$target" "${@:2}"
  # One line a step: its place, and whether hooked (from when it is entered), caller and main are among the callers.
  awk '
    / in section / { place = $1 }
    /^#/ { all = all " " $0 }
    /^\.\.\.\.\.$/ { print place, (all ~ / hooked \(/), (all ~ / caller \(/ && all ~ / main \(/); all = "" }
  ' "$log" >"$scratch/steps"
  check "$1: gdb steps through the whole call" "$(grep -c '^the call is over' "$log")"
  check "$1: gdb names stubs" "$(count '$1 == "sighook_stubs"') >= 6"
  check "$1: gdb steps through capture and callback" "$(count '$1 ~ /^routine_/') >= 60 && $(count '$1 == "callback"') >= 1"
  check "$1: every backtrace comes to main" "$(count '$1 != "main" && !$3') == 0"
  check "$1: the hooked function is in every backtrace of a stub, capture or callback" \
    "$(count '$1 ~ /^(sighook_stubs|routine_.*|callback)$/ && !$2') == 0"
}

step_through branch
step_through trap trap
check "trap: gdb steps through the handler" "$(count '$1 == "trap_on_signal" && $2') >= 5"
finish
