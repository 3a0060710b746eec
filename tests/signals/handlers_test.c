/* A program with a handler of its own for the library's signal, installed before the library's or after it, with every
 * combination of flags: what is the library's never reaches it as a signal of its own, and what is its own comes as if
 * the library were not there. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include "child.h"
#include "faults.h"
#include "live.h"
#include "ours.h"

enum {
  SLOTS = 8,
  ALTERNATE = 65536,
  ERRNO_BEFORE = 42,
  ERRNO_OF_HANDLER = 7,
  RESULT_OF_HANDLER = 77,
  ARGUMENT = 5,
  SENT_VALUE = 1234,
  SKIPPED = 77
};

/* What a handler is called with, and leaves behind. */
struct seen {
  int signal, code, value, errno_inside, errno_after;
  uint64_t mask, mask_after;
  uintptr_t pc; /* of traps */
  bool on_alternate;
  long result;
};

static struct seen seen;
static volatile int calls, claims;
static bool asks;
static uint8_t alternate[ALTERNATE];

static uint64_t mask_now(void)
{
  sigset_t mask;
  uint64_t bits;

  sigemptyset(&mask);
  REQUIRE(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
  memcpy(&bits, &mask, sizeof bits);
  return bits;
}

static void note(int signal_number)
{
  uintptr_t here = (uintptr_t)&signal_number;

  calls++;
  seen.signal = signal_number;
  seen.errno_inside = errno;
  seen.mask = mask_now();
  seen.on_alternate = here - (uintptr_t)alternate < sizeof alternate;
  errno = ERRNO_OF_HANDLER;
}

static void on_signal(int signal_number, siginfo_t *info, void *context)
{
  if (asks && sighook_handle_signal(signal_number, info, context)) {
    claims++;
    return;
  }
  note(signal_number);
  seen.code = info->si_code;
  sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
  if (info->si_code == SI_QUEUE)
    seen.value = info->si_value.sival_int;
  if (info->si_code <= 0)
    return;
  seen.pc = signal_pc(context);
  signal_set_result(context, RESULT_OF_HANDLER);
  signal_set_pc(context, behind_fault(seen.pc));
}

/* ---- what raises the signal ---- */

static long by_thread(void)
{
  return raise(TESTED);
}

static long by_process(void)
{
  return kill(getpid(), TESTED);
}

static long by_queue(void)
{
  return sigqueue(getpid(), TESTED, (union sigval){.sival_int = SENT_VALUE});
}

static long by_trap(void)
{
  return (TESTED == SIGILL ? illegal : breaks)(ARGUMENT);
}

static long (*const events[])(void) = {by_thread, by_process, by_queue, by_trap};
enum {
  EVENTS = sizeof events / sizeof *events
};

static struct seen observe(unsigned event)
{
  sigset_t own;

  sigemptyset(&own);
  sigaddset(&own, SIGHUP);
  REQUIRE(sigprocmask(SIG_SETMASK, &own, NULL) == 0);
  seen = (struct seen){0};
  calls = 0;
  errno = ERRNO_BEFORE;
  seen.result = events[event]();
  seen.errno_after = errno;
  seen.mask_after = mask_now();
  REQUIRE(calls == 1);
  return seen;
}

/* ---- each combination ---- */

static const int flags_each[] = {SA_SIGINFO, SA_RESETHAND, SA_ONSTACK, SA_NODEFER, SA_RESTART};
enum {
  FLAGS = sizeof flags_each / sizeof *flags_each,
  COMBINATIONS = 1 << (TESTED == SIGTRAP ? FLAGS : FLAGS - 1),
  STEP = SHARE > 1 ? 7 : 1
}; /* some of each, where all would take long */

static struct sigaction action;
static unsigned only; /* the event that comes last */

static void arm(void)
{
  REQUIRE(sigaction(TESTED, &action, NULL) == 0);
}

static void choose(unsigned combination)
{
  action = (struct sigaction){0};
  for (unsigned i = 0; i < FLAGS; i++)
    action.sa_flags |= combination & 1u << i ? flags_each[i] : 0;
  if (action.sa_flags & SA_SIGINFO)
    action.sa_sigaction = on_signal;
  else
    action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  if (combination % 3)
    sigaddset(&action.sa_mask, SIGUSR1);
}

/* The library's handler runs on the alternate stack; the program's where it asked to run. */
static void set_up(void)
{
  const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};

  REQUIRE(sigaltstack(&stack, NULL) == 0);
  arm();
}

/* Without SA_SIGINFO a handler has no way to go on behind a trap on every machine. */
static unsigned event_count(void)
{
  return action.sa_flags & SA_SIGINFO ? EVENTS : EVENTS - 1;
}

static void same_as_without(void)
{
  struct seen alone = observe(only), beside;

  REQUIRE(alone.signal == TESTED && alone.errno_inside == ERRNO_BEFORE && alone.errno_after == ERRNO_OF_HANDLER);
  REQUIRE(alone.on_alternate == !!(action.sa_flags & SA_ONSTACK));
  arm();
  ours_start();
  ours_hit();
  REQUIRE(calls == 1);
  for (unsigned times = 0; times < (action.sa_flags & SA_RESETHAND ? 1 : 3); times++) {
    beside = observe(only);
    REQUIRE(memcmp(&alone, &beside, sizeof alone) == 0);
    ours_hit();
    REQUIRE(calls == 1);
  }
}

static void before_ours(void)
{
  set_up();
  same_as_without();
}

static void before_ours_and_reset(void)
{
  before_ours();
  events[only](); /* by default: it kills */
}

static void a_handler_that_stood_before_is_called_as_without_us(void **state)
{
  (void)state;
  for (unsigned combination = 0; combination < COMBINATIONS; combination += STEP) {
    choose(combination);
    for (only = 0; only < event_count(); only++)
      if (!in_child(before_ours))
        fail_msg("flags %#x, event %u", (unsigned)action.sa_flags, only);
  }
}

static void a_handler_that_is_for_once_is_called_once(void **state)
{
  (void)state;
  for (unsigned combination = 0; combination < COMBINATIONS; combination += STEP) {
    choose(combination);
    for (only = 0; only < event_count() && (action.sa_flags & SA_RESETHAND); only++)
      if (!child_is_killed_by(TESTED, before_ours_and_reset))
        fail_msg("flags %#x, event %u", (unsigned)action.sa_flags, only);
  }
}

/* ---- installed later ---- */

static void after_ours(void)
{
  ours_start();
  set_up();
  for (unsigned event = 0; event < EVENTS; event++) {
    struct seen alone, beside;

    asks = false;
    arm();
    alone = observe(event);
    asks = true;
    arm();
    beside = observe(event);
    REQUIRE(memcmp(&alone, &beside, sizeof alone) == 0);
    arm();
    claims = 0;
    ours_hit();
    REQUIRE(claims == 1 && calls == 1);
  }
}

static void a_handler_that_came_later_asks_first(void **state)
{
  (void)state;
  for (unsigned combination = 0; combination < COMBINATIONS; combination += STEP) {
    choose(combination);
    if ((action.sa_flags & SA_SIGINFO) && !in_child(after_ours))
      fail_msg("flags %#x", (unsigned)action.sa_flags);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_handler_that_stood_before_is_called_as_without_us),
      cmocka_unit_test(a_handler_that_is_for_once_is_called_once),
      cmocka_unit_test(a_handler_that_came_later_asks_first),
  };

  if (!ours_is_possible()) {
    printf("skip - this CPU has no table of bytes that are no instruction\n");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
