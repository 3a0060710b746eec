/* The functions that a module's file names: from .symtab where it has one, and .dynsym. */
#ifndef TOOL_SYMBOLS_H
#define TOOL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
  char *name;             /* without version */
  char *version;          /* NULL: none */
  uint64_t offset;        /* from the load bias */
  bool is_ifunc;
  bool is_plt;            /* the program's stub for an import of that name */
};

struct module {
  char *path;
  const char *file;       /* its last part */
  uint64_t bias;
  struct symbol *symbols;
  size_t count, room;
};

/* The modules that a process has mapped, without symbols; false where it is gone. */
bool modules_of_process(int process, struct module **modules, size_t *count);
/* Reads the module's symbols, once. */
void module_read_symbols(struct module *module);
void modules_free(struct module *modules, size_t count);

#endif
