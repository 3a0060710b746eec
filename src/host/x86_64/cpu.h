/* What host_start found out about this CPU. */
#ifndef HOST_X86_64_CPU_H
#define HOST_X86_64_CPU_H

#include <stddef.h>
#include <stdint.h>

size_t cpu_vector_width(void);       /* bytes a vector register */
unsigned cpu_vector_count(void);
size_t cpu_area_size(void);          /* of the saved vector and mask registers */
unsigned cpu_prefixes_max(void);     /* that a punned jump may carry */
unsigned cpu_trapping(const uint8_t **bytes);    /* those that trap whatever follows: the breakpoint, and what is no instruction */

#endif
