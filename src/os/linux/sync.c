/* Core synchronisation by membarrier(2). */
#include "os/sync.h"

#include <stdatomic.h>
#include "raw_syscall.h"

enum {
  PRIVATE_EXPEDITED = 1 << 3,
  REGISTER_PRIVATE_EXPEDITED = 1 << 4,
  PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5,
  REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6
};

static bool core_works, barrier_works;

static long membarrier(int command)
{
  return host_syscall3(SYS_membarrier, command, 0, 0);
}

void os_sync_start(void)
{
  core_works = membarrier(REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0 && membarrier(PRIVATE_EXPEDITED_SYNC_CORE) == 0;
  barrier_works = membarrier(REGISTER_PRIVATE_EXPEDITED) == 0 && membarrier(PRIVATE_EXPEDITED) == 0;
}

bool os_sync_works(void)
{
  return core_works;
}

void os_sync_core(void)
{
  atomic_thread_fence(memory_order_seq_cst);
  membarrier(PRIVATE_EXPEDITED_SYNC_CORE);
}

bool os_barrier(void)
{
  atomic_thread_fence(memory_order_seq_cst);
  return (barrier_works && membarrier(PRIVATE_EXPEDITED) == 0) || (core_works && membarrier(PRIVATE_EXPEDITED_SYNC_CORE) == 0);
}
