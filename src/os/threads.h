/* Threads of this process as the kernel knows them, and a lock that uses no libc. */
#ifndef OS_THREADS_H
#define OS_THREADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

int os_thread_id(void);
bool os_thread_alive(int id);
/* Whether a debugger or tracer is attached to this process. */
bool os_traced(void);
/* A thread that blocks the signal (below 32) and may run the program's code, the calling one first; or 0. Others are looked at for
 * some milliseconds, since whoever blocks it for a moment only does not count; nor do they where the system does not tell of them. */
int os_thread_that_blocks(int signal_number);

/* 0 free, 1 held, 2 held and waited for. */
struct os_lock {
  _Atomic(uint32_t) word;
};
void os_lock(struct os_lock *lock);
void os_unlock(struct os_lock *lock);

uint64_t os_now_ns(void);
void os_sleep_ns(uint64_t duration_ns);

#endif
