#!/bin/bash
# Runs a fuzzer for SIGHOOK_FUZZ_SECONDS (60; ten times that with SIGHOOK_LONG) on seeds of every opcode byte.
set -u
fuzzer=$1 seeds=$2
seconds=${SIGHOOK_FUZZ_SECONDS:-60}
[ -z "${SIGHOOK_LONG:-}" ] || seconds=$((seconds * 10))
mkdir -p "$seeds"
for prefix in '' '\x48' '\x66' '\x0f' '\xf3\x0f' '\x67' '\xff' '\x62\xf1\x7c\x48'; do
  for byte in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
    printf "\x00\x10\x40\x00\x00\x00\x00\x00\x00\x00\x50\x00\x00\x00\x00\x00$prefix\x${byte}5\x15\x44\x33\x22\x11\x90\x90\x90\x90" \
      >"$seeds/seed-${prefix//\\x/}-$byte"
  done
done
if "$fuzzer" -max_total_time="$seconds" -max_len=40 -verbosity=0 -artifact_prefix="$seeds/" "$seeds"; then
  echo "ok - $seconds s of fuzzing decode and relocate find nothing"
else
  echo "not ok - fuzzing decode and relocate"
  exit 1
fi
