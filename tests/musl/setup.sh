#!/bin/bash
# Makes the two libraries that Debian has for glibc only, for musl: Zydis and cmocka, static, from Debian's source packages.
# Into a folder of its own: neither dpkg's database nor apt's lists of this machine are touched.
#
#   setup.sh [DIR]      default: $SIGHOOK_MUSL, else ~/.cache/sighook-musl
#
# DIR/x86_64, DIR/aarch64   include and lib for each machine that there is a musl compiler for: musl-gcc for this one, and on
#                           x86-64 what tests/arm64/setup.sh made ($SIGHOOK_ARM64, else ~/.cache/sighook-arm64)
set -euo pipefail

readonly sources=(cmocka zydis)
readonly zycore=/usr/include/Zycore    # of libzycore-dev, which libzydis-dev needs
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "musl/setup.sh: $*" >&2
  exit 1
}

step() {
  echo "musl: $*"
}

# Fetching: a private apt with the machine's own mirror and proxy, which checks every file --------------------------------

# One line: the mirror and the codename of this machine's own release.
release() {
  local codename
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016  # apt expands these
  apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v codename="$codename" '$2 == codename && !found { print; found = 1 }'
}

write_apt_conf() {
  local archive codename
  read -r archive codename <<<"$(release)"
  [ -n "$archive" ] || fail "apt on this machine names no mirror of its own release"
  [ -r "$keyring" ] || fail "there is no $keyring: install debian-archive-keyring"
  mkdir -p "$apt"/{etc,state/lists/partial,cache/archives/partial}
  : >"$apt/status"
  echo "deb-src [signed-by=$keyring] $archive $codename main" >"$apt/etc/sources.list"
  # Read after the machine's own configuration, whose proxy stays and whose hooks must not run.
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc "$apt/etc";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "root";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
#clear DPkg;
#clear APT::Update;
APT::Update::Error-Mode "any";
CONF
}

private_apt() { # what argument...
  local what=$1
  shift
  apt-get -c "$apt/apt.conf" -qq "$@" </dev/null >"$work/output" 2>"$work/errors" ||
    fail "could not get $what: $(grep -m 1 '^E: ' "$work/errors" || tail -n 1 "$work/errors")"
}

fetch() {
  local name
  step "fetching the sources of ${sources[*]}"
  write_apt_conf
  private_apt "the list of source packages" update
  (cd "$work" && private_apt "the sources of ${sources[*]}" source --download-only "${sources[@]}")
  for name in "${sources[@]}"; do
    # apt has compared the hashes; what dpkg-source could check beyond that are the maintainers' own signatures.
    dpkg-source --no-check -x "$work/$name"_*.dsc "$work/$name" >"$work/output" 2>&1 ||
      fail "could not unpack $name: $(tail -n 1 "$work/output")"
  done
}

# Building ---------------------------------------------------------------------------------------------------------------

compiler_of() { # machine
  if [ "$1" = "$(uname -m)" ]; then
    compiler=(musl-gcc)
  else
    compiler=("$1-linux-gnu-gcc" -specs "$arm64/musl/musl-gcc.specs")
  fi
}

library() { # machine name source-folder flag...
  local name=$2 target=$work/made/$1 objects=$work/objects/$1/$2 compiler
  compiler_of "$1"
  mkdir -p "$target/lib" "$objects"
  (cd "$objects" && printf '%s\0' "$3"/*.c |
    xargs -0 -P "$(nproc)" -n 4 "${compiler[@]}" -std=gnu11 -O2 -fPIC -I"$target/include" "${@:4}" -c) \
    >"$work/output" 2>&1 || fail "could not compile $name for $1: $(grep -m 1 error "$work/output")"
  ar rcs "$target/lib/lib$name.a" "$objects"/*.o
}

headers() { # machine folder...
  mkdir -p "$work/made/$1/include"
  cp -r "${@:2}" "$work/made/$1/include"
}

# Of Zycore, the decoder needs the headers, which are the same for every machine and C library; its formatter would need more.
build_for() { # machine
  local zydis=$work/zydis cmocka=$work/cmocka
  step "building for $1"
  headers "$1" "$zydis/include/Zydis" "$zycore" "$cmocka/include/cmocka.h"
  # It would guess the width of uintptr_t from glibc's macros.
  sed -i '1i #include <stdint.h>\n#define _UINTPTR_T' "$work/made/$1/include/cmocka.h"
  library "$1" Zydis "$zydis/src" -I"$zydis/src" -DZYAN_NO_LIBC
  library "$1" cmocka "$cmocka/src" -I"$cmocka/include" -D_GNU_SOURCE -DHAVE_GCC_THREAD_LOCAL_STORAGE \
    -DHAVE_{INTTYPES_H,SIGNAL_H,STRINGS_H,STRSIGNAL,SIGLONGJMP,CLOCK_REALTIME,STRUCT_TIMESPEC}
}

machines() {
  uname -m
  if [ "$(uname -m)" = x86_64 ] && [ -r "$arm64/musl/musl-gcc.specs" ]; then
    echo aarch64
  fi
}

main() {
  local made machine directory
  directory=$(realpath -m "${1:-${SIGHOOK_MUSL:-${XDG_CACHE_HOME:-$HOME/.cache}/sighook-musl}}")
  arm64=${SIGHOOK_ARM64:-${XDG_CACHE_HOME:-$HOME/.cache}/sighook-arm64}
  made="$(sha256sum <"${BASH_SOURCE[0]}") $(machines | tr '\n' ' ')"
  [ "$(cat "$directory/stamp" 2>/dev/null)" != "$made" ] || return 0
  mkdir -p "$directory"
  exec 9>"$directory/lock"
  flock 9
  # Another run may have done it meanwhile.
  [ "$(cat "$directory/stamp" 2>/dev/null)" != "$made" ] || return 0
  work=$directory/new apt=$directory/new/apt
  rm -rf "$work" "$directory/stamp"
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"
  fetch
  for machine in $(machines); do
    build_for "$machine"
    rm -rf "${directory:?}/$machine"
    mv "$work/made/$machine" "$directory/$machine"
  done
  echo "$made" >"$directory/stamp"
  step "ready in $directory"
}

main "$@"
