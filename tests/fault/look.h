/* How the process looks from outside: what the library may not leave behind. */
#ifndef TESTS_FAULT_LOOK_H
#define TESTS_FAULT_LOOK_H

#include <stdint.h>

enum { PERMISSIONS = 5 };

/* Opens the list of mappings, in each process anew, while that is allowed. */
void look_start(void);

/* The permissions of the mapping at each address, as "r-xp"; "none" where there is none. The count of mappings that can be both
 * written to and executed. */
unsigned look_mappings(const uintptr_t *addresses, unsigned count, char (*permissions)[PERMISSIONS]);

/* Descriptors that are open. */
unsigned look_descriptors(void);

#endif
