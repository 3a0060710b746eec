/* The library's lock, its start, and forks. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdbool.h>
#include "error.h"

/* Every call of the API that touches shared state runs between these two: the library is started, the calling thread's hits
 * run no handlers (they could come back in here), and the lock is held. In a forked child, what the fork tore apart is
 * put right first. */
sighook_status core_enter(struct error *error);
void core_leave(void);

/* Adds to the calling thread's count of reasons to run no handlers; false where there is no memory for such a count. [anywhere] */
bool core_ignore(int change);

/* How many percent of the mappings that a process may have landing pages may take. Under the lock. */
void core_set_mapping_share(unsigned percent);

#endif
