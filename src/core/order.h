/* Indices in order. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Puts 0 to count - 1 into `order` by what `key` says of each, equal ones as they are. Allocates nothing: libc's qsort may, and a
 * callback inside malloc may have called us. */
void order_by(uint32_t *order, size_t count, uintptr_t (*key)(const void *context, size_t index), const void *context);

#endif
