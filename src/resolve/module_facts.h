/* What a module says of its code beyond its unwind table: function symbols in order, and zones that may not be changed.
 * One implementation a file format. */
#ifndef RESOLVE_MODULE_FACTS_H
#define RESOLVE_MODULE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "os/modules.h"

struct function_symbol {
  uint32_t start, size; /* start: from the module's lowest address */
};

struct zone {
  uintptr_t start, end;
  const char *why;
};

struct module_facts {
  struct function_symbol *functions; /* by start; exported functions of the dynamic symbol table */
  size_t function_count, function_size;
  struct zone *zones;
  size_t zone_count, zone_size; /* *_size: of the memory, for os_free */
};

/* Leaves out what cannot be read or has no memory. */
void module_facts_read(const struct os_module *module, struct module_facts *facts);
void module_facts_free(struct module_facts *facts);

/* The lowest exported function above `address`; UINTPTR_MAX: none. */
uintptr_t module_facts_next(const struct module_facts *facts, const struct os_module *module, uintptr_t address);

/* The exported function that covers `address`, by its size. */
bool module_facts_function(const struct module_facts *facts, const struct os_module *module, uintptr_t address,
                           uintptr_t *start, uintptr_t *end);

#endif
