/* The modules (program and libraries) that are loaded now. */
#ifndef OS_MODULES_H
#define OS_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OS_MODULE_PATH = 256 };

struct os_module {
  uintptr_t base;                   /* load bias */
  uintptr_t text, text_end;         /* its executable segments, from the first to the last */
  uintptr_t unwind, unwind_end;     /* the unwind table's header (.eh_frame_hdr); 0: none */
  uintptr_t low, high;              /* all segments */
  char path[OS_MODULE_PATH];        /* "" for the program itself where its name is not known, cut where longer */
};

/* A number that changes whenever a module comes or goes. */
uint64_t os_modules_generation(void);
/* Visits the modules in load order until `visit` returns true. Takes the dynamic loader's lock. */
void os_modules_each(bool (*visit)(const struct os_module *module, void *user), void *user);

/* Address ranges that may not be changed on this system for reasons of its own: the vDSO, the vsyscall page. */
bool os_is_kernel_code(uintptr_t address, const char **name);

#endif
