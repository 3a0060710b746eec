# shellcheck shell=bash
# For the tests of the command: checks, and what they compare with. No programs but bash and coreutils: the emulated arm64
# machine has no others.
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
  local expected got
  # The dot keeps empty lines at the end.
  expected=$(cat "$2" && echo .)
  got=$(cat "$3" && echo .)
  if [ "$expected" = "$got" ]; then
    ok "$1"
  else
    not_ok "$1" "$(comm -3 --nocheck-order <(echo "$expected") <(echo "$got") | head -n 10)"
  fi
}

contains() { # sentence file text
  if [[ $(cat "$2") == *"$3"* ]]; then
    ok "$1"
  else
    not_ok "$1" "no '$3' in:" "$(head -n 20 "$2")"
  fi
}

at_least() { # sentence bound number
  if [ "$3" -ge "$2" ]; then
    ok "$1"
  else
    not_ok "$1" "$3, at least $2 expected"
  fi
}

# Runs `$sighook list --entry`; the table's numbers are then in branch, punned, evicted, trap, refused and of.
list() { # argument...
  # shellcheck disable=SC2154  # set by who sources this
  "$sighook" list --entry "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  status=$?
  branch='' punned='' evicted='' trap='' refused='' of=''
  { read -ra title && read -r branch punned evicted trap refused of; } <"$scratch/out"
}

adds_up() { # sentence least
  equal "$1: status" 0 "$status"
  equal "$1: the title" "branch punned evicted trap refused of" "${title[*]}"
  equal "$1: the numbers add up" "$of" $((branch + punned + evicted + trap + refused))
  at_least "$1: how many there are" "$2" "$of"
}

# The lines that match none of the patterns.
lines_but() { # file pattern...
  local line pattern
  while IFS= read -r line; do
    for pattern in "${@:2}"; do
      # shellcheck disable=SC2053  # it is a pattern
      [[ $line != $pattern ]] || continue 2
    done
    printf '%s\n' "$line"
  done <"$1"
}

lines_like() { # file pattern
  local line
  while IFS= read -r line; do
    # shellcheck disable=SC2053
    [[ $line != $2 ]] || printf '%s\n' "$line"
  done <"$1"
}

count_like() { # file pattern
  lines_like "$1" "$2" | wc -l
}

# The calls of one function in a table, summed over programs; without a function: of all.
calls_of() { # table [function]
  local number name sum=0
  while read -r number name _; do
    [[ $number != [0-9]* ]] || [ "${2:-$name}" != "$name" ] || sum=$((sum + number))
  done <"$1"
  echo $sum
}

# Where a function lies, and how long its first instruction is; TOOLS is the prefix of binutils for another machine.
offset_of_tock() { # program
  local offset type name
  "${TOOLS:-}nm" "$1" | while read -r offset type name; do
    [ "$type $name" != "T tock" ] || printf '0x%x\n' "0x$offset"
  done
}

length_in_tock() { # program
  local line lines=()
  while read -r line; do lines+=("${line%%:*}"); done < <("${TOOLS:-}objdump" -d --no-show-raw-insn --disassemble=tock "$1" |
    grep -A 2 '<tock>:' | tail -n 2)
  printf '0x%x\n' $((0x${lines[1]} - 0x${lines[0]}))
}

finish() {
  exit $((failures > 0))
}
