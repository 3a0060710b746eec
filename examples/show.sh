#!/bin/bash
# Shows every example without and with its payload, and fails where one does not print what its comment promises.
#   examples/show.sh BUILD_FOLDER [QEMU_USER [OPTION...]]
# With an emulator, which must know -E as qemu-user does, the programs of a cross-build are run.
set -euo pipefail
build=$(cd "$1" && pwd)
readonly emulator=("${@:2}")

with_payload() { # folder
  if [ ${#emulator[@]} = 0 ]; then
    LD_PRELOAD=$1/payload.so "$1/target"
  else
    "${emulator[@]}" -E "LD_PRELOAD=$1/payload.so" "$1/target"
  fi
}

show() { # example unhooked hooked
  local folder=$build/examples/$1 plain hooked
  plain=$("${emulator[@]}" "$folder/target")
  hooked=$(with_payload "$folder")
  printf '%-26s without: %-24s with the payload: %s\n' "$1" "$plain" "$hooked"
  if [ "$plain" != "$2" ] || [ "$hooked" != "$3" ]; then
    echo "show: $1 should print '$2' and '$3'" >&2
    exit 1
  fi
}

show instrument_with_original 'calc(1, 2) = 3' 'calc(1, 2) = 42'
show instrument_no_original 'calc(4, 5) = 9' 'calc(4, 5) = 99'
show inline_hook_far 'target_add(6, 7) = 13' 'target_add(6, 7) = 42'
show patchcode_add_to_mul 'calc(6, 7) = 13' 'calc(6, 7) = 42'
if [ -d "$build/examples/branch_never" ]; then
  show live_scratch_register 'read_marker() = 4660' 'read_marker() = 4660'
  show branch_never 'branch_nv() = 2' 'branch_nv() = 2'
  show call_by_link 'call_by_link() = 4' 'call_by_link() = 4'
fi
