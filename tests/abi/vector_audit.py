"""Which objects of the library touch vector or floating-point registers.

  vector_audit.py PROCESSOR OBJECT...        (OBJDUMP: of the compiler's binutils, objdump by default)

Everything but the two files below may run on a hit before those registers are saved, or in a handler that asked for integer
registers alone.
"""
import os
import pathlib
import re
import subprocess
import sys

ALLOWED = {"context_float.c": "reads and writes the saved ones as C's double", "routines.S": "saves and restores them"}

# In operands. AArch64: v0.16b, q0, d0, s0, h0, b0, z0.d, p0, p0/m, fpcr and fpsr; x86-64: %xmm0 and wider, %mm0, %st, %k0.
REGISTERS = {
    "aarch64": re.compile(r"(?<![\w.<+])(?:[vqdshbz](?:[12]?\d|3[01])|p(?:\d|1[0-5])|fpcr|fpsr|ffr)(?![\w>])"),
    "x86_64": re.compile(r"%(?:[xyz]mm\d+|mm[0-7]|st\b|k[0-7]\b)|\bmxcsr\b"),
}
# Targets, which look like registers where they are small, and comments.
NO_OPERAND = r"\b[0-9a-f]+ <.*?>|//.*|\s#.*<.*>"


def touching(path, registers):
    """Lines of the disassembly with such a register among their operands."""
    tool = os.environ.get("OBJDUMP", "objdump")
    text = subprocess.run([tool, "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    lines = [line.split("\t", 1)[1].replace("\t", " ") for line in text.splitlines() if "\t" in line]
    return [line for line in lines if registers.search(re.sub(NO_OPERAND, "", line))], len(lines)


def main():
    processor, *objects = sys.argv[1:]
    failures = instructions = 0
    excepted = {}
    for path in objects:
        name = re.sub(r"\.(o|obj)$", "", pathlib.Path(path).name)
        lines, count = touching(path, REGISTERS[processor])
        instructions += count
        if name in ALLOWED:
            excepted[name] = len(lines)
        elif lines:
            failures += 1
            print(f"not ok - {name} touches no vector register: {len(lines)} times, first by {lines[0]}")
    if not failures:
        print(f"ok - {len(objects) - len(excepted)} objects touch no vector register ({instructions} instructions)")
    # Guards the search itself.
    sees = set(excepted) == set(ALLOWED) and all(excepted.values())
    print(("ok" if sees else "not ok") + f" - the search sees those of the files that may: {excepted}")
    sys.exit(failures > 0 or not sees)


main()
