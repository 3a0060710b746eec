/* A look at each state that code passes through while the library changes it. */
#ifndef TESTS_EVICT_LOOKS_H
#define TESTS_EVICT_LOOKS_H

#include <stdint.h>

/* From now on `look` is called after each byte that the library writes to code past its protection, and around each change of a
 * protection, in the midst of the library's calls. Between those addresses the system lets no page be writable and executable, so
 * that all there is changed in phases. In a child, whose system calls stay so. */
void looks_begin(void (*look)(void), uintptr_t refused_from, uintptr_t refused_to);

#endif
