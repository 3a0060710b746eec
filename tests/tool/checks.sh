# shellcheck shell=bash
# For the tests of the command: `check SENTENCE CONDITION...` and what they compare with.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

ok() { # sentence
  echo "ok - $1"
}

not_ok() { # sentence detail...
  echo "not ok - $1"
  shift
  printf '  %s\n' "$@"
  failures=$((failures + 1))
}

equal() { # sentence expected got
  if [ "$2" = "$3" ]; then
    ok "$1"
  else
    not_ok "$1" "expected: $2" "got: $3"
  fi
}

same_file() { # sentence expected-file got-file
  if cmp -s "$2" "$3"; then
    ok "$1"
  else
    not_ok "$1" "$(diff "$2" "$3" | head -n 10)"
  fi
}

contains() { # sentence file fixed-text
  if grep -qF -e "$3" "$2"; then
    ok "$1"
  else
    not_ok "$1" "no '$3' in:" "$(head -n 20 "$2")"
  fi
}

# The calls of one function in a table, summed over programs.
calls_of() { # table function
  awk -v name="$2" '$2 == name { sum += $1 } END { print sum + 0 }' "$1"
}

finish() {
  exit $((failures > 0))
}
