/* Refusing system calls for good, as sandboxes do. */
#ifndef TESTS_FAULT_FILTER_H
#define TESTS_FAULT_FILTER_H

#include <stdint.h>

/* Every call of that number is answered with `reason`. */
void filter_refuse(long number, int reason);

/* Those whose argument of that index, in its low half, has these values in the bits of `mask`. */
void filter_refuse_where(long number, unsigned argument, uint32_t mask, uint32_t value, int reason);

/* openat of that very path. */
void filter_refuse_path(const char *path, int reason);

#endif
