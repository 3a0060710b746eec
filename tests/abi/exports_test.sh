#!/bin/bash
# The library exports what its headers declare: no more, no less, and all of it under the first release's version.
#   exports_test.sh LIBRARY INCLUDE_FOLDER        (CC, NM: the compiler and its nm; cc and nm by default)
set -uo pipefail
export LC_ALL=C
readonly library=$1 include=$2 version=SIGHOOK_0.1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

report() { # sentence file-with-offenders
  if [ -s "$2" ]; then
    echo "not ok - $1: $(tr '\n' ' ' <"$2")"
    failures=$((failures + 1))
  else
    echo "ok - $1"
  fi
}

# A declaration is a name before a parenthesis; a pointer type's name stands before a closing one.
echo '#include <sighook/sighook.h>' | "${CC:-cc}" -E -P -I"$include" - |
  grep -oE '\bsighook_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u >"$scratch/declared"
"${NM:-nm}" -D --defined-only --with-symbol-versions "$library" | awk '{ print $NF }' | sort -u >"$scratch/exported"
sed 's/@.*//' "$scratch/exported" | grep -vx "$version" | sort -u >"$scratch/names"
grep -vE "(@@$version|^$version(@@$version)?)\$" "$scratch/exported" >"$scratch/unversioned"
comm -23 "$scratch/declared" "$scratch/names" >"$scratch/lacking"
comm -13 "$scratch/declared" "$scratch/names" >"$scratch/extra"

# Guards the extraction itself: an empty list would make every comparison hold.
known=0
for name in sighook_version sighook_install sighook_patch_bytes sighook_batch_commit sighook_handle_signal sighook_arg_float; do
  grep -qx "$name" "$scratch/declared" && known=$((known + 1))
done
[ "$known" = 6 ] || echo "found $(wc -l <"$scratch/declared") declarations, $known of 6 known ones" >"$scratch/blind"
[ -e "$scratch/blind" ] || : >"$scratch/blind"

report "the declarations of the headers are found" "$scratch/blind"
report "every declared function is exported" "$scratch/lacking"
report "nothing else is exported" "$scratch/extra"
report "every export carries the version $version" "$scratch/unversioned"
exit $((failures > 0))
