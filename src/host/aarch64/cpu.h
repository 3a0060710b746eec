/* What host_start found out about this CPU. */
#ifndef HOST_AARCH64_CPU_H
#define HOST_AARCH64_CPU_H

enum { CPU_VECTORS = 32, CPU_PREDICATES = 16 };   /* behind the predicates: the first-fault register */

#endif
