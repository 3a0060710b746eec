/* The symbols that a loaded module exports, read where they lie in memory. Pure: reads only inside the module's
 * readable segments, whatever its tables say; keeps nothing, allocates nothing. One implementation a file format. */
#ifndef RESOLVE_EXPORTS_H
#define RESOLVE_EXPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "os/modules.h"

enum export_kind {
  EXPORT_FUNCTION,
  EXPORT_CHOICE, /* an IFUNC: its address is that of the function that chooses */
  EXPORT_DATA,
  EXPORT_OTHER /* thread-local, or of no address: never answered by name */
};

struct export
{
  const char *name;
  uintptr_t address;
  size_t size; /* 0: not told */
  enum export_kind kind;
  bool is_superseded; /* a version that is bound to only where it is asked for */
};

struct bytes {
  const uint8_t *at;
  size_t size;
};

struct exports {
  const struct os_module *module;
  struct bytes symbols, names, versions, gnu_hash, hash;
  size_t names_size; /* as the module says it */
  size_t count;
};

/* False where the module has no table of exports. */
bool exports_open(const struct os_module *module, struct exports *exports);

/* The symbol number `index` below exports->count; false where it exports nothing (undefined, unnamed). */
bool exports_at(const struct exports *exports, size_t index, struct export *found);

/* The symbol that the dynamic loader would bind `name` to in this module. */
bool exports_find(const struct exports *exports, const char *name, struct export *found);

#endif
