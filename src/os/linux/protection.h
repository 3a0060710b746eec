/* What a page's protection has beyond read, write and execute, and the kernel's list of mappings does not show. One file an
 * architecture. */
#ifndef OS_LINUX_PROTECTION_H
#define OS_LINUX_PROTECTION_H

#include <stdint.h>

/* OS_GUARDED and OS_TAGGED of the mapping that covers `address`. 0 or errno. */
int protection_extras(uintptr_t address, unsigned *extras);

/* The flags of mmap and mprotect for those. */
int protection_extra_flags(unsigned protection);

#endif
