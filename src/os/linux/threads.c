/* Threads and a futex lock by raw system calls. */
#include "os/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include "raw_syscall.h"

enum {
  FUTEX_WAIT_PRIVATE = 0x80,
  FUTEX_WAKE_PRIVATE = 0x81
}; /* linux/futex.h, which not every C library brings */

int os_thread_id(void)
{
  return (int)host_syscall0(SYS_gettid);
}

bool os_thread_alive(int id)
{
  return host_syscall3(SYS_tgkill, host_syscall0(SYS_getpid), id, 0) != -ESRCH;
}

void os_lock(struct os_lock *lock)
{
  uint32_t seen = 0;

  if (atomic_compare_exchange_strong_explicit(&lock->word, &seen, 1, memory_order_acquire, memory_order_relaxed))
    return;
  /* 2 tells the holder that somebody waits. */
  while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
    host_syscall4(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, 0);
}

void os_unlock(struct os_lock *lock)
{
  if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
    host_syscall3(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}

uint64_t os_now_ns(void)
{
  struct timespec now;

  host_syscall2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void os_sleep_ns(uint64_t duration_ns)
{
  struct timespec duration = {(time_t)(duration_ns / 1000000000), (long)(duration_ns % 1000000000)};

  host_syscall2(SYS_nanosleep, &duration, 0);
}
