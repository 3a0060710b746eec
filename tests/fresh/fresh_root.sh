#!/bin/bash
# Proves that a machine with nothing on it is enough: makes a minimal Debian root in a folder, clones the committed state of
# this repository into it, and runs ./run there, which has to install whatever it needs by itself.
#
#   tests/fresh/fresh_root.sh FOLDER [VERB [OPTION...]]       (default verb: demo)
#
# A FOLDER that already holds a root is used again. Needs root, debootstrap and git. The package mirror is the one that this
# machine's apt is configured with. Nothing stays mounted: the work is done in a mount namespace of its own.
set -euo pipefail

readonly suite=bookworm
readonly inside=/srv/sighook
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

fail() {
  echo "fresh_root: $*" >&2
  exit 1
}

# One line a component: "<mirror> <suite> <component>", for the Debian suites this machine uses.
mirrors() {
  local release
  for release in "$suite" "$suite-updates" "$suite-security"; do
    # shellcheck disable=SC2016  # apt-get expands these
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' "Release: $release"
  done | awk '$3 == "main"' | sort -u
}

bootstrap() { # root
  local mirror
  mirror=$(mirrors | awk -v suite="$suite" '$2 == suite { print $1; exit }')
  [ -n "$mirror" ] || fail "apt on this machine has no source for $suite"
  debootstrap --variant=minbase "$suite" "$1" "$mirror"
}

# What the network needs comes from this machine, package sources included.
configure() { # root
  mirrors | sed 's/^/deb /' >"$1/etc/apt/sources.list"
  local file
  for file in /etc/resolv.conf /etc/hosts; do
    if [ -e "$file" ]; then cp -L "$file" "$1$file"; fi
  done
}

clone() { # root
  rm -rf "$1$inside"
  mkdir -p "$1$inside"
  git clone --quiet --no-hardlinks "$repository" "$1$inside"
}

mount_and_run() { # root verb...
  local root=$1
  shift
  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  exec env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$root" /bin/bash -c "cd $inside && exec ./run \"\$@\"" run "$@"
}

main() {
  if [ "${1:-}" = --mounted ]; then
    shift
    mount_and_run "$@"
  fi
  [ $# -ge 1 ] || fail "usage: tests/fresh/fresh_root.sh FOLDER [VERB [OPTION...]]"
  [ "$(id -u)" = 0 ] || fail "must run as root: it makes device nodes and changes the root folder"
  local tool
  for tool in debootstrap git unshare; do
    command -v "$tool" >/dev/null || fail "needs the program $tool"
  done
  local root
  mkdir -p "$1"
  root=$(cd "$1" && pwd)
  shift
  [ $# -ge 1 ] || set -- demo
  [ -e "$root/etc/debian_version" ] || bootstrap "$root"
  configure "$root"
  clone "$root"
  exec unshare --mount --fork --pid --kill-child "${BASH_SOURCE[0]}" --mounted "$root" "$@"
}

main "$@"
