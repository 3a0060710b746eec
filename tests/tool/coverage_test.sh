#!/bin/bash
# How much of real programs and libraries gets a branch, as they are loaded: `sighook list --entry` against bounds. With SIGHOOK_LONG
# every instruction of all of them, and many sites together; else of the smaller ones.
#   coverage_test.sh SIGHOOK
set -uo pipefail
# shellcheck source=tests/tool/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
readonly sighook=$1 folder=/usr/lib/x86_64-linux-gnu

field() { # name
  [[ $(<"$scratch/out") =~ \"$1\":([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# Branches of every kind, in hundredths of a percent of what there is.
covers() { # sentence bound argument...
  local sentence=$1 bound=$2 branches of share
  shift 2
  if ! "$sighook" list --entry --json "$@" >"$scratch/out" 2>"$scratch/err" </dev/null; then
    not_ok "$sentence" "$(cat "$scratch/err")"
    return
  fi
  branches=$(($(field branch) + $(field punned) + $(field evicted)))
  of=$(field of)
  share=$((branches * 10000 / of))
  printf '%s: %d.%02d %% of %d (%d branch, %d punned, %d evicted, %d trap, %d refused; %d fragile)\n' "$sentence" \
    $((share / 100)) $((share % 100)) "$of" "$(field branch)" "$(field punned)" "$(field evicted)" "$(field trap)" \
    "$(field refused)" "$(field fragile)"
  at_least "$sentence" "$bound" "$share"
}

# A program at a fixed address has half the reach below zero. Debian's python3, whose functions are not aligned, has about 80 in
# 10,000 of fewer bytes than a jump, the next one right behind.
python_functions=9990 python_instructions=9970
if [[ $(od -An -t u1 -j16 -N1 /usr/bin/python3) -eq 2 ]]; then
  python_functions=9890 python_instructions=9850
fi

for file in $folder/libc.so.6 $folder/libstdc++.so.6 $folder/libcrypto.so.3 /bin/bash /usr/bin/git; do
  covers "functions of ${file##*/}" 9990 "$file"
done
covers "functions of python3" $python_functions /usr/bin/python3
covers "instructions of libstdc++" 9970 --instructions $folder/libstdc++.so.6
covers "instructions of bash" 9970 --instructions /bin/bash
if [ -n "${SIGHOOK_LONG-}" ]; then
  covers "instructions of libc" 9970 --instructions $folder/libc.so.6
  covers "instructions of libcrypto" 9970 --instructions $folder/libcrypto.so.3
  covers "instructions of git" 9970 --instructions /usr/bin/git
  covers "instructions of python3" $python_instructions --instructions /usr/bin/python3
  covers "100,000 instructions of libc together" 9850 --instructions --together --random=100000 $folder/libc.so.6
  for file in $folder/libc.so.6 $folder/libstdc++.so.6 $folder/libcrypto.so.3 /bin/bash /usr/bin/git; do
    covers "all functions of ${file##*/} together" 9980 --together "$file"
    covers "10,000 instructions of ${file##*/} together" 9900 --instructions --together --random=10000 "$file"
  done
  covers "all functions of python3 together" $((python_functions - 200)) --together /usr/bin/python3
  covers "10,000 instructions of python3 together" 9700 --instructions --together --random=10000 /usr/bin/python3
fi
finish
