/* A handler of the program's without SA_ONSTACK in a thread that has an alternate stack, on which the library's handler runs: it
 * runs where it asked to, with as much stack, and goes back to the state that the signal met. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include "child.h"
#include "faults.h"
#include "live.h"
#include "ours.h"
#include "vectors.h"

enum { ALTERNATE = 64 * 1024, DEPTH = 100, LEVEL = 4096, ARGUMENT = 5, TIMES = 300 };

#define DISARMS_ITSELF ((int)(1U << 31))   /* SS_AUTODISARM, which not every C library has */

static uint8_t *alternate;                /* nothing is mapped around it */

/* What the handler finds, without gaps that could differ. */
struct seen {
  int on_alternate, other_on_alternate;
  int stack_flags, stack_flags_after;
  int same_stack;
};
static struct seen seen;
static jmp_buf out;
static bool jumps_out;

static bool is_on_alternate(const void *here)
{
  return (uintptr_t)here - (uintptr_t)alternate < ALTERNATE;
}

static __attribute__((noinline)) unsigned deep(unsigned depth)
{
  volatile uint8_t room[LEVEL];

  memset((void *)room, (int)depth, sizeof room);
  return depth ? deep(depth - 1) + room[depth] : 0;
}

/* Uses most of the alternate stack. */
static void on_other(int signal_number)
{
  seen.other_on_alternate = is_on_alternate(&signal_number);
  deep(ALTERNATE / LEVEL - 8);
}

static void on_breakpoint(int signal_number, siginfo_t *info, void *context)
{
  stack_t now;

  seen.on_alternate = is_on_alternate(&signal_number);
  if (!seen.on_alternate)
    deep(DEPTH);
  REQUIRE(sigaltstack(NULL, &now) == 0);
  seen.stack_flags = now.ss_flags;
  seen.same_stack = now.ss_sp == alternate && now.ss_size == ALTERNATE;
  if (!seen.on_alternate)
    REQUIRE(raise(SIGUSR1) == 0);
  if (jumps_out)
    longjmp(out, 1);
  if (info->si_code > 0)
    signal_set_pc(context, behind_fault(signal_pc(context)));
}

static void set_up(int flags)
{
  struct sigaction action = {.sa_sigaction = on_breakpoint, .sa_flags = SA_SIGINFO | SA_NODEFER};
  struct sigaction other = {.sa_handler = on_other, .sa_flags = SA_ONSTACK};
  uint8_t *map = mmap(NULL, 3 * ALTERNATE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = alternate = map + ALTERNATE, .ss_size = ALTERNATE, .ss_flags = flags};

  REQUIRE(map != MAP_FAILED && mprotect(alternate, ALTERNATE, PROT_READ | PROT_WRITE) == 0);
  REQUIRE(sigaltstack(&stack, NULL) == 0);
  REQUIRE(sigaction(SIGTRAP, &action, NULL) == 0 && sigaction(SIGUSR1, &other, NULL) == 0);
}

static struct seen observe(void (*event)(void))
{
  stack_t now;

  seen = (struct seen){0};
  event();
  REQUIRE(sigaltstack(NULL, &now) == 0);
  seen.stack_flags_after = now.ss_flags;
  return seen;
}

/* Without the library, and with it. */
static void same_as_without(void (*event)(void))
{
  struct seen alone = observe(event), beside;

  ours_start();
  ours_hit();
  for (unsigned i = 0; i < TIMES; i++) {
    beside = observe(event);
    REQUIRE(memcmp(&alone, &beside, sizeof alone) == 0);
  }
  ours_hit();
}

/* ---- what happens ---- */

static void meets(void)
{
  REQUIRE(breaks(ARGUMENT) == ARGUMENT);
  REQUIRE(!seen.on_alternate && seen.other_on_alternate && seen.same_stack);
}

static void meets_disarmed(void)
{
  REQUIRE(breaks(ARGUMENT) == ARGUMENT);
  REQUIRE(!seen.on_alternate && seen.stack_flags == SS_DISABLE);
}

static void meets_with_vectors(void)
{
  uint8_t in[VECTORS_SIZE], found[VECTORS_SIZE] = {0};

  for (unsigned i = 0; i < sizeof in; i++)
    in[i] = (uint8_t)(i * 7 + i / 16 + 1);
  REQUIRE(memcmp(in, found, vectors_meet(in, found)) == 0);
  REQUIRE(!seen.on_alternate);
}

static void is_left(void)
{
  volatile bool left = false;

  jumps_out = true;
  if (setjmp(out))
    left = true;
  else
    breaks(ARGUMENT);
  REQUIRE(left && !seen.on_alternate);
}

static void on_alternate_already(int signal_number)
{
  REQUIRE(is_on_alternate(&signal_number));
  REQUIRE(breaks(ARGUMENT) == ARGUMENT);
  REQUIRE(seen.on_alternate);
}

static void meets_on_the_alternate_stack(void)
{
  struct sigaction action = {.sa_handler = on_alternate_already, .sa_flags = SA_ONSTACK};

  REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0 && raise(SIGUSR2) == 0);
}

static void is_sent(void)
{
  REQUIRE(raise(SIGTRAP) == 0);
  REQUIRE(!seen.on_alternate && seen.other_on_alternate);
}

/* ---- cases, each in a child ---- */

static int flags_tried;
static void (*event_tried)(void);

static void one_case(void)
{
  set_up(flags_tried);
  same_as_without(event_tried);
}

static bool holds(int flags, void (*event)(void))
{
  flags_tried = flags;
  event_tried = event;
  return in_child(one_case);
}

static void it_has_the_stack_that_the_signal_met(void **state)
{
  (void)state;
  assert_true(holds(0, meets));
}

static void vector_registers_come_back(void **state)
{
  (void)state;
  assert_true(holds(0, meets_with_vectors));
}

static bool can_disarm_itself(void)
{
  static uint8_t room[ALTERNATE];
  const stack_t stack = {.ss_sp = room, .ss_size = sizeof room, .ss_flags = DISARMS_ITSELF}, none = {.ss_flags = SS_DISABLE};

  return sigaltstack(&stack, NULL) == 0 && sigaltstack(&none, NULL) == 0;
}

static void it_finds_a_stack_disarmed_that_disarms_itself(void **state)
{
  (void)state;
  if (!can_disarm_itself())            /* qemu-user cannot */
    skip();
  assert_true(holds(DISARMS_ITSELF, meets_disarmed));
}

static void it_may_be_left_by_longjmp(void **state)
{
  (void)state;
  assert_true(holds(0, is_left));
}

static void on_the_alternate_stack_it_stays(void **state)
{
  (void)state;
  assert_true(holds(0, meets_on_the_alternate_stack));
}

static void a_signal_that_was_sent_is_handled_there_too(void **state)
{
  (void)state;
  assert_true(holds(0, is_sent));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_has_the_stack_that_the_signal_met),
      cmocka_unit_test(vector_registers_come_back),
      cmocka_unit_test(it_finds_a_stack_disarmed_that_disarms_itself),
      cmocka_unit_test(it_may_be_left_by_longjmp),
      cmocka_unit_test(on_the_alternate_stack_it_stays),
      cmocka_unit_test(a_signal_that_was_sent_is_handled_there_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
