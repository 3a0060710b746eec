#!/bin/bash
# The tree stands alone: no path of the machine it was written on, no note to self.
#   tree_test.sh REPOSITORY
# The patterns are written with a bracket each, so that they do not find themselves.
set -uo pipefail
cd "$1" || exit 1
failures=0

tree_files() {
  git ls-files -z --cached --others --exclude-standard 2>/dev/null || find . -type f -not -path './build*' -not -path './.git/*' -print0
}

absent() { # sentence extended-regular-expression
  local found
  found=$(tree_files | xargs -0 -r grep -InE -e "$2" -- 2>/dev/null)
  if [ -z "$found" ]; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    head -n 20 <<<"$found"
    failures=$((failures + 1))
  fi
}

if [ "$(tree_files | tr -cd '\0' | wc -c)" -lt 20 ]; then
  echo "not ok - the files of the tree are found"
  exit 1
fi
echo "ok - the files of the tree are found"
absent "no absolute path of a workplace" '(^|[^[:alnum:]_.$}/])/(wor[k]|hom[e]/[a-z]|roo[t]/|User[s]/)'
absent "no path out of the tree" '[.][.]/share[d]'
absent "no note to self" '\b(TOD[O]|FIXM[E]|XX[X])\b'
absent "no merge marker" '^(<{7} |>{7} |={7}$)'
absent "no carriage return" $'\r'
exit $((failures > 0))
