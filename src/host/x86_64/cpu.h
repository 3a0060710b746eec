/* What host_start found out about this CPU. */
#ifndef HOST_X86_64_CPU_H
#define HOST_X86_64_CPU_H

#include <stddef.h>

size_t cpu_vector_width(void);       /* bytes a vector register */
unsigned cpu_vector_count(void);
size_t cpu_area_size(void);          /* of the saved vector and mask registers */
unsigned cpu_prefixes_max(void);     /* that a punned jump may carry */

#endif
