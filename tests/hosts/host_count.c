/* Compiled without a sanitizer in every program. */
#include "host.h"

void host_count(sighook_context *context, void *user)
{
  (void)context;
  __atomic_fetch_add((unsigned long *)user, 1, __ATOMIC_RELAXED);
}
