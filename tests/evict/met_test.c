/* How often real jobs meet a trap in the midst of an entry: instructions are moved out only where, as far as is known, nobody branches
 * to them, so it should be next to never. With crowded address spaces, in which there are hundreds of such entries. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <signal.h>
#include <sighook/signals.h>
#include <ucontext.h>
#include "core/reason.h"
#include "core/site.h"
#include "hooks.h"
#include "jobs.h"
#include "table/table.h"

enum { WANTED = 4000, BATCH = 500, LEFT = 24, TURNS = 60, TURNS_LONG = 1200 };

static unsigned long (*const jobs[])(void) = {job_compress, job_expand, job_text, job_memory, job_cipher};
enum { JOBS = sizeof jobs / sizeof *jobs };

static struct code codes[3];
enum { CODES = sizeof codes / sizeof *codes };
static unsigned long truth[JOBS];
static uint64_t seed;
static volatile sig_atomic_t met_breakpoints, met_invalid, met_entries;

/* Ours hands the signal over after it was counted. */
static void count_boundary(int signal_number, siginfo_t *info, void *ucontext)
{
  uintptr_t pc = (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] - (signal_number == SIGTRAP);
  const struct site *site = table_find(pc).site;

  if (site && site_is_boundary(site))
    signal_number == SIGTRAP ? met_breakpoints++ : met_invalid++;
  else
    met_entries++;
  if (!sighook_handle_signal(signal_number, info, ucontext))
    abort();
}

static void listen(void)
{
  struct sigaction action = {.sa_sigaction = count_boundary, .sa_flags = SA_SIGINFO | SA_NODEFER};

  sigaction(SIGTRAP, &action, NULL);
  sigaction(SIGILL, &action, NULL);
}

static size_t choose(uintptr_t *addresses, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const struct code *code = &codes[random_next(&seed) % CODES];

    addresses[i] = code->low + code->starts[random_next(&seed) % code->count];
  }
  return keep_hookable(addresses, count);
}

/* Sites that trap at every hit are given up; what is left of them traps by others' jumps only. */
static size_t without_traps(sighook_hook *hooks, size_t count, unsigned long *reaching)
{
  size_t kept = 0;

  for (size_t i = 0; i < count; i++) {
    sighook_info info = {.size = sizeof info};

    REQUIRE(sighook_query(hooks[i], &info) == SIGHOOK_OK);
    if (info.entry == SIGHOOK_ENTRY_TRAP) {
      REQUIRE(sighook_remove(hooks[i]) == SIGHOOK_OK);
      continue;
    }
    *reaching += table_find(info.address).site->reason == REASON_REACHES_OVER;
    hooks[kept++] = hooks[i];
  }
  return kept;
}

static unsigned long count_hits(const sighook_hook *hooks, size_t count)
{
  unsigned long hits = 0;

  for (size_t i = 0; i < count; i++) {
    sighook_info info = {.size = sizeof info};

    REQUIRE(sighook_query(hooks[i], &info) == SIGHOOK_OK);
    hits += info.hits;
  }
  return hits;
}

static void run_jobs(void)
{
  static uintptr_t addresses[WANTED];
  static sighook_hook hooks[WANTED];
  unsigned turns = getenv("SIGHOOK_LONG") ? TURNS_LONG : TURNS;
  unsigned long reaching = 0, hits;
  size_t count = 0;

  for (unsigned i = 0; i < CODES; i++)
    code_crowd(&codes[i], LEFT, seed);
  while (count + BATCH <= WANTED) {
    size_t wanted = choose(addresses, BATCH);

    REQUIRE(install_all(addresses, hooks + count, wanted, SIGHOOK_COUNT));
    count += without_traps(hooks + count, wanted, &reaching);
    if (wanted == 0)
      break;
  }
  listen();
  for (unsigned turn = 0; turn < turns; turn++)
    for (unsigned i = 0; i < JOBS; i++)
      REQUIRE(jobs[i]() == truth[i]);
  hits = count_hits(hooks, count);
  printf("%zu sites, %lu of them reach over others; %lu hits met %d breakpoints and %d invalid bytes there, %d traps elsewhere\n",
         count, reaching, hits, (int)met_breakpoints, (int)met_invalid, (int)met_entries);
  REQUIRE(reaching > 20 && hits > 50000);
  REQUIRE((unsigned long)(met_breakpoints + met_invalid) * 20000 <= hits);
  REQUIRE(remove_all(hooks, count));
  for (unsigned i = 0; i < CODES; i++)
    REQUIRE(code_is_pristine(&codes[i]));
}

static void jobs_hardly_ever_meet_traps_inside_entries(void **state)
{
  (void)state;
  assert_true(in_child(run_jobs));
}

static int start(void **state)
{
  static const char *const names[CODES] = {"libz.so.1", "libc.so.6", "libcrypto.so.3"};

  (void)state;
  seed = random_seed();
  if (!jobs_start(1, 1))
    return 1;
  for (unsigned i = 0; i < CODES; i++)
    if (!code_find(&codes[i], names[i]))
      return 1;
  for (unsigned i = 0; i < JOBS; i++)
    truth[i] = jobs[i]();
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(jobs_hardly_ever_meet_traps_inside_entries)};

  return cmocka_run_group_tests(tests, start, NULL);
}
