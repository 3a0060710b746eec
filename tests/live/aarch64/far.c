/* Linked with other tests, it has them run where no branch reaches a stub: every entry is a trap, and every stub
 * goes back by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sighook/sighook.h>
#include "crowd.h"

const int stubs_are_far = 1;

static __attribute__((constructor)) void take_what_is_near(void)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_REPLACE, .address = (uintptr_t)crowd, .replacement = (void *)crowd};
  sighook_info info = {.size = sizeof info};

  crowd();
  if (sighook_check(&spec, &info) != SIGHOOK_OK || info.entry != SIGHOOK_ENTRY_TRAP ||
      !strstr(info.reason, "no memory is free")) {
    fprintf(stderr, "a hook would not be far: entry %d, \"%s\"\n", info.entry, info.reason);
    abort();
  }
}
