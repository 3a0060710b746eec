/* What the driver tells the program that works, and what that tells it, in memory that both map. */
#ifndef TESTS_HOSTS_ORDERS_H
#define TESTS_HOSTS_ORDERS_H

#include <stdint.h>
#include "library.h"

enum { PLACES_MAX = 1 << 15, REASON = 128, LIBRARIES = 4, FOREIGN_TRAP = 97, ORDERS_FD = 20 };

struct place {
  unsigned library;                   /* of hosts_libraries */
  uintptr_t offset;                   /* behind its lowest address */
  uint32_t flags;                     /* of the hook */
  int status, entry;                  /* what came of it */
  unsigned hits, deaf;                /* `deaf`: hits on threads that a trap would have killed */
  char reason[REASON];
};

struct orders {
  unsigned ask_for_deafness, count;
  struct place places[PLACES_MAX];
};

#define HOSTS_LIBRARIES {{.name = "libc.so"}, {.name = "ld-linux"}, {.name = "libgcc_s.so"}, {.name = "libstdc++.so"}}

#endif
