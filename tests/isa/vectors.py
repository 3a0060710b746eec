#!/usr/bin/env python3
"""Lets the independent assembler confirm tests/vectors/x86_64_relocate.txt.

  vectors.py FILE           every assembly text gives exactly the bytes beside it
  vectors.py --write FILE   put the assembler's bytes there: for new vectors, whose bytes are still empty

Both columns of code read `hex : assembly`. Statements are separated by `;`. The symbols `at` and `to` are known to
both, `next` (behind the original instruction) to the displaced form; `^` stands between the statements where the
original has had its effect.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

FIELDS = 6
# Operands, which need a name: a bare number before (%rip) is a displacement, not an address.
PLACES = {"data": 0x402000, "low": 0x300000}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr.strip().replace("\n", "; "))
    return done.stdout


def assemble(folder, text, address, symbols):
    """The bytes of `text` at `address`, and the offset of `^` or None."""
    source, object_file, linked = (folder / name for name in ("v.s", "v.o", "v.elf"))
    # Addresses become known to the linker only, so that no branch is shortened.
    lines = [".text", ".globl _start", "_start:"]
    for statement in re.split(r"(\^)|;", text):
        if statement == "^":
            lines.append("exit_mark:")
        elif statement:
            lines.append(statement.strip())
    source.write_text("\n".join(lines) + "\n")
    run("as", "--64", "-o", object_file, source)
    definitions = [f"--defsym={name}={value:#x}" for name, value in symbols.items()]
    run("ld", "-N", f"-Ttext={address:#x}", *definitions, "-o", linked, object_file)
    run("objcopy", "-O", "binary", "-j", ".text", linked, folder / "v.bin")
    exit_offset = None
    for line in run("nm", linked).splitlines():
        if line.endswith(" exit_mark"):
            exit_offset = int(line.split()[0], 16) - address
    return (folder / "v.bin").read_bytes(), exit_offset


def hex_text(code, exit_offset):
    text = [f"{byte:02x}" for byte in code]
    if exit_offset is not None:
        text.insert(exit_offset, "^")
    return " ".join(text)


def split_code(column):
    bytes_text, _, text = column.partition(":")
    return bytes_text.strip(), text.strip()


def derive(folder, fields):
    """The two columns of code as the assembler has them."""
    at, to = int(fields[2], 16), int(fields[3], 16)
    _, text = split_code(fields[1])
    original, _ = assemble(folder, text, at, {"at": at, "to": to, **PLACES})
    result = [f"{hex_text(original, None)} : {text}", fields[4]]
    if not fields[4].startswith("refused"):
        _, expected = split_code(fields[4])
        symbols = {"at": at, "to": to, "next": at + len(original), **PLACES}
        result[1] = f"{hex_text(*assemble(folder, expected, to, symbols))} : {expected}"
    return result


def process(path, write):
    failures, lines = 0, []
    with tempfile.TemporaryDirectory() as name:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            fields = [field.strip() for field in line.split("|")]
            if not line.strip() or line.startswith("#"):
                lines.append(line)
                continue
            if len(fields) != FIELDS:
                print(f"not ok - line {number} has {len(fields)} fields")
                failures += 1
                continue
            try:
                derived = derive(pathlib.Path(name), fields)
            except ValueError as error:
                derived = [str(error), ""]
            if not write:
                same = [fields[1], fields[4]] == derived
                print(f"{'ok' if same else 'not ok'} - as confirms: {fields[0]}")
            elif derived[1]:
                same = True
            else:
                same = False
                print(f"line {number}: {derived[0]}")
                derived = [fields[1], fields[4]]
            if not same:
                failures += 1
                print(f"  derived: {derived}")
            lines.append(" | ".join([fields[0], derived[0], fields[2], fields[3], derived[1], fields[5]]))
    if write:
        path.write_text("\n".join(lines) + "\n")
    return failures


def main():
    arguments = sys.argv[1:]
    write = arguments[:1] == ["--write"]
    return 1 if process(pathlib.Path(arguments[-1]), write) else 0


if __name__ == "__main__":
    sys.exit(main())
