#!/bin/bash
# The suite's own programs under valgrind, which translates code anew whenever it has changed (--smc-check=all): they pass there,
# and it reports nothing.
#   valgrind_test.sh BUILT-TESTS
# Threads take turns in order (--fair-sched), or one that spins would hold the others up for seconds.
# Three ways: `all` is memcheck with all that it looks at; `addresses` leaves out whether values are defined, since a stub stores
# rax below the stack pointer and then calls, at which memcheck takes for undefined what lies there, and everything that comes of
# it; `run` is without memcheck, for programs with stacks of their own or with hooks on malloc, in whose place memcheck has another.
# valgrind 3.19 does not know how the kernel is asked about a mapping, so the library reads the list there.
#
# Not run, for valgrind
# - loads programs so low that half of what a jump could reach is below zero: live_crowded, live_evict, live_pages,
#   signals_behind, signals_phases, fault_reloaded, fault_rewritten, and the ..._illegal ones, which skip all there;
# - has writable code of its own, of which fault_calls and fault_refusals expect none;
# - tells less of a SIGTRAP than the kernel, and raises it where it is blocked: signals_handlers, signals_blocked, signals_sent;
# - takes every handler with SA_ONSTACK for one on another stack, and does not let the main one grow for its frame: life_recursion;
# - makes children that share memory by fork: life_vfork;
# - answers itself what a filter of system calls should: live_shadow_stack;
# - keeps neither mxcsr and the x87 control word nor exact addresses of faults: signals_untouched, unwind_faults;
# - runs one thread at a time: life_scaling;
# - keeps what it has translated in memory that the program is taken to use: life_cycles;
# - may not be traced: unwind_stepping.
set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/tool/checks.sh
source "$here/../tool/checks.sh"
readonly tests=$1

watched() { # way program
  local way=$1 program=$2 name=${2##*/} options=(--tool=none)
  case $way in
  all) options=(--error-exitcode=99 "--suppressions=$here/valgrind.supp") ;;
  addresses) options=(--error-exitcode=99 "--suppressions=$here/valgrind.supp" --undef-value-errors=no) ;;
  esac
  rm -f "$scratch"/log.*
  # Children too write a log each, and end with the status for errors.
  if ! env -u SIGHOOK_LONG valgrind --smc-check=all --fair-sched=yes "${options[@]}" "--log-file=$scratch/log.%p" \
    "$tests/$program" >"$scratch/out" 2>&1; then
    not_ok "$name passes ($way)" "$(tail -n 20 "$scratch/out" "$scratch"/log.*)"
  elif grep -q 'ERROR SUMMARY: [1-9]' "$scratch"/log.*; then   # of a child whose status the test does not look at
    not_ok "valgrind reports nothing of $name ($way)" "$(cat "$scratch"/log.* | head -n 40)"
  else
    ok "$name passes and nothing is reported ($way)"
  fi
}

if ! valgrind --version >/dev/null 2>&1; then
  echo "skip - valgrind is not here"
  exit
fi
watched all live/live_backtrace
watched all live/live_counters
watched all live/live_dlopen
watched all live/live_exception
watched all live/live_memory
watched all live/live_replace
watched addresses live/live_calls
watched addresses live/live_hard
watched addresses life/life_fork
watched addresses signals/signals_actions
watched addresses unwind/unwind_plain
watched addresses fault/fault_neighbour
watched addresses fault/fault_others
watched run live/live_handlers
watched run life/life_removal
watched addresses signals/signals_threads
watched addresses unwind/unwind_leaving
if [ -n "${SIGHOOK_LONG:-}" ]; then
  watched addresses life/life_removal
  watched addresses signals/signals_peers
  watched run live/live_prologues
  watched run life/life_busy_fork
  watched run life/life_coroutine
  watched run life/life_guard
  watched run life/life_stack
fi
finish
