/* Stacks of threads. */
#ifndef OS_STACK_H
#define OS_STACK_H

#include <stdbool.h>
#include <stdint.h>

/* The stack that the calling thread `id` was started on; 0, 0 where that cannot be told. */
void os_stack_bounds(int id, uintptr_t *low, uintptr_t *high);

/* What the kernel calls the check that the CPU makes of the calling thread's branches, and that ours do not stand: a second stack of
 * return addresses that each return must agree with, or landing pads that indirect branches must meet. NULL where there is none. */
const char *os_flow_check(void);

/* Whether the caller runs on its alternate signal stack. */
bool os_on_signal_stack(void);

#endif
