/* Core synchronisation by membarrier(2). */
#include "os/sync.h"

#include <stdatomic.h>
#include <stdbool.h>
#include "raw_syscall.h"

enum {
  PRIVATE_EXPEDITED = 1 << 3,
  REGISTER_PRIVATE_EXPEDITED = 1 << 4,
  PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5,
  REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6
};

static bool core_registered, barrier_registered;

/* 0 or errno. */
static int membarrier(int command)
{
  return (int)-host_syscall3(SYS_membarrier, command, 0, 0);
}

/* What was refused before is asked for again: the system may have been short of memory. */
static int run(int command, int registration, bool *registered)
{
  int failure = *registered ? 0 : membarrier(registration);

  *registered = !failure;
  return failure ? failure : membarrier(command);
}

void os_sync_start(void)
{
  core_registered = membarrier(REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0;
  barrier_registered = membarrier(REGISTER_PRIVATE_EXPEDITED) == 0;
}

int os_sync_core(void)
{
  atomic_thread_fence(memory_order_seq_cst);
  return run(PRIVATE_EXPEDITED_SYNC_CORE, REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, &core_registered);
}

int os_barrier(void)
{
  int failure;

  atomic_thread_fence(memory_order_seq_cst);
  failure = run(PRIVATE_EXPEDITED, REGISTER_PRIVATE_EXPEDITED, &barrier_registered);
  return failure ? os_sync_core() : 0;
}
