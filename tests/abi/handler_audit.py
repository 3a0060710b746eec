"""Walks every reference from what may run in a signal handler, and lists what is reached outside of the library.

  handler_audit.py INCLUDE_FOLDER SYMBOLS OBJECT...        (READELF: of the compiler's binutils, readelf by default)

Roots are the signal handler and every function that a public header marks [anywhere]. The objects are compiled with one
section a function, so that a reference from one function to another is a relocation; a reference to a table leads on to the
functions in the table. A name that no object defines has to stand in SYMBOLS: `name  # why it is safe`, where * stands for
any characters. There, a line
`forbid name  # why` names a function of our own that must not be reached, and `stop name  # why` one that is referred to
but not run.
"""
import collections
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

HANDLER = "trap_on_signal"
READELF = os.environ.get("READELF", "readelf")
Symbol = collections.namedtuple("Symbol", "name section value size local kind")


def readelf(option, path):
    return subprocess.run([READELF, "-W", option, path], check=True, capture_output=True, text=True).stdout.splitlines()


class Object:
    """Sections, symbols and relocations of one object file."""

    def __init__(self, path):
        self.path = path
        self.sections = {}
        for line in readelf("-S", path):
            match = re.match(r"\s*\[\s*(\d+)\]\s+(\S+)", line)
            if match:
                self.sections[match[1]] = match[2]
        self.symbols = [s for s in map(self.symbol, readelf("-s", path)) if s]
        self.relocations = collections.defaultdict(list)
        self.read_relocations()

    def symbol(self, line):
        field = line.split()
        if len(field) < 8 or not field[0].rstrip(":").isdigit() or field[6] in ("UND", "ABS", "COM"):
            return None
        return Symbol(field[7], self.sections.get(field[6]), int(field[1], 16), int(field[2], 0), field[4] == "LOCAL", field[3])

    def read_relocations(self):
        section = None
        for line in readelf("-r", self.path):
            head = re.match(r"Relocation section '\.rela(\S+)'", line)
            if head:
                section = head[1]
            field = line.split()
            if section and len(field) >= 5 and re.fullmatch(r"[0-9a-f]{16}", field[0]):
                self.relocations[section].append((int(field[0], 16), field[4]))

    def functions(self, section):
        return [s for s in self.symbols if s.section == section and s.kind == "FUNC" and s.size]

    def node(self, symbol):
        """Hand-written assembly has many functions in one section; there a node is the function's range."""
        if symbol.kind == "FUNC" and symbol.size and len(self.functions(symbol.section)) > 1:
            return (self, symbol.section, symbol.value, symbol.value + symbol.size)
        return (self, symbol.section, 0, sys.maxsize)

    def references(self, node):
        return [name for offset, name in self.relocations[node[1]] if node[2] <= offset < node[3]]


class Program:
    def __init__(self, paths):
        self.objects = [Object(path) for path in paths]
        self.globals = {s.name: (o, s) for o in self.objects for s in o.symbols if not s.local}

    def resolve(self, origin, name):
        """The node a name in a relocation stands for; None where no object defines it."""
        if name in origin.sections.values():
            return (origin, name, 0, sys.maxsize)
        for symbol in origin.symbols:
            if symbol.local and symbol.name == name:
                return origin.node(symbol)
        if name in self.globals:
            owner, symbol = self.globals[name]
            return owner.node(symbol)
        return None

    def functions(self, name):
        return [o.node(s) for o in self.objects for s in o.symbols if s.name == name and s.kind == "FUNC"]

    def reached(self, root, lists):
        """Names reached from `root` that no object defines or that are forbidden, each with the way to it."""
        found, seen, queue = {}, {root}, [(root, ())]
        while queue:
            node, way = queue.pop(0)
            step = way + (node[1].replace(".text.", ""),)
            for name in node[0].references(node):
                target = self.resolve(node[0], name)
                if target is None or name in lists["forbid"]:
                    found.setdefault(name, step)
                elif target not in seen and name not in lists["stop"]:
                    seen.add(target)
                    queue.append((target, step))
        return found, len(seen)


def read_symbols(path):
    """Names by their list: "" for what is allowed outside, "forbid" and "stop" for functions of our own."""
    lists = {"": set(), "forbid": set(), "stop": set()}
    for line in pathlib.Path(path).read_text().splitlines():
        words, _, why = line.partition("#")
        words = words.split()
        if not words:
            continue
        if not why.strip():
            sys.exit(f"not ok - {path}: '{line}' does not say why")
        lists[words[0] if len(words) > 1 else ""].add(words[-1])
    return lists


def anywhere_functions(include):
    """Functions with [anywhere] in the comment behind the declaration or in the one right before it."""
    names = []
    for header in sorted(pathlib.Path(include, "sighook").glob("*.h")):
        text = header.read_text()
        for match in re.finditer(r"^[a-z].*?\b(sighook_\w+)\([^;]*\);", text, re.M):
            behind = re.match(r"[ \t]*/\*.*?\*/", text[match.end():], re.S)
            before = re.search(r"^/\*(?:(?!\*/).)*\*/\n\Z", text[: match.start()], re.M | re.S)
            if any(comment and "[anywhere]" in comment[0] for comment in (behind, before)):
                names.append(match[1])
    return names


def audit(program, root, title, lists):
    found, sections = program.reached(root, lists)
    bad = {name: way for name, way in found.items() if not any(fnmatch.fnmatchcase(name, safe) for safe in lists[""])}
    if not bad:
        print(f"ok - {title} reaches only what is safe there ({sections} sections, {len(found)} outside names)")
        return 0
    print(f"not ok - {title} reaches " + ", ".join(f"{name} ({' > '.join(way)})" for name, way in sorted(bad.items())))
    return 1


def main():
    include, symbols, *objects = sys.argv[1:]
    lists = read_symbols(symbols)
    program = Program(objects)
    failures = 0
    roots = [HANDLER] + anywhere_functions(include)
    for name in roots:
        nodes = program.functions(name)
        if len(nodes) == 1:
            failures += audit(program, nodes[0], name, lists)
        else:
            print(f"not ok - {name} is defined {len(nodes)} times")
            failures += 1
    # Guards the walk and the list of roots themselves.
    found, _ = program.reached(program.functions("sighook_install")[0], lists)
    sees = lists["forbid"] & set(found)
    print(("ok" if sees else "not ok") + " - the walk sees that sighook_install reaches what is forbidden here")
    known = {"sighook_handle_signal", "sighook_vector", "sighook_call_data", "sighook_fix_context"} <= set(roots)
    print(("ok" if known else "not ok") + f" - the functions marked [anywhere] are found: {len(roots) - 1}")
    sys.exit(failures > 0 or not sees or not known)


main()
