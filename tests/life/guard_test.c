/* A stack that has what docs/callbacks.md asks for is enough; one that has less ends in its guard page. */
#define _GNU_SOURCE
#include "kinds.h"

#include <pthread.h>
#include <sys/wait.h>

/* OWN: of a signal handler in C */
enum { OWN = 768, MARGIN = 512, SIGNAL_STACK = STACK - MARGIN };

/* Answers where MARGIN canaries lie, right below it. */
static const uint8_t *use_signal_stack(size_t bytes)
{
  uint8_t *memory = new_stack();
  stack_t alternate = {.ss_sp = memory + MARGIN, .ss_size = bytes};

  memset(memory, CANARY, MARGIN);
  REQUIRE(sigaltstack(&alternate, NULL) == 0);
  return memory;
}

static void hit_with_enough(void)
{
  for (unsigned i = 0; i < 2 * KINDS; i++) {
    struct kind kind = kind_of(i / 2);
    sighook_hook hook = install_and_hit(&kind, i % 2 ? SIGHOOK_FORCE_TRAP : 0);

    for (unsigned more_left = 0; more_left < 64; more_left += 16)
      REQUIRE(run_on(with_left(kind.need + more_left), touches_nothing, 5) == 6);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  }
}

static void hit_with_enough_and_a_signal_stack(void)
{
  begin();
  use_signal_stack(SIGNAL_STACK);
  hit_with_enough();
}

static void what_is_documented_is_enough(void **state)
{
  (void)state;
  assert_true(in_child(hit_with_enough_and_a_signal_stack));
}

static void hit_traps_with_enough(void)
{
  begin();
  for (unsigned i = 0; i < KINDS; i++) {
    struct kind kind = kind_of(i);
    sighook_hook hook = install_and_hit(&kind, SIGHOOK_FORCE_TRAP);
    size_t trap = NEED_TO_SIGNAL + signal_frame() + more[IN_TRAP].bytes;

    REQUIRE(run_on(with_left(kind.need > trap ? kind.need : trap), touches_nothing, 5) == 6);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  }
}

static void a_trap_entry_without_a_signal_stack_needs_its_frame_only(void **state)
{
  (void)state;
  assert_true(in_child(hit_traps_with_enough));
}

static void on_fault(int number, siginfo_t *info, void *ucontext)
{
  uintptr_t at = (uintptr_t)info->si_addr;

  (void)number;
  (void)ucontext;
  _exit(at < (uintptr_t)stack && at >= (uintptr_t)stack - page ? 0 : 3);
}

static unsigned kind_tried;

static void hit_with_too_little(uint32_t flags)
{
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  struct kind kind;

  action.sa_sigaction = on_fault;
  begin();
  kind = kind_of(kind_tried);
  use_signal_stack(SIGNAL_STACK);
  REQUIRE(sigaction(SIGSEGV, &action, NULL) == 0);
  install_and_hit(&kind, flags);
  run_on(with_left(kind.need / 4), touches_nothing, 5);
  REQUIRE(!"a fault");
}

static void hit_branch_with_too_little(void)
{
  hit_with_too_little(0);
}

static void hit_trap_with_too_little(void)
{
  hit_with_too_little(SIGHOOK_FORCE_TRAP);
}

static void where_less_is_left_the_guard_page_is_met(void **state)
{
  (void)state;
  for (kind_tried = 0; kind_tried < KINDS - 1; kind_tried++) {
    assert_true(in_child(hit_branch_with_too_little));
    assert_true(in_child(hit_trap_with_too_little));
  }
}

/* The kernel finds no place for the trap's frame. */
static void a_trap_without_room_for_its_frame_ends_the_process(void **state)
{
  int status = 0;
  pid_t child = fork();

  (void)state;
  if (child == 0) {
    struct kind kind;

    signal(SIGSEGV, SIG_DFL);
    begin();
    kind = kind_of(0);
    install_and_hit(&kind, SIGHOOK_FORCE_TRAP);
    run_on(with_left(kind.need), touches_nothing, 5);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* ---- without a guard page ---- */

static uint32_t entry;                /* the one tried */

static void *hit_above_canaries(void *below)
{
  const uint8_t *below_signals = use_signal_stack(SIGNAL_STACK);

  for (unsigned i = 0; i < KINDS; i++) {
    struct kind kind = kind_of(i);
    unsigned first = i ? 0 : more[AT_FIRST].bytes + need_vector(width);   /* of the thread */
    sighook_hook hook = must_install(spec_for(touches_nothing, kind.handler, kind.flags | entry));
    unsigned left = first + kind.need;

    REQUIRE((must_query(hook).entry == SIGHOOK_ENTRY_TRAP) == (entry == SIGHOOK_FORCE_TRAP));
    REQUIRE(!i || touches_nothing(1) == 2);       /* counters take memory at first */
    memset(stack, CANARY, STACK);
    for (unsigned j = 0; j <= LEFTS; j++) {
      REQUIRE(run_on(with_left(left) + MARGIN, touches_nothing, 5) == 6);
      require_canaries(stack, MARGIN);
      left = j < LEFTS && lefts[j] > kind.need ? lefts[j] : kind.need;
    }
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  }
  require_canaries(below_signals, MARGIN);
  return below;
}

static void hit_on_coroutine_stacks(void)
{
  pthread_t thread;

  begin();
  REQUIRE(pthread_create(&thread, NULL, hit_above_canaries, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

/* Traps' frames are on the signal stack. */
static void what_lies_below_a_large_enough_stack_stays_untouched(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    entry = i ? SIGHOOK_FORCE_TRAP : 0;
    assert_true(in_child(hit_on_coroutine_stacks));
  }
}

/* ---- in signal handlers ---- */

static volatile long answer;

static void hit_in_handler(int number)
{
  answer = touches_nothing(number);
}

static void hit_on_signal_stack(void)
{
  struct sigaction action = {.sa_handler = hit_in_handler, .sa_flags = SA_ONSTACK};

  begin();
  REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
  for (unsigned i = 0; i < 2 * KINDS; i++) {
    struct kind kind = kind_of(i / 2);
    sighook_hook hook = install_and_hit(&kind, i % 2 ? SIGHOOK_FORCE_TRAP : 0);
    size_t need = i % 2 ? NEED_TO_SIGNAL + signal_frame() + more[IN_TRAP].bytes : 0;
    const uint8_t *canaries = use_signal_stack(signal_frame() + OWN + (kind.need > need ? kind.need : need));

    answer = 0;
    REQUIRE(raise(SIGUSR1) == 0 && answer == SIGUSR1 + 1);
    require_canaries(canaries, MARGIN);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
  }
}

static void hits_in_signal_handlers_fit_into_the_least_stack_and_what_they_need(void **state)
{
  (void)state;
  assert_true(in_child(hit_on_signal_stack));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_documented_is_enough),
      cmocka_unit_test(a_trap_entry_without_a_signal_stack_needs_its_frame_only),
      cmocka_unit_test(where_less_is_left_the_guard_page_is_met),
      cmocka_unit_test(a_trap_without_room_for_its_frame_ends_the_process),
      cmocka_unit_test(what_lies_below_a_large_enough_stack_stays_untouched),
      cmocka_unit_test(hits_in_signal_handlers_fit_into_the_least_stack_and_what_they_need),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
