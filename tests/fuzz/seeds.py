#!/usr/bin/env python3
"""Fuzz seeds from the vectors of the relocator: seeds.py VECTORS FOLDER"""
import pathlib
import sys

PADDING = bytes([0x90] * 15)


def main():
    vectors, folder = map(pathlib.Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for line in vectors.read_text().splitlines() if line and not line.startswith("#")]
    for number, line in enumerate(lines):
        _, original, at, to, *_ = (field.strip() for field in line.split("|"))
        code = bytes.fromhex(original.partition(":")[0])
        places = b"".join(int(place, 16).to_bytes(8, "little") for place in (at, to))
        (folder / f"vector-{number:03}").write_bytes(places + code + PADDING)
    return 0 if lines else 1


if __name__ == "__main__":
    sys.exit(main())
