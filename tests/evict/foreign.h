/* For tests with breakpoints of somebody else's: short instructions, room for some of their jumps only, and the instructions on
 * which what then stands there leans. */
#ifndef TESTS_EVICT_FOREIGN_H
#define TESTS_EVICT_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>
#include "targets.h"

enum {
  LOOK_BEHIND = 8,                     /* bytes from a site on that its jump may lean on */
  LEANED_MAX = 12                      /* ... and that of what gave way */
};

/* What stands at a site. */
enum form { PUN_BARE, PUN_PREFIX, PUN_PREFIXES, PUN_OVERRIDE, EVICTS_NEXT, REACHES_OVER, OTHER_FORM, FORMS };

/* Those of targets.h, then those of leaned.S. */
unsigned prey_count(void);
const struct target *prey(unsigned index);

/* In how many ways the target can be crowded: so many forms of its jump, the first ones, find no room then, from none to all. */
unsigned prey_rooms(const struct target *target);
void prey_crowd(const struct target *target, unsigned forms);

/* The instructions behind the site that begin within `length` bytes from it on, by the code as it is now. */
unsigned starts_behind(const struct target *target, unsigned length, uintptr_t starts[LEANED_MAX]);

enum form form_of(const struct target *target);

/* How many bytes, from the site's first on, the meaning of what stands there hangs on, that of what gave way included. */
unsigned leaned_length(const struct target *target);

/* Whether bytes of ours stand there. */
bool stands_ours(uintptr_t address);

/* Whether a trap of ours stands there in the midst of a jump: who runs on from before it does not come by. */
bool is_boundary(uintptr_t address);

/* Whether what stands behind the site is run, by the code as it is now. */
bool runs_on(const struct target *target);

/* The length of the instruction there, by the code as it is now. */
unsigned length_at(uintptr_t address);

#endif
