/* The truth about hits, of every instruction: a job is stepped through; then every instruction of each function that it came to
 * is hooked, and the same job must come to the same end, with each instruction hit exactly as often as the steps arrived at it.
 * All runs are children of one process, so their addresses are the same. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sighook/sighook.h>
#include "expected.h"
#include "host/host.h"
#include "jobs.h"
#include "library.h"
#include "stepping.h"

enum { PLACES_MAX = 100000, AT_ONCE = 64, ROUNDS = 1, ROUNDS_LONG = 10, COMPLAINTS_MAX = 20 };

static struct library libraries[] = {{.name = "libc.so"}, {.name = "libz.so"}, {.name = "libcrypto.so"}};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

struct place {
  uintptr_t address;
  unsigned arrivals, hits;
  enum { HOOKED, REFUSED } state;
  sighook_hook hook;
};

/* Shared with the children. */
static struct outcome {
  unsigned long digest;
  unsigned refused, traps, counting;
  struct place places[PLACES_MAX];
} *outcome;
static unsigned place_count;

static unsigned long (*job)(void);
static unsigned long truth;
static unsigned long steps;
static unsigned *arrivals[LIBRARIES];         /* by the distance from the library's lowest address */
static sighook_handler handler;

/* ---- the truth ---- */

static void arrive(uintptr_t address)
{
  steps++;
  for (unsigned i = 0; i < LIBRARIES; i++)
    if (address >= libraries[i].table.low && address < libraries[i].table.high)
      arrivals[i][address - libraries[i].table.low]++;
}

static size_t arrivals_size(const struct library *library)
{
  return (library->table.high - library->table.low) * sizeof **arrivals;
}

static void forget_arrivals(void)
{
  for (unsigned i = 0; i < LIBRARIES; i++) {
    if (arrivals[i])
      munmap(arrivals[i], arrivals_size(&libraries[i]));
    arrivals[i] = mmap(NULL, arrivals_size(&libraries[i]), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(arrivals[i] != MAP_FAILED);
  }
  steps = 0;
}

static void choose(const struct library *library, const unsigned *arrived, uintptr_t address)
{
  assert_true(place_count < PLACES_MAX);
  outcome->places[place_count++] = (struct place){.address = address, .arrivals = arrived[address - library->table.low]};
}

static bool came_to(const struct library *library, const unsigned *arrived, uintptr_t start, uintptr_t end)
{
  for (uintptr_t at = start; at < end; at++)
    if (arrived[at - library->table.low])
      return true;
  return false;
}

/* All of a function that was run; of code that no unwind table tells, which may be data in between, only what was run. */
static void choose_function(const struct library *library, const unsigned *arrived, uintptr_t start, uintptr_t end, bool known)
{
  if (!came_to(library, arrived, start, end))
    return;
  for (uintptr_t at = start; at < end;) {
    size_t length = known ? host_insn_length((const uint8_t *)at, end - at) : HOST_INSN_ALIGN;

    if (known || arrived[at - library->table.low])
      choose(library, arrived, at);
    at += length ? length : end - at;
  }
}

static void choose_places(const struct library *library, const unsigned *arrived)
{
  struct eh_function function;

  for (unsigned i = 0; i < library->sections; i++) {
    uintptr_t at = library->start[i], next = eh_next_start(&library->table, at - 1);

    for (; next < library->end[i]; next = eh_next_start(&library->table, next)) {
      if (!eh_find(&library->table, next, &function) || function.start < at || function.end > library->end[i])
        continue;
      choose_function(library, arrived, at, function.start, false);
      choose_function(library, arrived, function.start, function.end, !function.is_signal_frame);
      at = function.end;
    }
    choose_function(library, arrived, at, library->end[i], false);
  }
}

static void take_the_truth(unsigned long (*wanted)(void))
{
  job = wanted;
  run_in_place(job);                  /* binds what is bound at the first call, and fills the allocator's caches */
  run_in_place(job);
  forget_arrivals();
  truth = step_through(job, arrive);
  assert_true(truth == run_in_place(job));
  place_count = 0;
  for (unsigned i = 0; i < LIBRARIES; i++)
    choose_places(&libraries[i], arrivals[i]);
}

/* ---- hooked ---- */

static void count_one(sighook_context *context, void *user)
{
  (void)context;
  if (outcome->counting)
    ++*(unsigned *)user;
}

static sighook_spec spec_of(struct place *place, uint32_t flags)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .address = place->address,
                        .flags = flags | (handler ? SIGHOOK_INTEGER_ONLY : SIGHOOK_COUNT),
                        .handler = handler,
                        .user = &place->hits};
}

static void hook_one(struct place *place, uint32_t flags)
{
  sighook_error error = {.size = sizeof error};
  sighook_spec spec = spec_of(place, flags);

  if (sighook_install(&spec, &place->hook) == SIGHOOK_OK)
    return;
  place->state = REFUSED;
  outcome->refused++;
  sighook_last_error(&error);
  if (expected_index(error.message, expected_refusals, EXPECTED_REFUSALS) < 0) {
    print_error("%s\n", error.message);
    _exit(1);
  }
}

/* As batches; one that is refused, place by place. From the last to the first, since a landing pad of a guarded page can be
 * hooked after what follows it, and not before. */
static void hook_all(uint32_t flags)
{
  for (unsigned end = place_count; end;) {
    unsigned first = end > AT_ONCE ? end - AT_ONCE : 0;
    sighook_batch *batch;

    sighook_batch_create(&batch);
    for (unsigned i = end; i-- > first;) {
      sighook_spec spec = spec_of(&outcome->places[i], flags);

      sighook_batch_install(batch, &spec, &outcome->places[i].hook);
    }
    if (sighook_batch_commit(batch, NULL) != SIGHOOK_OK)
      for (unsigned i = end; i-- > first;)
        hook_one(&outcome->places[i], flags);
    sighook_batch_destroy(batch);
    end = first;
  }
}

/* Adds `weight` times what the counters say. */
static void add_counters(int weight)
{
  for (unsigned i = 0; i < place_count; i++) {
    struct place *place = &outcome->places[i];
    sighook_info info = {.size = sizeof info};

    if (place->state == HOOKED && sighook_query(place->hook, &info) == SIGHOOK_OK)
      place->hits += (unsigned)weight * (unsigned)info.hits;
  }
}

static int note_trap(sighook_hook hook, const sighook_info *info, void *user)
{
  (void)hook;
  (void)user;
  outcome->traps += info->entry == SIGHOOK_ENTRY_TRAP;
  return 0;
}

/* Asking for counters runs hooked code too, equally much each time: what the job added is what one round of asking does not
 * account for. */
static _Noreturn void run_hooked(uint32_t flags)
{
  hook_all(flags);
  if (!handler)
    add_counters(-1);
  outcome->counting = 1;
  outcome->digest = run_in_place(job);
  outcome->counting = 0;
  if (!handler) {
    add_counters(2);
    add_counters(-1);
    sighook_each(note_trap, NULL);
  }
  _exit(0);
}

static void compare(uint32_t flags, sighook_handler wanted)
{
  unsigned complaints = 0, run = 0;
  int status;
  pid_t child;

  handler = wanted;
  outcome->digest = outcome->refused = outcome->traps = outcome->counting = 0;
  for (unsigned i = 0; i < place_count; i++) {
    outcome->places[i].hits = 0;
    outcome->places[i].state = HOOKED;
  }
  child = fork();
  if (child == 0)
    run_hooked(flags);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  for (unsigned i = 0; i < place_count; i++) {
    const struct place *place = &outcome->places[i];

    run += place->arrivals != 0;
    if (place->state == HOOKED && place->hits != place->arrivals && complaints++ < COMPLAINTS_MAX)
      print_error("%#lx: %u hits, %u arrivals\n", place->address, place->hits, place->arrivals);
  }
  print_message("%lu steps, %u instructions hooked, %u refused, %u of them run", steps, place_count - outcome->refused,
                outcome->refused, run);
  if (!handler)
    print_message(", %u by traps", outcome->traps);
  print_message("\n");
  assert_int_equal(complaints, 0);
  assert_true(outcome->digest == truth);
  assert_true(run > 100);
}

/* By traps in one job only: the library's own use of what is hooked takes long then. */
static void every_instruction_is_hit_as_often_as_it_is_come_to(void **state)
{
  take_the_truth((unsigned long (*)(void))*state);
  compare(0, NULL);
  compare(0, count_one);
  if (job == job_expand || getenv("SIGHOOK_LONG"))
    compare(SIGHOOK_FORCE_TRAP, count_one);
}

static void unused(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

/* The library allocates what it keeps for good, with libc, on its first use: before any child is made. */
static int start(void **state)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)unused, .handler = unused};
  sighook_hook hook;

  (void)state;
  outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (unsigned i = 0; i < LIBRARIES; i++)
    if (!library_find(&libraries[i]))
      return 1;
  return outcome == MAP_FAILED || !jobs_start(getenv("SIGHOOK_LONG") ? ROUNDS_LONG : ROUNDS) ||
         sighook_install(&spec, &hook) != SIGHOOK_OK || sighook_remove(hook) != SIGHOOK_OK;
}

#define JOB(name) {#name, every_instruction_is_hit_as_often_as_it_is_come_to, NULL, NULL, (void *)job_##name}

int main(void)
{
  const struct CMUnitTest tests[] = {JOB(expand), JOB(text), JOB(memory), JOB(cipher)};
  const struct CMUnitTest long_tests[] = {JOB(compress)};
  int failed = cmocka_run_group_tests(tests, start, NULL);

  return getenv("SIGHOOK_LONG") ? failed + cmocka_run_group_tests(long_tests, NULL, NULL) : failed;
}
