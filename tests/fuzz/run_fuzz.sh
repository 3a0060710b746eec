#!/bin/bash
# Runs a fuzzer for SIGHOOK_FUZZ_SECONDS (60; ten times that with SIGHOOK_LONG), from seeds of the vectors and of every
# opcode byte. What it finds stays beside the corpus.
#   run_fuzz.sh FUZZER CORPUS VECTORS
set -u
readonly fuzzer=$1 corpus=$2 vectors=$3
seconds=${SIGHOOK_FUZZ_SECONDS:-60}
[ -z "${SIGHOOK_LONG:-}" ] || seconds=$((seconds * 10))

fail() {
  echo "not ok - fuzzing decode and relocate: $*"
  exit 1
}

# 16 bytes of places, then the instruction.
plant_opcodes() {
  local prefix high low
  for prefix in '' '\x48' '\x66' '\x0f' '\xf3\x0f' '\x67' '\xff' '\x62\xf1\x7c\x48'; do
    for high in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
      for low in 5 d; do
        printf "\x00\x10\x40\x00\x00\x00\x00\x00\x00\x00\x50\x00\x00\x00\x00\x00$prefix\x${high}${low}\x15\x44\x33\x22\x11\x90\x90\x90\x90" \
          >"$corpus/opcode-${prefix//\\x/}-$high$low"
      done
    done
  done
}

rm -rf "$corpus"
python3 "$(dirname "$0")/seeds.py" "$vectors" "$corpus" || fail "no seeds"
plant_opcodes
log=$corpus.log
"$fuzzer" -max_total_time="$seconds" -max_len=40 -print_final_stats=1 -artifact_prefix="$corpus-" "$corpus" >"$log" 2>&1 || {
  tail -n 60 "$log"
  fail "see above"
}
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
# A fuzzer that does not come to run anything finds nothing either.
[ "${runs:-0}" -ge 10000 ] || fail "only ${runs:-0} runs"
echo "ok - $seconds s of fuzzing decode and relocate find nothing: $runs runs"
