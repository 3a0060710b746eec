/* The library's own memory for hooks and the like: not malloc's, which may be hooked. Guarded by the library's lock. */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stddef.h>

/* Zeroed; NULL where the system refuses. The size is told again when the memory is given back. */
void *heap_take(size_t size);
void heap_give(void *memory, size_t size);

/* In a forked child whose parent was inside the heap at that moment: whatever is free is left alone. */
void heap_abandon(void);

#endif
