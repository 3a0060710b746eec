/* Entries that reach over the instructions behind the site, with traps where those began. */
#ifndef HOST_X86_64_BOUNDARY_H
#define HOST_X86_64_BOUNDARY_H

#include <stdbool.h>
#include "host/entry.h"

/* Gives the site such an entry if there is one. */
bool reach_over(const struct entry_request *request);

#endif
