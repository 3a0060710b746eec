#!/usr/bin/env python3
"""Lets the independent assembler confirm tests/vectors/aarch64_relocate.txt.

  a64_vectors.py FILE           every assembly text gives exactly the words beside it
  a64_vectors.py --write FILE   put the assembler's words there: for new vectors, whose words are still empty

The file is as vectors.py describes it, but the code is words, and `target` is at+0x100. Which extensions the assembler
has to know is in ARCHITECTURE; what is newer stands as .inst, with its assembly in the last column.
"""
import sys

sys.dont_write_bytecode = True
import vectors  # noqa: E402

TOOLS = "aarch64-linux-gnu-"
ARCHITECTURE = "armv9.3-a+mops+memtag+hbc+pauth+sve2"


def assemble(folder, text, address, symbols):
    """The bytes of `text` at `address`, and the offset of `^` or None."""
    source, object_file, linked = (folder / name for name in ("v.s", "v.o", "v.elf"))
    lines = [f".arch {ARCHITECTURE}", ".text", ".globl _start", "_start:"]
    lines += ["exit_mark:" if part.strip() == "^" else part.strip() for part in text.replace("^", ";^;").split(";")]
    source.write_text("\n".join(lines) + "\n")
    vectors.run(TOOLS + "as", "-o", object_file, source)
    symbols = {**symbols, "target": symbols["at"] + 0x100}
    definitions = [f"--defsym={name}={value:#x}" for name, value in symbols.items()]
    vectors.run(TOOLS + "ld", "-N", f"-Ttext={address:#x}", *definitions, "-o", linked, object_file)
    vectors.run(TOOLS + "objcopy", "-O", "binary", "-j", ".text", linked, folder / "v.bin")
    exit_offset = None
    for line in vectors.run(TOOLS + "nm", linked).splitlines():
        if line.endswith(" exit_mark"):
            exit_offset = int(line.split()[0], 16) - address
    return (folder / "v.bin").read_bytes(), exit_offset


def hex_text(code, exit_offset):
    words = [f"{int.from_bytes(code[i:i + 4], 'little'):08x}" for i in range(0, len(code), 4)]
    if exit_offset is not None:
        words.insert(exit_offset // 4, "^")
    return " ".join(words)


if __name__ == "__main__":
    vectors.assemble, vectors.hex_text = assemble, hex_text
    sys.exit(vectors.main())
