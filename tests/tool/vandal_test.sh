#!/bin/bash
# Whatever a target writes into the memory that it shares with the command: the command ends soon, as the target did.
#   vandal_test.sh SIGHOOK VANDAL AGENT [WATCHED]
# WATCHED: the command again, watched by sanitizers.
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly vandal=$2 limit=30
export SIGHOOK_AGENT=$3 ASAN_OPTIONS=detect_leaks=0

spoils() { # sentence command way seed option...
  local status=0
  timeout -k 1 $limit "$2" count "${@:5}" -- "$vandal" "$3" "$4" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
  if [ "$status" = 7 ] && [[ $(head -c 1000000 "$scratch/err") != *"runtime error"* ]]; then
    ok "$1: $3 $4"
  else
    not_ok "$1: $3 $4" "status $status" "$(tail -n 30 "$scratch/err")"
  fi
}

seeds=(1 2 3 4)
for command in "$1" ${4:+"$4"}; do
  [ "$command" = "$1" ] && name=plain || name=watched
  [ "$name" = plain ] || [ -n "${SIGHOOK_LONG:-}" ] || seeds=(1)
  for way in ones zeros runs asks image; do
    spoils "$name" "$command" $way 1
  done
  for seed in "${seeds[@]}"; do
    for way in random head records image ask; do
      spoils "$name" "$command" $way $seed
      spoils "$name, with libc" "$command" $way $seed -e '*@libc' --json
    done
  done
done

for way in ones random; do
  spoils "told" "$1" $way 5
  contains "$way: the command says so" "$scratch/err" "sighook: note: a target wrote over the memory"
  equal "$way: once" 1 "$(count_like "$scratch/err" "*wrote over*")"
done
finish
