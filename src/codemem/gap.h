/* Free address space near an address, away from where the heap and the main stack grow. */
#ifndef CODEMEM_GAP_H
#define CODEMEM_GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "os/maps.h"

struct gap_search {
  uintptr_t low, high;     /* the room must lie in [low, high) */
  uintptr_t around;        /* as near to this as can be */
  size_t size;
};

/* The start of free room, page aligned; false where there is none. *tried counts the gaps that were looked at. */
bool gap_find(struct os_maps *maps, const struct gap_search *search, uintptr_t *start, unsigned *tried);

/* For one search during which nothing is mapped: it remembers the last answer, since many questions are about the same gap. Starts
 * with `maps` alone. */
struct gap_view {
  struct os_maps *maps;
  uintptr_t from, end;     /* the answer holds for addresses in [from, end) */
  struct os_mapping taken;
  bool any;
};

/* Whether [start, start + size) is free to map. */
bool gap_is_free(struct gap_view *view, uintptr_t start, size_t size);

/* The first page at or above `start` that is free to map and lies below `end`. */
bool gap_next_page(struct gap_view *view, uintptr_t start, uintptr_t end, uintptr_t *page);

#endif
