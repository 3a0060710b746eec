/* Making other threads see changed code, without stopping or signalling any. */
#ifndef OS_SYNC_H
#define OS_SYNC_H

#include <stdbool.h>

/* Registers this process; again after a fork. */
void os_sync_start(void);
/* Whether os_sync_core works; where it does not, only changes by one store are safe. */
bool os_sync_works(void);
/* Every other thread executes a core-serialising instruction before it runs user code again; also a full memory barrier. */
void os_sync_core(void);
/* A full memory barrier on every running thread; false where the system refuses. */
bool os_barrier(void);

#endif
