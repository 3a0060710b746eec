/* What to count in processes that have a given set of modules. Made once for each such set. */
#ifndef TOOL_PLAN_H
#define TOOL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "select.h"

/* One function to count. */
struct pick {
  const struct module *module;
  const struct symbol *symbol;   /* NULL: a bare place */
  char *name;                    /* as it is printed, and can be given again */
  uint64_t offset;
  uint32_t module_index;
  bool is_ifunc;
};

/* A function that was asked for by name and shares its row with another name. */
struct alias {
  char *name;
  const char *counted_as;
};

struct plan {
  const struct module **modules;
  uint64_t *biases;
  size_t module_count;
  struct pick *picks;
  size_t count, room;
  struct alias *aliases;
  size_t alias_count, alias_room;
  bool *matched;                 /* selector by selector */
};

/* "strcmp@libc.so.6", "strcmp+0x5@libc.so.6", "sort+0x2f40"; can be given again as a selector. */
char *pick_name(const struct module *module, const struct symbol *symbol, uint64_t offset);

/* The modules are the plan's from then on; those of a plan that existed before are freed. */
const struct plan *plan_for(const struct selection *selection, const struct module **modules, uint64_t *biases,
                            size_t count);
/* By its place in order of making. */
const struct plan *plan_at(size_t index);
size_t plan_index(const struct plan *plan);
size_t plan_count(void);

#endif
