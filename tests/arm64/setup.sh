#!/bin/bash
# Fetches what building for arm64 Linux and running the results takes, into a folder of its own: neither dpkg's database
# nor apt's lists of this machine are touched.
#
#   setup.sh [DIR]      default: $SIGHOOK_ARM64, else ~/.cache/sighook-arm64
#
# DIR/qemu-aarch64         runs one program; static, version 10 or newer
# DIR/qemu-system-aarch64  a whole machine; version 10, whose instruction counts are exact
# DIR/root-12, root-13     what programs need of Debian 12 and 13; the latter's libraries are guarded by BTI and PAC
# DIR/musl                 musl-gcc.specs in it makes musl programs: aarch64-linux-gnu-gcc -specs DIR/musl/musl-gcc.specs
# DIR/kernel-6.1, kernel-6.12, kernel-6.12-16k
set -euo pipefail

readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly old=bookworm new=trixie

readonly root_12=(
  libc6 libgcc-s1 libstdc++6
  libcmocka0 libcmocka-dev libzydis4.0 libzydis-dev libzycore1.4 libzycore-dev
  libelf1 libelf-dev zlib1g zlib1g-dev libyajl2 libyajl-dev libiberty-dev
  openssl libssl3
  python3.11-minimal libpython3.11-minimal libpython3.11-stdlib
  libexpat1 libffi8 libbz2-1.0 liblzma5 libcrypt1 libuuid1
  coreutils libacl1 libattr1 libgmp10 libselinux1 libpcre2-8-0
  bash libtinfo6)
readonly root_13=(
  libc6 libc6-dev linux-libc-dev libgcc-s1 libgcc-14-dev libstdc++6
  libcmocka0 libcmocka-dev openssl libssl3t64 libzstd1 zlib1g
  bash libtinfo6)

fail() {
  echo "setup.sh: $*" >&2
  exit 1
}

step() {
  echo "arm64: $*"
}

# A private apt: own lists, cache and state, the machine's own mirror and proxy -----------------------------------------

mirror() {
  local codename
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016  # apt expands these
  apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v codename="$codename" '$2 == codename && !found { print $1; found = 1 }'
}

write_apt_conf() {
  local archive entry="signed-by=$keyring targets=Packages"
  archive=$(mirror)
  [ -n "$archive" ] || fail "apt on this machine names no mirror of its own release"
  [ -r "$keyring" ] || fail "there is no $keyring: install debian-archive-keyring"
  mkdir -p "$apt"/{etc,state/lists/partial,cache/archives/partial}
  : >"$apt/status"
  printf 'deb [%s] %s %s main\n' "$entry arch=arm64" "$archive" $old "$entry arch=arm64,amd64" "$archive" $new \
    >"$apt/etc/sources.list"
  # Read after the machine's own configuration, whose proxy stays and whose hooks must not run.
  cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc "$apt/etc";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; "amd64"; };
APT::Install-Recommends "false";
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

private_apt() { # what command [argument...]
  local what=$1
  shift
  "$1" -c "$apt/apt.conf" -qq "${@:2}" </dev/null >"$apt/output" 2>"$apt/errors" ||
    fail "could not get $what: $(grep -m 1 '^E: ' "$apt/errors" || tail -n 1 "$apt/errors")"
}

fetch() { # folder release architecture package...
  local folder=$work/deb/$1 release=$2 architecture=$3
  shift 3
  mkdir -p "$folder"
  (cd "$folder" && private_apt "$* of $release for $architecture" \
    apt-get download "${@/%/:$architecture/$release}")
}

# What a metapackage names: the newest kernel of its kind.
kernel_package() { # metapackage release
  private_apt "$1 of $2" apt-cache depends "$1:arm64/$2"
  sed -n '/Depends: linux-image-/{s/.*: //;p;q}' "$apt/output"
}

# Unpacking --------------------------------------------------------------------------------------------------------------

unpack() { # folder-of-debs target [tar-argument...]
  local deb
  for deb in "$work/deb/$1"/*.deb; do
    # Not dpkg -x: it would replace the links of merge_usr by folders.
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$2" "${@:3}" ||
      fail "could not unpack ${deb##*/}"
  done
}

# Debian 12's packages still put files into /lib and /bin: one tree, as on an installed system.
merge_usr() { # root
  local name
  for name in bin lib sbin; do
    mkdir -p "$1/usr/$name"
    ln -s "usr/$name" "$1/$name"
  done
}

# An absolute link would lead out of the root, to this machine's own file.
make_links_relative() { # root
  local link target
  find "$1" -type l -lname '/*' | while read -r link; do
    target=$(readlink "$link")
    ln -sfn --relative "$1$target" "$link"
  done
}

make_root() { # name
  merge_usr "$work/$1"
  unpack "$1" "$work/$1" --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
    --exclude='./usr/share/info' --exclude='./usr/lib/*/gconv' --exclude='*.a.gz'
  make_links_relative "$work/$1"
  mkdir -p "$work/$1/tmp"
  [ ! -e "$work/$1/bin/bash" ] || ln -sfn bash "$work/$1/bin/sh"
}

make_kernel() { # name
  mkdir "$work/$1.files"
  unpack "$1" "$work/$1.files" --wildcards './boot/vmlinuz-*'
  mv "$work/$1.files"/boot/vmlinuz-* "$work/$1"
}

make_musl() {
  merge_usr "$work/musl"
  unpack musl "$work/musl" --exclude='./usr/share'
  make_links_relative "$work/musl"
  sed "s#/usr/\\(lib\\|include\\)/aarch64-linux-musl#$directory/musl&#g" \
    "$work/musl/usr/lib/aarch64-linux-musl/musl-gcc.specs" >"$work/musl/musl-gcc.specs"
}

# Emulators --------------------------------------------------------------------------------------------------------------

# Older than 10, qemu-aarch64 never sees code that was changed through another mapping or /proc/self/mem.
system_qemu_user() {
  local path version
  path=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || return 1
  version=$("$path" --version | sed -n '1s/.*version \([0-9]*\)\..*/\1/p')
  # A dynamic one would take the target's LD_PRELOAD for its own.
  [ "${version:-0}" -ge 10 ] && ! readelf -lW "$path" | grep -q INTERP && echo "$path"
}

make_qemu_user() {
  if [ -n "$qemu_user" ]; then
    ln -s "$qemu_user" "$work/qemu-aarch64"
  else
    mkdir "$work/qemu-user"
    unpack qemu-user "$work/qemu-user" ./usr/bin/qemu-aarch64
    mv "$work/qemu-user/usr/bin/qemu-aarch64" "$work/qemu-aarch64"
  fi
}

fetch_qemu_system() {
  mkdir -p "$work/deb/qemu-system/partial"
  private_apt "qemu-system-arm of $new with its libraries" apt-get -y --download-only -o Debug::NoLocking=1 \
    -o APT::Architecture=amd64 -o Dir::Cache::archives="$work/deb/qemu-system" install "qemu-system-arm:amd64/$new"
}

# It brings its own loader and C library, since this machine's may be older than what it was built for.
make_qemu_system() {
  local files=$work/qemu-system.files target=$work/qemu-system
  merge_usr "$files"
  ln -s usr/lib64 "$files/lib64"
  mkdir "$files/usr/lib64"
  unpack qemu-system "$files" --exclude=./usr/share --exclude=./etc --exclude=./var
  mkdir -p "$target"
  cp "$files/usr/bin/qemu-system-aarch64" "$target"
  cp -L "$files/usr/lib64/ld-linux-x86-64.so.2" "$target/loader"
  "$target/loader" --library-path "$files/usr/lib/x86_64-linux-gnu" --list "$target/qemu-system-aarch64" |
    awk -v files="$files/" 'index($3, files) == 1 { print $3 }' | xargs cp -L -t "$target"
  cat >"$work/qemu-system-aarch64" <<'WRAPPER'
#!/bin/sh
files=$(dirname "$(readlink -f "$0")")/qemu-system
exec "$files/loader" --library-path "$files" "$files/qemu-system-aarch64" -L "$files" "$@"
WRAPPER
  chmod +x "$work/qemu-system-aarch64"
}

# Main -------------------------------------------------------------------------------------------------------------------

fetch_all() {
  step "reading the package lists"
  write_apt_conf
  private_apt "the package lists of $old and $new" apt-get update
  step "fetching packages"
  fetch root-12 $old arm64 "${root_12[@]}"
  fetch root-13 $new arm64 "${root_13[@]}"
  fetch musl $old arm64 musl musl-dev
  fetch kernel-6.1 $old arm64 "$(kernel_package linux-image-cloud-arm64 $old)"
  fetch kernel-6.12 $new arm64 "$(kernel_package linux-image-cloud-arm64 $new)"
  fetch kernel-6.12-16k $new arm64 "$(kernel_package linux-image-arm64-16k $new)"
  [ -n "$qemu_user" ] || fetch qemu-user $new amd64 qemu-user
  fetch_qemu_system
}

make_all() {
  local kernel
  step "unpacking"
  make_root root-12
  make_root root-13
  make_musl
  for kernel in kernel-6.1 kernel-6.12 kernel-6.12-16k; do
    make_kernel $kernel
  done
  make_qemu_user
  make_qemu_system
}

check_all() {
  "$work/qemu-aarch64" -L "$work/root-12" "$work/root-12/usr/bin/sort" --version >/dev/null ||
    fail "qemu-aarch64 cannot run a program of root-12"
  "$work/qemu-system-aarch64" --version >/dev/null || fail "qemu-system-aarch64 does not start"
}

put_in_place() {
  local name
  for name in root-12 root-13 musl kernel-6.1 kernel-6.12 kernel-6.12-16k qemu-aarch64 qemu-system qemu-system-aarch64; do
    rm -rf "${directory:?}/$name"
    mv "$work/$name" "$directory/$name"
  done
}

main() {
  directory=$(realpath -m "${1:-${SIGHOOK_ARM64:-${XDG_CACHE_HOME:-$HOME/.cache}/sighook-arm64}}")
  local made
  made="$(sha256sum <"${BASH_SOURCE[0]}") $directory"
  [ "$(cat "$directory/stamp" 2>/dev/null)" != "$made" ] || return 0
  command -v apt-get >/dev/null || fail "needs apt-get"
  mkdir -p "$directory"
  exec 9>"$directory/lock"
  flock 9
  # Another run may have done it meanwhile.
  [ "$(cat "$directory/stamp" 2>/dev/null)" != "$made" ] || return 0
  work=$directory/new apt=$directory/new/apt
  rm -rf "$work" "$directory/stamp"
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"
  qemu_user=$(system_qemu_user || true)
  fetch_all
  make_all
  check_all
  put_in_place
  echo "$made" >"$directory/stamp"
  step "ready in $directory"
}

main "$@"
