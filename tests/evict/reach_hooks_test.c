/* Hooks on what gave way: they are hit by running on and by branches, and whatever goes first, the others stay right and the code
 * comes back. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include "hooks.h"
#include "host/store.h"
#include "kinds.h"

enum { ARGUMENT = 5, HOOKS = 1 + REACH_BOUNDARIES };


/* ---- hooks on the site (0) and on each boundary ---- */

static struct placed {
  sighook_hook hook;
  long hits;                          /* by the handler */
  uint64_t counted;                   /* as told last */
  bool counts, stands;
} placed[HOOKS];

static void hit(sighook_context *context, void *user)
{
  (void)context;
  ++*(long *)user;
}

static const uint8_t *address_of(const struct reach *reach, unsigned index)
{
  return index ? reach->boundaries[index - 1] : reach->site;
}

static sighook_spec spec_for(const struct reach *reach, unsigned index, bool counts)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .flags = counts ? SIGHOOK_COUNT : 0,
                        .address = (uintptr_t)address_of(reach, index),
                        .handler = counts ? NULL : hit,
                        .user = &placed[index].hits};
}

static void place(const struct reach *reach, unsigned index, bool counts)
{
  sighook_spec spec = spec_for(reach, index, counts);

  placed[index] = (struct placed){.counts = counts, .stands = true};
  if (index)
    REQUIRE(sighook_install(&spec, &placed[index].hook) == SIGHOOK_OK);
  else
    placed[index].hook = reach_install(reach, kind, &spec);
}

static void take_away(unsigned index)
{
  REQUIRE(sighook_remove(placed[index].hook) == SIGHOOK_OK);
  placed[index].stands = false;
}

/* Hits since it was asked last. */
static long hits_of(unsigned index)
{
  sighook_info info = {.size = sizeof info};
  long hits = placed[index].hits;

  placed[index].hits = 0;
  if (!placed[index].stands || !placed[index].counts)
    return hits;
  REQUIRE(sighook_query(placed[index].hook, &info) == SIGHOOK_OK);
  hits += (long)(info.hits - placed[index].counted);
  placed[index].counted = info.hits;
  return hits;
}

/* Whether one that runs from the hook's place `from` on comes by the hook of that index. */
static bool comes_by(const struct reach *reach, unsigned from, unsigned index)
{
  return index == from || (index > from && from <= reach->run && index <= reach->run);
}

static void require_hits(const struct reach *reach, unsigned from)
{
  for (unsigned index = 0; index <= reach->count; index++) {
    long hits = hits_of(index);

    if (hits == (placed[index].stands && comes_by(reach, from, index)))
      continue;
    fprintf(stderr, "%s: %ld hits of %u by one that comes by %u\n", reach->name, hits, index, from);
    _exit(1);
  }
}

static void check_all_ways(const struct reach *reach)
{
  REQUIRE(reach->function(ARGUMENT) == reach_expected(ARGUMENT));
  require_hits(reach, 0);
  for (unsigned i = 1; i <= reach->count; i++) {
    REQUIRE(reach_enter(reach->boundaries[i - 1], ARGUMENT, reach->words[i]) == reach_expected(ARGUMENT));
    require_hits(reach, i);
  }
}

/* ---- coming and going ---- */

/* The order of that number of the first `count` hooks. */
static void permute(unsigned number, unsigned count, unsigned order[HOOKS])
{
  for (unsigned i = 0; i < count; i++)
    order[i] = i;
  for (unsigned i = count; i > 1; number /= i, i--) {
    unsigned other = number % i, swapped = order[i - 1];

    order[i - 1] = order[other];
    order[other] = swapped;
  }
}

/* A hook of either kind on each boundary: they go in one order, and come back in it, while the site's stays; and then all go in
 * it. */
static void go_in_order(const struct reach *reach, const unsigned order[HOOKS], bool counts)
{
  place(reach, 0, false);
  for (unsigned i = 1; i <= reach->count; i++) {
    place(reach, i, counts);
    check_all_ways(reach);
  }
  for (unsigned i = 0; i <= reach->count; i++)
    if (order[i]) {
      take_away(order[i]);
      check_all_ways(reach);
      REQUIRE(reach_stands(reach, kind));
    }
  for (unsigned i = 0; i <= reach->count; i++)
    if (order[i])
      place(reach, order[i], counts);
  for (unsigned i = 0; i <= reach->count; i++) {
    take_away(order[i]);
    check_all_ways(reach);
  }
  reach_require_unchanged(reach);
}

static void go_in_any_order(void)
{
  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++) {
    unsigned orders = 1;

    for (unsigned count = 2; count <= reaches[i].count + 1; count++)
      orders *= count;
    for (unsigned number = 0; number < 2 * orders; number++) {
      unsigned order[HOOKS];

      permute(number / 2, reaches[i].count + 1, order);
      go_in_order(&reaches[i], order, number % 2);
    }
  }
}

/* ---- together ---- */

static void both_in_one_batch(const struct reach *reach, unsigned index, bool swapped)
{
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < 2; i++) {
    unsigned which = (i == 0) == swapped ? index : 0;
    sighook_spec spec = spec_for(reach, which, false);

    placed[which] = (struct placed){.stands = true};
    REQUIRE(sighook_batch_install(batch, &spec, &placed[which].hook) == SIGHOOK_OK);
  }
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
}

/* What is hooked itself is no boundary: neither with the site's hook nor before it. */
static void hooked_ones_stay(void)
{
  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++)
    for (unsigned index = 1; index <= reaches[i].count; index++)
      for (unsigned way = 0; way < 3; way++) {
        const struct reach *reach = &reaches[i];
        sighook_spec spec = spec_for(reach, 0, false);

        memset(placed, 0, sizeof placed);
        if (way < 2) {
          both_in_one_batch(reach, index, way);
        } else {
          place(reach, index, false);
          REQUIRE(sighook_install(&spec, &placed[0].hook) == SIGHOOK_OK);
          placed[0].stands = true;
        }
        REQUIRE(!reach_is_boundary(reach->boundaries[index - 1]));
        check_all_ways(reach);
        REQUIRE(remove_all((sighook_hook[]){placed[0].hook, placed[index].hook}, 2));
        placed[0].stands = placed[index].stands = false;
        check_all_ways(reach);
        reach_require_unchanged(reach);
      }
}

/* Of the boundaries at which the return address is on top of the stack: a function replaces what begins there. */
static long (*original)(long);

static long ten_more(long n)
{
  return reach_expected(n) + 10;
}

static void replace_at(const struct reach *reach, unsigned index, bool site_goes_first)
{
  bool run = index <= reach->run;

  place(reach, 0, false);
  REQUIRE(sighook_inline_hook((uintptr_t)reach->boundaries[index - 1], ten_more, (void **)&original, NULL) == SIGHOOK_OK);
  REQUIRE(reach->function(ARGUMENT) == reach_expected(ARGUMENT) + (run ? 10 : 0));
  REQUIRE(reach_enter(reach->boundaries[index - 1], ARGUMENT, 0) == reach_expected(ARGUMENT) + 10);
  REQUIRE(reach->computed || original(ARGUMENT) == reach_expected(ARGUMENT));
  REQUIRE(hits_of(0) == 1);
  if (site_goes_first)
    take_away(0);
  else
    REQUIRE(sighook_unhook((uintptr_t)reach->boundaries[index - 1]) == SIGHOOK_OK);
  REQUIRE(reach->function(ARGUMENT) == reach_expected(ARGUMENT) + (run && site_goes_first ? 10 : 0));
  REQUIRE(reach->computed || original(ARGUMENT) == reach_expected(ARGUMENT));
  if (site_goes_first)
    REQUIRE(sighook_unhook((uintptr_t)reach->boundaries[index - 1]) == SIGHOOK_OK);
  else
    take_away(0);
  reach_require_unchanged(reach);
}

static void replace_at_boundaries(void)
{
  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++)
    for (unsigned index = 1; index <= reaches[i].count; index++)
      for (unsigned first = 0; first < 2 && !reaches[i].words[index]; first++)
        replace_at(&reaches[i], index, first);
}

/* ---- elsewhere ---- */

/* A forked child has its own, from which hooks come and go. */
static void fork_with_hooks(void)
{
  reach_crowd(kind);
  reach_remember();
  for (unsigned i = 0; i < reach_count; i++) {
    int status = -1;
    pid_t child;

    place(&reaches[i], 0, false);
    child = fork();
    REQUIRE(child >= 0);
    check_all_ways(&reaches[i]);
    if (!child) {
      place(&reaches[i], 1, true);
      check_all_ways(&reaches[i]);
      take_away(1);
    }
    take_away(0);
    check_all_ways(&reaches[i]);
    reach_require_unchanged(&reaches[i]);
    if (!child)
      _exit(0);
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  }
}

/* Where only stores inside aligned eight bytes are trusted, stubs that cannot be turned so rule the entry out, and what is
 * changed in phases is all the same right. */
static void store_strictly(void)
{
  unsigned reached = 0;

  reach_crowd(kind);
  reach_remember();
  host_store_strict(true);
  for (unsigned i = 0; i < reach_count; i++) {
    sighook_spec spec = spec_for(&reaches[i], 0, false);

    memset(placed, 0, sizeof placed);
    REQUIRE(sighook_install(&spec, &placed[0].hook) == SIGHOOK_OK);
    placed[0].stands = true;
    reached += reach_stands(&reaches[i], kind);
    check_all_ways(&reaches[i]);
    place(&reaches[i], 1, true);
    check_all_ways(&reaches[i]);
    take_away(0);
    check_all_ways(&reaches[i]);
    take_away(1);
    reach_require_unchanged(&reaches[i]);
  }
  printf("%u of %u sites reach over others\n", reached, reach_count);
}

/* ---- the tests: each in a child for each kind ---- */

#define EVERY(X)                                                            \
  X(hooks_on_boundaries_go_in_any_order, go_in_any_order)                   \
  X(what_is_hooked_itself_is_no_boundary, hooked_ones_stay)                 \
  X(functions_may_replace_what_begins_at_a_boundary, replace_at_boundaries) \
  X(a_forked_child_has_its_own, fork_with_hooks)                            \
  X(strict_stores_are_right_too, store_strictly)

EVERY(KINDS_DEFINE)

int main(void)
{
  const struct CMUnitTest tests[] = {EVERY(KINDS_LIST)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
