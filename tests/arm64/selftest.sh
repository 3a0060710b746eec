#!/bin/bash
# Proves that the emulators run a program rightly, and that what fails in them fails here.
#   selftest.sh [DIR]
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly here
export SIGHOOK_ARM64=${1:-${SIGHOOK_ARM64:-${XDG_CACHE_HOME:-$HOME/.cache}/sighook-arm64}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

judge() { # passed? sentence
  if [ "$1" = 1 ]; then
    echo "ok - $2"
  else
    echo "not ok - $2"
    cat "$scratch/output"
    failures=$((failures + 1))
  fi
}

expect() { # sentence status command...
  local sentence=$1 wanted=$2 status=0 start=$EPOCHREALTIME
  shift 2
  "$@" >"$scratch/output" 2>&1 || status=$?
  judge "$((status == wanted))" "$sentence ($(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms)"
}

expect_counts() { # name counts
  local counts
  counts=$(cat "$scratch/results/$1" 2>/dev/null || true)
  judge "$([ "$counts" = "$2" ] && echo 1)" "$1 counts $2"
}

user() {
  "$SIGHOOK_ARM64/qemu-aarch64" -L "$SIGHOOK_ARM64/root-12" "$scratch/payload/selftest" "$@"
}

boot() { # kernel [option...]
  rm -rf "$scratch/results"
  "$here/boot.sh" "$@" --results "$scratch/results" "$scratch/payload"
}

commands() { # line...
  printf '%s\n' "$@" >"$scratch/payload/commands"
}

mkdir "$scratch/payload"
aarch64-linux-gnu-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -pthread -o "$scratch/payload/selftest" "$here/selftest.c"

expect "qemu-user runs the program" 0 user
expect "qemu-user hands on a failure" 1 user fail
expect "qemu-user hands on a signal" 139 user crash

commands 'good 20 ./selftest'
expect "kernel 6.1 runs the program" 0 boot 6.1
expect "kernel 6.12 runs the program" 0 boot 6.12
expect "kernel 6.12 runs it with Debian 13's libraries" 0 boot 6.12 --root root-13
expect "kernel 6.12 counts instructions meanwhile" 0 boot 6.12 --icount --cpus 1
expect "kernel 6.12 runs the program on another processor" 0 boot 6.12 --cpu neoverse-n1
expect "the kernel with pages of 16 KiB runs the program" 0 boot 6.12-16k
expect "its pages have 16 KiB" 0 grep 'pages of 16384 bytes' "$scratch/results/good.log"
expect_counts good "4 0 0"

commands 'good 20 ./selftest' 'bad 20 ./selftest fail' 'crash 20 ./selftest crash' 'hang 1 while :; do :; done' \
  'missing 20 ./no_such_program' 'silent 20 true' 'after 20 ./selftest'
expect "failures fail the machine" 1 boot 6.1
expect_counts good "4 0 0"
expect_counts bad "4 1 0"
expect_counts crash "0 1 0"
expect_counts hang "0 1 0"
expect_counts missing "0 1 0"
expect_counts silent "0 1 0"
expect_counts after "4 0 0"

commands 'silent 20 true'
expect "a test that runs no case fails the machine" 1 boot 6.1

commands 'good 20 ./selftest' 'panic 20 echo c >/proc/sysrq-trigger' 'after 20 ./selftest'
expect "a panic fails the machine" 1 boot 6.12
expect_counts good "4 0 0"
expect_counts panic "0 1 0"
expect_counts after "0 1 0"
exit $((failures > 0))
