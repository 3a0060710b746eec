/* What host_start found out about this CPU. */
#ifndef HOST_AARCH64_CPU_H
#define HOST_AARCH64_CPU_H

#include <stdint.h>

enum { CPU_VECTORS = 32, CPU_PREDICATES = 16 };   /* behind the predicates: the first-fault register */

/* What an integer-only routine goes on to where it would need a system call. */
extern uintptr_t cpu_vector_routine __attribute__((visibility("hidden")));

#endif
