/* Children that share their parent's memory: by vfork, and by clone with a stack of their own, the parent waiting or not. */
#define _GNU_SOURCE
#include "life.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "stacks.h"

static _Atomic long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_fetch_add(&hits, 1);
}

static void require_ended_well(pid_t child)
{
  int status = -1;

  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

static int hit_and_exit(void *function)
{
  syscall(SYS_exit, ((long (*)(long))(uintptr_t)function)(1) != 2);
  return 1;
}

static void require_vforked_well(void)
{
  pid_t child = vfork();

  if (child == 0)
    _exit(touches_nothing(1) != 2);
  require_ended_well(child);
}

static void share_memory(void)
{
  enum { SIZE = 128 * 1024 };
  static const int flags[] = {CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | SIGCHLD};
  uint8_t *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  for (unsigned i = 0; i < 200; i++) {
    sighook_hook hook = must_install(spec_for(touches_nothing, count, i % 4 < 2 ? 0 : SIGHOOK_FORCE_TRAP));
    pid_t child;

    atomic_store(&hits, 0);
    child = clone(hit_and_exit, stack + SIZE, flags[i % 2], (void *)(uintptr_t)touches_nothing);
    REQUIRE(child > 0);
    require_ended_well(child);
    REQUIRE(atomic_load(&hits) == 1);
    REQUIRE(touches_nothing(1) == 2);
    require_vforked_well();
    REQUIRE(atomic_load(&hits) == 3);
    REQUIRE(sighook_remove_wait(hook, 10000) == SIGHOOK_OK);
  }
}

static void children_that_share_memory_run_hooked(void **state)
{
  (void)state;
  assert_true(in_child(share_memory));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(children_that_share_memory_run_hooked)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
