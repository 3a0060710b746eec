/* Traps near the end of a stack that has a guard page, without a signal stack: they work where docs/callbacks.md says so, and
 * where the kernel finds no room for their frame the process ends as by any signal; nothing beyond the guard pages is written. */
#define _GNU_SOURCE
#include "kinds.h"

#include <sys/syscall.h>

enum { OF_A_CALL = 256 };
static unsigned kind_tried, left_tried;

static void return_at_once(int number)
{
  (void)number;
}

static long signal_itself(long number)
{
  return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
}

/* What a signal of the program's own comes to. */
static void be_signalled(void)
{
  signal(SIGUSR1, return_at_once);
  REQUIRE(run_on(with_left(left_tried) + OF_A_CALL, signal_itself, SIGUSR1) == 0);
}

static void hit_a_trap(void)
{
  uint8_t *tried = stack;
  struct kind kind;

  begin();
  stack = tried;
  kind = kind_of(kind_tried);
  REQUIRE(must_query(install_and_hit(&kind, SIGHOOK_FORCE_TRAP)).entry == SIGHOOK_ENTRY_TRAP);
  REQUIRE(run_on(with_left(left_tried), touches_nothing, 5) == 6);
}

static bool is_fault(int status)
{
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void require_same_end(void)
{
  size_t trap = NEED_TO_SIGNAL + signal_frame() + more[IN_TRAP].bytes;
  size_t need = kind_of(kind_tried).need;
  int plain = status_of_child(be_signalled), hooked = status_of_child(hit_a_trap);

  REQUIRE((plain == 0 || is_fault(plain)) && (hooked == 0 || is_fault(hooked)));
  REQUIRE(plain == 0 || is_fault(hooked));
  REQUIRE(hooked == 0 || left_tried < (need > trap ? need : trap));
}

/* The stack is shared with children, and so is what lies below its guard pages: as many as a frame may reach into, else the
 * kernel writes a part of it below before it meets them. */
static void hit_traps_near_the_end(void)
{
  size_t guard;
  uint8_t *memory;

  begin();
  guard = (signal_frame() / page + 2) * page;
  memory = mmap(NULL, page + guard + STACK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED && mprotect(memory + page, guard, PROT_NONE) == 0);
  memset(memory, CANARY, page);
  stack = memory + page + guard;
  for (kind_tried = 0; kind_tried < KINDS; kind_tried++)
    for (unsigned i = 0; i < LEFTS; i++) {
      left_tried = lefts[i];
      require_same_end();
      require_canaries(memory, page);
    }
  kind_tried = 0;
  left_tried = 256;                   /* which no frame fits into */
  require_same_end();
  REQUIRE(is_fault(status_of_child(hit_a_trap)));
  require_canaries(memory, page);
}

static void a_trap_near_the_end_of_a_stack_ends_as_any_signal_does(void **state)
{
  (void)state;
  assert_true(in_child(hit_traps_near_the_end));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_trap_near_the_end_of_a_stack_ends_as_any_signal_does),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
