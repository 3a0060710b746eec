/* Core synchronisation of the threads of this process. */
#ifndef OS_SYNC_H
#define OS_SYNC_H

/* Registers this process; again after a fork. */
void os_sync_start(void);
/* Every other thread executes a core-serialising instruction before it runs user code again; also a full memory barrier. 0 or
 * errno: where the system refuses, only changes by one store are safe. */
int os_sync_core(void);
/* A full memory barrier on every running thread. 0 or errno. */
int os_barrier(void);

#endif
