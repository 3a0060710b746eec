/* The functions that a module's file names: from .symtab where it has one, and .dynsym. Where wanted, those too that only the
 * unwind table knows, without a name. Files are read once a run. */
#ifndef TOOL_SYMBOLS_H
#define TOOL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct symbol {
  char *name;             /* without version; "": only the unwind table knows it */
  char *version;          /* NULL: none */
  char *plain, *full;     /* C++, Rust: demangled without and with parameters; else NULL */
  uint64_t offset;        /* from the load bias */
  uint64_t size;          /* 0: unknown */
  bool is_ifunc;
  bool is_plt;            /* the program's stub for an import of that name */
  bool is_old;            /* another version of that name is the one that new programs are linked with */
};

/* Where the dynamic loader, or the start of a static program, leaves the address of a function. */
struct slot {
  uint64_t offset;        /* from the load bias */
  char *name;             /* of the import; NULL: an IFUNC of this module, whose choice it holds */
  uint64_t resolver;      /* of the latter */
};

/* A system call that changes what becomes of signals: see calls.h. */
struct signal_call {
  uint64_t offset;        /* from the load bias */
  uint32_t number, length;
  bool passed;            /* see channel.h */
};

struct module {
  char *path;
  const char *file;       /* its last part */
  struct symbol *symbols;
  size_t count, room;
  struct slot *slots;     /* by offset */
  size_t slot_count, slot_room;
  struct signal_call *calls;
  size_t call_count, call_room;
  bool has_wild_calls;    /* such that lie in no function that is known */
  dev_t device;
  ino_t inode;
  struct timespec changed;
  struct module *next;
};

/* The module's symbols, as a process sees that path: its root and folder may be others than ours. A file that cannot be read
 * has none. */
const struct module *module_read(const char *path, int process, bool with_nameless);
/* The same from an open file of that path; from none where `descriptor` is negative. */
const struct module *module_read_file(const char *path, int descriptor, bool with_nameless);

/* The name of the function that begins there; NULL where none has a name. */
const char *module_name_at(const struct module *module, uint64_t offset);

/* How people know it: demangled if that applies. */
const char *symbol_shown(const struct symbol *symbol);

/* Room for one more of `count` entries, else the process ends. */
void *grown(void *memory, size_t count, size_t *room, size_t size);
void *checked(void *memory);

/* Appends; takes the version from behind an @ in the name, if there is one. */
struct symbol *module_add(struct module *module, const char *name, uint64_t offset);

#endif
