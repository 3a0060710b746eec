/* A process that runs already, as it was at one moment. It is read, but not stopped, and not written to. */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "os/memory.h"
#include "os/modules.h"
#include "symbols.h"

struct process_mapping {
  uintptr_t start, end;
  uint64_t offset, inode;              /* in its file; inode 0: it has none */
  unsigned protection;                 /* OS_READ | ... */
  bool is_shared, is_stack;
  char *name;                          /* "": none */
};

struct process_module {
  struct os_module image;              /* segments without what no file is behind (.bss); shift: once it is copied */
  char *path;
  bool is_deleted;                     /* what has that path now is not its file */
  bool is_copied;
  const struct process_mapping *first;
  const struct module *symbols;
};

struct process {
  int id;
  int folder, memory;                  /* /proc/<id>, and its memory, to be read only */
  struct process_mapping *mappings;    /* in order */
  size_t mapping_count, mapping_room;
  struct process_module *modules;      /* the program first */
  size_t module_count, module_room;
  uintptr_t heap_end;                  /* 0: no heap */
  uintptr_t vdso, vdso_end;
  bool is_traced, has_shadow_stack;
  bool is_tuned;                       /* its C library, or ours, was told to choose other code than the processor's best */
};

/* What the library is asked about in this command: os.c shows it to the library in place of our own process. */
extern struct process subject;

/* Makes it the subject; false, with a message, where it cannot be read. */
bool process_open(int id);

/* Whether it is still the program that it was. */
bool process_is_there(void);

/* The count of bytes read before the first that cannot be. */
size_t process_read(uintptr_t address, void *buffer, size_t size);

/* Reads what is mapped where; false where that cannot be read. */
bool process_read_mappings(void);

/* The lowest mapping that ends above `address`; NULL where none does. */
const struct process_mapping *process_mapping_above(uintptr_t address);

/* Finds the program and libraries, the program by the address of its headers; false where it is not among them. */
bool process_find_modules(uintptr_t program_headers);

/* Takes a copy of a module's memory, so that the library can look at it; false where there is no memory for it. */
bool process_copy(struct process_module *module);

/* Whether the file that the module was loaded from begins with these bytes; there are its headers, and mostly a build id. */
bool process_begins_so(const struct process_module *module, const void *bytes, size_t size);

/* The very file that the module was loaded from; negative where it is not to be had. To be closed by the caller. */
int process_open_file(const struct process_module *module);

#endif
