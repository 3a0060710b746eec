/* The loaded modules, listed again only when one came or went. Under the library's lock. */
#ifndef RESOLVE_MODULES_H
#define RESOLVE_MODULES_H

#include "os/modules.h"

/* The module whose segments hold `address`, or NULL; valid until the next call of the library. */
const struct os_module *modules_find(uintptr_t address);

/* Changes with every new list. */
uint64_t modules_generation(void);

/* The rseq critical sections of the module: those of its restartable sequences that `address` + [0, length) would touch. */
bool modules_rseq_covers(const struct os_module *module, uintptr_t address, size_t length, uintptr_t *nearest);

#endif
