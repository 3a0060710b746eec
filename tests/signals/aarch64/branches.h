/* The one kind of branch of AArch64. */
#ifndef TESTS_SIGNALS_BRANCHES_H
#define TESTS_SIGNALS_BRANCHES_H

#include <stdint.h>
#include <sighook/sighook.h>
#include "patterns.h"

struct branch {
  long (*function)(long);
  uintptr_t site;
  sighook_entry entry;
  long result;
};
enum {
  BRANCHES_MAX = 2
};
#define phased_site tests_and_branches /* one store changes every instruction */

static inline unsigned branches_of_each_kind(struct branch branches[BRANCHES_MAX], long argument)
{
  branches[0] = (struct branch){adds_1234, (uintptr_t)adds_1234, SIGHOOK_ENTRY_BRANCH, argument + 1234};
  branches[1] = (struct branch){tests_and_branches, (uintptr_t)tests_and_branches, SIGHOOK_ENTRY_BRANCH, argument + 1};
  return BRANCHES_MAX;
}

#endif
