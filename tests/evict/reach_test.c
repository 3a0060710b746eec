/* Entries that reach over the instructions behind the site: forced, with breakpoints at the boundaries and with what is no
 * instruction; each way to the instructions behind the site gives the right result, and only branches to them pay a signal. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include "hooks.h"
#include "kinds.h"

enum { BREAKPOINT = 0xCC, HIGHEST = 3 };

static long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

static sighook_spec spec_at(const uint8_t *address, sighook_handler handler, void *user)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = (uintptr_t)address, .handler = handler, .user = user};
}

/* ---- signals ---- */

static long traps, illegals;

/* The program's, installed after the library's. */
static void on_signal(int signal_number, siginfo_t *info, void *context)
{
  REQUIRE(sighook_handle_signal(signal_number, info, context) == 1);
  ++*(signal_number == SIGILL ? &illegals : &traps);
}

/* After one hook of the kind has come and gone, so that the library's handlers are there. */
static void count_signals(void)
{
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sighook_spec spec = spec_at(reaches[0].site, count, NULL);

  REQUIRE(sighook_remove(reach_install(&reaches[0], kind, &spec)) == SIGHOOK_OK);
  sigaction(SIGTRAP, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  traps = illegals = 0;
}

/* While they are blocked, a signal of either kind kills. No hook comes or goes meanwhile that might make one. */
static void block_signals(int how)
{
  sigset_t both;

  sigemptyset(&both);
  sigaddset(&both, SIGTRAP);
  sigaddset(&both, SIGILL);
  REQUIRE(sigprocmask(how, &both, NULL) == 0);
}

/* ---- each alone ---- */

static void check_calls(const struct reach *reach, long hits_each)
{
  for (long n = -HIGHEST; n <= HIGHEST; n++) {
    hits = 0;
    if (reach->function(n) == reach_expected(n) && hits == hits_each)
      continue;
    fprintf(stderr, "%s(%ld): wrong result, or %ld hits\n", reach->name, n, hits);
    _exit(1);
  }
}

static void check_is_dry(const sighook_spec *spec, const struct reach *reach)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_check(spec, &info) == SIGHOOK_OK);
  REQUIRE(info.entry == SIGHOOK_ENTRY_EVICTED && strstr(info.reason, "reaches over"));
  reach_require_unchanged(reach);
}

/* With a handler, with a handler that touches integers only, counted, and both. */
static const struct {
  sighook_handler handler;
  uint32_t flags;
} forms[] = {{count, 0}, {count, SIGHOOK_INTEGER_ONLY}, {NULL, SIGHOOK_COUNT}, {count, SIGHOOK_COUNT | SIGHOOK_REQUIRE_BRANCH}};
enum { FORMS = sizeof forms / sizeof *forms, OF_ONE_STUB = 2 };

static void come_and_go(void)
{
  reach_crowd(kind);
  reach_remember();
  count_signals();
  for (unsigned i = 0; i < reach_count; i++)
    for (unsigned form = 0; form < (reaches[i].one_place ? OF_ONE_STUB : FORMS); form++) {
      const struct reach *reach = &reaches[i];
      sighook_spec spec = spec_at(reach->site, forms[form].handler, NULL);
      sighook_info info = {.size = sizeof info};
      sighook_hook hook;

      spec.flags = forms[form].flags;
      check_is_dry(&spec, reach);
      hook = reach_install(reach, kind, &spec);
      check_calls(reach, spec.handler != NULL);
      REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
      REQUIRE(info.hits == (spec.flags & SIGHOOK_COUNT ? 2 * HIGHEST + 1 : 0));
      REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
      reach_require_unchanged(reach);
      check_calls(reach, 0);
    }
  REQUIRE(traps == 0 && illegals == 0);
}

/* ---- without a signal ---- */

static void check_calls_without(const struct reach *reach, long hits_each)
{
  block_signals(SIG_BLOCK);
  check_calls(reach, hits_each);
  block_signals(SIG_UNBLOCK);
}

static void all_at_once_without_signals(void)
{
  sighook_hook hooks[REACH_MAX];

  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++) {
    sighook_spec spec = spec_at(reaches[i].site, count, NULL);

    hooks[i] = reach_install(&reaches[i], kind, &spec);
  }
  for (unsigned i = 0; i < reach_count; i++)
    check_calls_without(&reaches[i], 1);
  for (unsigned i = 0; i < reach_count; i++) {
    REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_OK);
    reach_require_unchanged(&reaches[i]);
    check_calls_without(&reaches[i], 0);
  }
}

static const struct reach *skipped;

/* In place of the instruction: what it does to the stack. */
static void do_as_the_site(uintptr_t address, sighook_context *context)
{
  REQUIRE(address == (uintptr_t)skipped->site && context->rip == address);
  hits++;
  reach_adjust(context, skipped->words[0], skipped->words[1]);
}

static void skip_in_handler(sighook_context *context, void *user)
{
  (void)user;
  do_as_the_site((uintptr_t)skipped->site, context);
  sighook_skip(context);
}

static void skip_each(void)
{
  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++) {
    sighook_spec spec = spec_at(reaches[i].site, skip_in_handler, NULL);
    sighook_hook hook;

    skipped = &reaches[i];
    hook = reach_install(skipped, kind, &spec);
    check_calls_without(skipped, 1);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    REQUIRE(sighook_instrument_no_original((uintptr_t)skipped->site, do_as_the_site, NULL) == SIGHOOK_OK);
    REQUIRE(reach_stands(skipped, kind));
    check_calls_without(skipped, 1);
    REQUIRE(sighook_unhook((uintptr_t)skipped->site) == SIGHOOK_OK);
    reach_require_unchanged(skipped);
  }
}

/* ---- to the boundaries ---- */

struct jump {
  const struct reach *reach;
  unsigned to;
};

static void go_to_boundary(sighook_context *context, void *user)
{
  const struct jump *jump = user;

  hits++;
  reach_adjust(context, jump->reach->words[0], jump->reach->words[jump->to + 1]);
  context->rip = (uintptr_t)jump->reach->boundaries[jump->to];
}

static void set_pc_to_each_boundary(void)
{
  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++)
    for (unsigned to = 0; to < reaches[i].count; to++) {
      struct jump jump = {&reaches[i], to};
      sighook_spec spec = spec_at(reaches[i].site, go_to_boundary, &jump);
      sighook_hook hook = reach_install(&reaches[i], kind, &spec);

      check_calls_without(&reaches[i], 1);
      REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    }
}

static long enter(const struct reach *reach, unsigned boundary, long n)
{
  return reach_enter(reach->boundaries[boundary], n, reach->words[boundary + 1]);
}

/* By a branch that nobody sees: one signal, of the kind that the byte there makes, and no hit of the site's. */
static void jump_to(const struct reach *reach, unsigned boundary)
{
  bool is_breakpoint = *(const volatile uint8_t *)reach->boundaries[boundary] == BREAKPOINT;

  for (long n = -HIGHEST; n <= HIGHEST; n++) {
    hits = traps = illegals = 0;
    REQUIRE(enter(reach, boundary, n) == reach_expected(n));
    if (hits == 0 && traps == is_breakpoint && illegals == !is_breakpoint)
      continue;
    fprintf(stderr, "%s, boundary %u: %ld SIGTRAP, %ld SIGILL, %ld hits\n", reach->name, boundary, traps, illegals, hits);
    _exit(1);
  }
}

static void jump_to_each_boundary(void)
{
  reach_crowd(kind);
  reach_remember();
  count_signals();
  for (unsigned i = 0; i < reach_count; i++) {
    const struct reach *reach = &reaches[i];
    sighook_spec spec = spec_at(reach->site, count, NULL);
    sighook_hook hook;

    for (unsigned boundary = 0; boundary < reach->count; boundary++)
      REQUIRE(enter(reach, boundary, HIGHEST) == reach_expected(HIGHEST));
    hook = reach_install(reach, kind, &spec);
    for (unsigned boundary = 0; boundary < reach->count; boundary++)
      jump_to(reach, boundary);
    REQUIRE(sighook_remove(hook) == SIGHOOK_OK);
    reach_require_unchanged(reach);
    traps = illegals = 0;
    for (unsigned boundary = 0; boundary < reach->count; boundary++)
      REQUIRE(enter(reach, boundary, HIGHEST) == reach_expected(HIGHEST));
    REQUIRE(traps == 0 && illegals == 0);
  }
}

/* ---- a replacement ---- */

static long (*original)(long);

static long ten_more(long n)
{
  hits++;
  return original(n) + 10;
}

static void replace_the_function(void)
{
  for (unsigned i = 0; i < reach_count; i++)
    if ((uintptr_t)reaches[i].function == (uintptr_t)reaches[i].site) {
      reach_crowd(kind);
      reach_remember();
      REQUIRE(sighook_inline_hook((uintptr_t)reaches[i].site, ten_more, (void **)&original, NULL) == SIGHOOK_OK);
      REQUIRE(reach_stands(&reaches[i], kind));
      block_signals(SIG_BLOCK);
      hits = 0;
      for (long n = -HIGHEST; n <= HIGHEST; n++)
        REQUIRE(reaches[i].function(n) == reach_expected(n) + 10 && original(n) == reach_expected(n));
      REQUIRE(hits == 2 * HIGHEST + 1);
      block_signals(SIG_UNBLOCK);
      REQUIRE(sighook_unhook((uintptr_t)reaches[i].site) == SIGHOOK_OK);
      reach_require_unchanged(&reaches[i]);
    }
}

/* ---- the tests: each in a child for each kind ---- */

#define EVERY(X)                                                                                                          \
  X(entries_come_and_go_and_results_are_right, come_and_go)                                                               \
  X(running_on_raises_no_signal, all_at_once_without_signals)                                                             \
  X(skipping_the_site_raises_no_signal, skip_each)                                                                        \
  X(a_callback_that_goes_to_a_boundary_raises_no_signal, set_pc_to_each_boundary)                                         \
  X(branches_to_boundaries_pay_one_signal_each, jump_to_each_boundary)                                                    \
  X(replacements_and_their_originals_raise_no_signal, replace_the_function)

EVERY(KINDS_DEFINE)

int main(void)
{
  const struct CMUnitTest tests[] = {EVERY(KINDS_LIST)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
