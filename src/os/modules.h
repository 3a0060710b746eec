/* The modules (program and libraries) that are loaded now. Nothing here allocates; what is answered is a copy, and the
 * memory that it describes is there until the module goes. */
#ifndef OS_MODULES_H
#define OS_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  OS_MODULE_PATH = 256,
  OS_MODULE_SEGMENTS = 12,
  OS_MODULE_BUILD_ID = 32
};

struct os_segment {
  uintptr_t start, end;
  unsigned protection; /* OS_READ, OS_WRITE, OS_EXECUTE: what the file asks for */
};

struct os_module {
  uintptr_t base;                 /* load bias */
  uintptr_t text, text_end;       /* its executable segments, from the first to the last */
  uintptr_t unwind, unwind_end;   /* the unwind table's header (.eh_frame_hdr); 0: none */
  uintptr_t dynamic, dynamic_end; /* the dynamic section; 0: none */
  uintptr_t build_id;             /* bytes that name this very build; 0: none */
  size_t build_id_length;
  uintptr_t low, high; /* all segments */
  struct os_segment segments[OS_MODULE_SEGMENTS];
  unsigned segment_count;    /* further ones are left out */
  uintptr_t shift;           /* how far behind its address each byte is read: 0, but where this is a module of another process */
  bool is_kernel;            /* the vDSO */
  bool is_static;            /* a program without a dynamic loader: libc is inside it */
  char path[OS_MODULE_PATH]; /* "" for the program itself, cut where longer */
};

/* The path of the program that runs; "" where that is not told. */
void os_program_path(char *path, size_t size);

/* Whether the address is in the C library, or in its loader. They block all signals for moments, to start threads and programs. */
bool os_is_libc(uintptr_t address);

/* A number that changes whenever a module comes or goes. Takes the dynamic loader's lock. */
uint64_t os_modules_generation(void);
/* Visits the modules in load order until `visit` returns true. Holds the dynamic loader's lock meanwhile, so `visit`
 * may call nothing that loads or unloads. */
void os_modules_each(bool (*visit)(const struct os_module *module, void *user), void *user);

/* What the loader says of an address without taking its lock. */
enum os_module_answer {
  OS_MODULE_NONE, /* no module lies there */
  OS_MODULE_HERE,
  OS_MODULE_UNKNOWN /* this system cannot tell */
};

struct os_module_identity {
  uintptr_t low, high; /* of the module's mappings */
  const void *object;  /* the loader's own record of it */
};

enum os_module_answer os_module_identify(uintptr_t address, struct os_module_identity *identity);

/* The symbol of this name and version in global scope, or NULL: not there, or no versions on this system. */
void *os_versioned_symbol(const char *symbol, const char *version);

/* The segment that holds `address` and grants `protection`, or NULL. */
const struct os_segment *os_module_segment(const struct os_module *module, uintptr_t address, unsigned protection);

/* Address ranges that may not be changed on this system for reasons of its own: the vDSO, the vsyscall page. */
bool os_is_kernel_code(uintptr_t address, const char **name);

#endif
