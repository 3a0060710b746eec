#include "truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "chance.h"
#include "hooked.h"
#include "scale.h"
#include "sink.h"
#include "stepping.h"

enum { COMPLAINTS_MAX = 20, TIMES_LONG = 10, TIMES_LARGE = 2, SHARES_FEW = 2, DEPTH = 1 << 16,
       RUN_MIN = 100, REFUSED_MIN = 2, REFUSED_SHARE = 100 };

static const struct job *job;
static uintptr_t depth;
static struct sink *made, expected;   /* `made` is shared with children */
static uint64_t chance;

/* The job finds one depth of the stack wherever this was called, since libraries go other ways with what lies otherwise in its
 * page. */
static __attribute__((noinline)) unsigned long run(void)
{
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  volatile char *room;
  unsigned long digest;

  if (!depth)
    depth = here - DEPTH;
  room = __builtin_alloca(here - depth);
  sink = made;
  sink->length = 0;
  digest = job->run();
  *room = 0;                          /* used still, so no compiler gives it back before */
  return digest;
}

static void run_in_child(void)
{
  int status;
  pid_t child = fork();

  if (child == 0) {
    run();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void forget_made(void)
{
  memset(made, 0, sizeof *made);
}

static void require_the_same(void)
{
  assert_true(made->length > 0 && made->length <= SINK_MAX);
  assert_int_equal(made->length, expected.length);
  assert_memory_equal(made->bytes, expected.bytes, expected.length);
}

/* Each run begins with what the second one left. */
static void take_the_truth(void)
{
  run();                              /* binds what is bound at the first call, and fills the allocator's caches */
  run();
  forget_made();
  run_in_child();
  expected = *made;
  places_forget();
  forget_made();
  step_through(run, places_arrive);
  require_the_same();
  places_choose();
  print_message("%lu steps; %lu bytes made\n", places_steps(), (unsigned long)made->length);
}

static void complain(const struct place *place, unsigned hits, unsigned arrivals)
{
  const struct library *library = places_library(place->address);

  print_error("%s+%#lx (%s): %u hits, %u arrivals\n", library->name, place->address - library->table.low, place->flavour->name,
              hits, arrivals);
}

static void print_tally(const struct mode *mode, const struct tally *tally)
{
  const unsigned *entries = tally->entries;

  print_message("%5.1f %%, %-9s ", mode->permille / 10.0, mode->flavour ? mode->flavour->name : "by chance");
  print_message("%6u hooked, %u of them run, %lu hits; ", tally->hooked, tally->run, tally->hits);
  print_message("%u branches, %u puns, %u evicting, %u traps; ", entries[SIGHOOK_ENTRY_BRANCH], entries[SIGHOOK_ENTRY_PUNNED],
                entries[SIGHOOK_ENTRY_EVICTED], entries[SIGHOOK_ENTRY_TRAP]);
  print_message("%u removed, %u refused\n", tally->removed, tally->refused);
}

static void compare(const struct mode *mode)
{
  unsigned complaints = 0;
  struct tally tally;

  forget_made();
  tally = hooked_run(run, mode, &chance);
  for (unsigned i = 0; i < place_count; i++) {
    const struct place *place = &places[i];
    unsigned expected_hits = place->state == HOOKED ? place->arrivals : 0;

    if (place->state == UNHOOKED)
      continue;
    if (place->flavour->handler && place->handled != expected_hits && complaints++ < COMPLAINTS_MAX)
      complain(place, place->handled, expected_hits);
    if (place->state == HOOKED && place->flavour->flags & SIGHOOK_COUNT && place->counted != place->arrivals &&
        complaints++ < COMPLAINTS_MAX)
      complain(place, place->counted, place->arrivals);
  }
  print_tally(mode, &tally);
  assert_int_equal(complaints, 0);
  require_the_same();
  assert_true(tally.hooked > 0 && (mode->permille < ALL || tally.run > RUN_MIN));
  assert_in_range(tally.refused, 0, REFUSED_MIN + tally.hooked / REFUSED_SHARE);
}

void every_instruction_is_hit_as_often_as_it_is_come_to(void **state)
{
  static const unsigned shares[] = {100, 10, ALL, 500};
  bool everything = getenv("SIGHOOK_LONG") != NULL, large;
  unsigned count, times;

  job = *state;
  large = job->kind & JOB_LARGE;
  count = everything || !(large || SCALE_SLOW) ? sizeof shares / sizeof *shares : SHARES_FEW;
  times = !everything ? 1 : large ? TIMES_LARGE : TIMES_LONG;
  take_the_truth();
  compare(&(struct mode){ALL, &flavours[HANDLER]});
  if (everything || !large)
    compare(&(struct mode){ALL, &flavours[COUNTER]});
  if (everything || job->kind & JOB_TRAPPED)
    compare(&(struct mode){ALL, &flavours[TRAPPED]});
  for (unsigned i = 0; i < times * count; i++)
    compare(&(struct mode){shares[i % count], NULL});
}

static void unused(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

/* The library allocates what it keeps for good, with libc, on its first use: before any child is made. */
bool truth_start(struct library *libraries, unsigned count)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = (uintptr_t)unused, .handler = unused};
  sighook_hook hook;

  chance = random_seed();
  made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return made != MAP_FAILED && places_start(libraries, count) && sighook_install(&spec, &hook) == SIGHOOK_OK &&
         sighook_remove(hook) == SIGHOOK_OK;
}
