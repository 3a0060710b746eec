#!/bin/bash
# Runs commands on an emulated arm64 machine under a Debian kernel.
#
#   boot.sh KERNEL [OPTION...] PAYLOAD
#
# KERNEL: 6.1, 6.12, 6.12-16k (with pages of 16 KiB), or a file. PAYLOAD is a folder:
#   commands   a line a test: <name> <seconds> <shell command>, run in /payload
#   files      optional, a path a line: "/x" brings the host's file or folder /x to the same place, "x" that of the root
#   ...        all else stands in /payload of the machine
# The libraries that the programs need come from the root. Each test's output goes through run_cases.sh, which counts its
# cases: FOLDER/<name> holds "<passed> <failed> <skipped>", beside it lie <name>.log and <name>.notes.
#
#   --results FOLDER   default: none are kept
#   --root NAME        root-12 (default) or root-13
#   --cpus N           default 2
#   --cpu NAME         default max: all that QEMU knows, MTE included
#   --icount           the counter CNTVCT ticks once an instruction; processors take turns
#   --append TEXT      more for the kernel's command line
# Exit status: 0 if at least one test passed and none failed.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly here directory=${SIGHOOK_ARM64:-${XDG_CACHE_HOME:-$HOME/.cache}/sighook-arm64}

fail() {
  echo "boot.sh: $*" >&2
  exit 1
}

parse() {
  [ $# -ge 2 ] || fail "usage: boot.sh KERNEL [OPTION...] PAYLOAD"
  kernel=$1 root=root-12 results='' cpus=2 cpu=max icount='' append=''
  shift
  while [ $# -gt 1 ]; do
    case $1 in
    --results) results=$2 ;;
    --root) root=$2 ;;
    --cpus) cpus=$2 ;;
    --cpu) cpu=$2 ;;
    --append) append=$2 ;;
    --icount)
      icount=yes
      shift
      continue
      ;;
    *) fail "no such option: $1" ;;
    esac
    shift 2
  done
  [ $# = 1 ] || fail "no payload"
  payload=$1 root=$directory/$root
  [ -e "$kernel" ] || kernel=$directory/kernel-$kernel
  [ -e "$kernel" ] || fail "no kernel $kernel: setup.sh fetches them"
  [ -d "$root" ] || fail "no $root: setup.sh makes it"
  [ -s "$payload/commands" ] || fail "no $payload/commands"
}

# The machine's files ----------------------------------------------------------------------------------------------------

copy_from() { # root path: to the same place in the machine
  mkdir -p "$image/$(dirname "$2")"
  cp -a -t "$image/$(dirname "$2")" "$1/$2" || fail "no $1/$2"
}

copy_listed() {
  local path
  while read -r path; do
    case $path in
    '' | '#'*) ;;
    /*) copy_from "" "${path#/}" ;;
    *) copy_from "$root" "$path" ;;
    esac
  done <"$payload/files"
}

needed_libraries() { # list-of-files
  # readelf ends badly over what is no program.
  { xargs -0 aarch64-linux-gnu-readelf -d <"$1" 2>/dev/null || true; } | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | sort -u
}

# What is missing in the root is either in the payload or will be missed by the program, which says so.
copy_libraries() {
  local folder=usr/lib/aarch64-linux-gnu library
  mkdir -p "$image/$folder"
  cp -L -t "$image/usr/lib" "$root/usr/lib/ld-linux-aarch64.so.1"
  # dlopen'ed by pthread_cancel and by unwinding.
  cp -L -t "$image/$folder" "$root/$folder/libgcc_s.so.1"
  find "$image" -type f \( -perm /111 -o -name '*.so*' \) -print0 >"$scratch/todo"
  while [ -s "$scratch/todo" ]; do
    needed_libraries "$scratch/todo" >"$scratch/needed"
    : >"$scratch/todo"
    while read -r library; do
      if [ ! -e "$image/$folder/$library" ] && [ -e "$root/$folder/$library" ]; then
        cp -L "$root/$folder/$library" "$image/$folder/$library"
        printf '%s\0' "$image/$folder/$library" >>"$scratch/todo"
      fi
    done <"$scratch/needed"
  done
}

make_image() {
  local name
  mkdir -p "$image"/{dev,proc,sys,tmp,payload}
  for name in bin lib sbin; do
    mkdir -p "$image/usr/$name"
    ln -s "usr/$name" "$image/$name"
  done
  cp -a "$payload/." "$image/payload"
  rm -f "$image/payload/commands" "$image/payload/files"
  sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$payload/commands" >"$image/commands"
  copy_from "$root" usr/bin/bash
  ln -s bash "$image/usr/bin/sh"
  [ ! -e "$payload/files" ] || copy_listed
  copy_libraries
  aarch64-linux-gnu-gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -o "$image/init" "$here/init.c"
  (cd "$image" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$scratch/initrd"
}

# The machine ------------------------------------------------------------------------------------------------------------

# Only a net: every command has its own limit inside, in the machine's time, which under --icount is instructions.
machine_limit() {
  awk -v factor="${icount:+10}" '{ sum += $2 } END { print sum * (factor ? factor : 1) + 60 }' "$image/commands"
}

boot() {
  local machine=virt model=$cpu
  if [ "$cpu" = max ]; then
    # Only max has MTE; the architected PAC algorithm takes most of the time in emulation.
    machine=virt,mte=on model=max,pauth-impdef=on
  fi
  timeout -k 5 "$(machine_limit)" "$directory/qemu-system-aarch64" -M "$machine" -cpu "$model" -smp "$cpus" -m 1024 \
    ${icount:+-icount shift=0,sleep=off} -display none -monitor none -nodefaults -no-user-config -no-reboot -nic none \
    -serial stdio -serial "file:$scratch/records" -semihosting-config enable=on,userspace=on,target=native \
    -kernel "$kernel" -initrd "$scratch/initrd" \
    -append "console=ttyAMA0 quiet panic=-1 oops=panic rdinit=/init $append" </dev/null
}

# Results ----------------------------------------------------------------------------------------------------------------

split_records() {
  local name status length
  while read -r name status length; do
    head -c "$length" >"$scratch/$name.output"
    echo "$status" >"$scratch/$name.status"
  done <"$scratch/records"
}

# A test without a record was running, or still to come, when the machine died.
replay() { # name
  if [ -e "$scratch/$1.status" ]; then
    cat "$scratch/$1.output"
    return "$(cat "$scratch/$1.status")"
  fi
  echo "the machine ended before this test did"
  return 134
}

count_cases() {
  local name rest bad=0 status
  export scratch
  export -f replay
  while read -r name rest; do
    status=0
    # shellcheck disable=SC2016  # the inner bash expands it
    "$here/../run_cases.sh" "${results:-$scratch/results}" "$name" 60 bash -c 'replay "$1"' replay "$name" || status=$?
    [ "$status" = 0 ] || [ "$status" = 77 ] || bad=1
  done <"$image/commands"
  return "$bad"
}

main() {
  parse "$@"
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  image=$scratch/image
  make_image
  : >"$scratch/records"
  local status=0
  boot || status=$?
  split_records
  count_cases || { [ "$status" != 77 ] || status=1; }
  [ "$status" = 77 ] || fail "not passed (status $status)"
}

main "$@"
