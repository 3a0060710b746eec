/* The loaded modules, listed again only when one came or went, with what was found out about each. Under the library's
 * lock. */
#ifndef RESOLVE_MODULES_H
#define RESOLVE_MODULES_H

#include "os/modules.h"
#include "resolve/eh_frame.h"
#include "resolve/module_facts.h"

struct module {
  struct os_module image;
  uint64_t serial;    /* another one whenever other code may lie there */
  struct os_module_identity identity; /* as os_module_identify says it */
  uint8_t build_id[OS_MODULE_BUILD_ID];
  struct module_facts facts; /* found out at the first need */
  bool facts_read;
};

/* The module whose segments hold `address`, or NULL; valid until the next call of this function. */
struct module *modules_find(uintptr_t address);

/* The same module, with its facts. */
const struct module_facts *module_facts(struct module *module);

/* The module's unwind table; false where it has none that can be read. */
bool module_unwind_table(const struct os_module *image, struct eh_table *table);

/* Forgets everything, freeing nothing: a forked process may have caught it half changed. */
void modules_forget(void);

#endif
