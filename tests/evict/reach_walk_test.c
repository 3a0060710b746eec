/* Hooks on any instructions of the functions, the sites, what gives way and their neighbours, come and go by chance, alone and in
 * batches: while threads run all of it and branch to what gives way; and so that the same is done after each byte that the
 * library writes to code, and around each change of a page's protection, so that nothing hangs on when threads come by. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "hooks.h"
#include "isa/x86_64/insn.h"
#include "kinds.h"
#include "looks.h"
#include "reach.h"

enum { STEPS = 2500, STEPS_LOOKED_INTO = 2000, LONGER = 20, LEFT = 8, THREADS = 2,
       ARGUMENT = 5, INSTRUCTIONS = 16, BATCH = 6, RET = 0xC3, BYTES = 64 };

static uint64_t seed;

static struct instruction {
  uintptr_t address;
  bool run;                           /* on the way from the function's start */
  bool hooked;
  sighook_hook hook;
  long hits;
} instructions[REACH_MAX][INSTRUCTIONS];
static unsigned counts[REACH_MAX];
static uint8_t before[REACH_MAX][BYTES];

static void add(unsigned which, uintptr_t address, bool run)
{
  REQUIRE(counts[which] < INSTRUCTIONS);
  instructions[which][counts[which]++] = (struct instruction){.address = address, .run = run};
}

/* Up to the function's return, and what gives way behind it. */
static void list(unsigned which)
{
  const struct reach *reach = &reaches[which];
  uintptr_t at = (uintptr_t)reach->function;
  uint8_t first;

  memcpy(before[which], (const void *)at, BYTES);
  do {
    bool never = reach->count > reach->run && at >= (uintptr_t)reach->boundaries[reach->run] &&
                 at <= (uintptr_t)reach->boundaries[reach->count - 1];

    first = *(const uint8_t *)at;
    add(which, at, !never);
    at += x64_length((const uint8_t *)at, X64_INSN_MAX);
  } while (first != RET);
  for (unsigned i = reach->run; i < reach->count; i++)
    if ((uintptr_t)reach->boundaries[i] >= at)
      add(which, (uintptr_t)reach->boundaries[i], false);
}

/* By every way. */
static bool is_right(const struct reach *reach)
{
  bool right = reach->function(ARGUMENT) == reach_expected(ARGUMENT) && reach->function(-ARGUMENT) == reach_expected(-ARGUMENT);

  for (unsigned i = 0; i < reach->count; i++)
    right &= reach_enter(reach->boundaries[i], ARGUMENT, reach->words[i + 1]) == reach_expected(ARGUMENT);
  return right;
}

/* ---- threads ---- */

static atomic_bool stop;
static atomic_ulong wrong;

static void *run_all(void *unused)
{
  while (!atomic_load_explicit(&stop, memory_order_relaxed))
    for (unsigned i = 0; i < reach_count; i++)
      if (!is_right(&reaches[i]))
        atomic_fetch_add(&wrong, 1);
  return unused;
}

/* ---- a look at each state ---- */

static const struct reach *changing;
static unsigned long looks;

static void look(void)
{
  looks++;
  REQUIRE(is_right(changing));
}

/* ---- steps ---- */

static _Thread_local bool counting;

static void hit(sighook_context *context, void *user)
{
  (void)context;
  if (counting)
    ++*(long *)user;
}

static void toggle(sighook_batch *batch, struct instruction *instruction)
{
  static const uint32_t flags[] = {0, 0, SIGHOOK_INTEGER_ONLY, SIGHOOK_COUNT};
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = flags[random_next(&seed) % (sizeof flags / sizeof *flags)],
                       .address = instruction->address,
                       .handler = hit,
                       .user = &instruction->hits};

  if (instruction->hooked)
    REQUIRE(sighook_batch_remove(batch, instruction->hook) == SIGHOOK_OK);
  else
    REQUIRE(sighook_batch_install(batch, &spec, &instruction->hook) == SIGHOOK_OK);
  instruction->hooked = !instruction->hooked;
}

static void check(unsigned which)
{
  for (unsigned i = 0; i < counts[which]; i++)
    instructions[which][i].hits = 0;
  counting = true;
  REQUIRE(reaches[which].function(ARGUMENT) == reach_expected(ARGUMENT));
  counting = false;
  for (unsigned i = 0; i < counts[which]; i++) {
    const struct instruction *instruction = &instructions[which][i];

    if (instruction->hits == (instruction->hooked && instruction->run))
      continue;
    fprintf(stderr, "%s+%lu: %ld hits\n", reaches[which].name, instruction->address - (uintptr_t)reaches[which].function,
            instruction->hits);
    _exit(1);
  }
}

static unsigned reached;

static void step(void)
{
  unsigned which = (unsigned)(random_next(&seed) % reach_count), size = 1;
  bool all = random_next(&seed) % 8 == 0, chosen[INSTRUCTIONS] = {0};
  sighook_batch *batch;

  changing = &reaches[which];
  if (random_next(&seed) % 2)
    size += (unsigned)(random_next(&seed) % BATCH);
  for (unsigned i = 0; i < size; i++)
    chosen[random_next(&seed) % counts[which]] = true;
  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < counts[which]; i++)
    if (all ? instructions[which][i].hooked : chosen[i])
      toggle(batch, &instructions[which][i]);
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
  reached += reach_stands(&reaches[which], kind);
  check(which);
  if (all)
    REQUIRE(memcmp(before[which], (const void *)(uintptr_t)reaches[which].function, BYTES) == 0);
}

static void walk(unsigned steps)
{
  if (getenv("SIGHOOK_LONG"))
    steps *= LONGER;
  for (unsigned i = 0; i < steps; i++)
    step();
  printf("%u steps, after %u of them a jump reached over all that it can\n", steps, reached);
}

static void prepare(void)
{
  reach_crowd(kind);
  for (unsigned i = 0; i < reach_count; i++)
    list(i);
}

static void walk_beside_threads(void)
{
  pthread_t threads[THREADS];

  prepare();
  for (unsigned i = 0; i < THREADS; i++)
    REQUIRE(pthread_create(&threads[i], NULL, run_all, NULL) == 0);
  walk(STEPS);
  atomic_store(&stop, true);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  REQUIRE(atomic_load(&wrong) == 0 && reached > 0);
}

static void walk_and_look(bool in_phases, unsigned left)
{
  struct code nearby = {.low = (uintptr_t)reaches[0].site, .high = (uintptr_t)reaches[0].site};

  prepare();
  if (left)
    code_crowd(&nearby, left, seed);
  changing = &reaches[0];
  looks_begin(look, 0, in_phases ? UINTPTR_MAX : 0);
  walk(STEPS_LOOKED_INTO);
  printf("%lu looks\n", looks);
  REQUIRE(looks > 0 && reached > 0);
}

static void walk_looking(void)
{
  walk_and_look(false, 0);
}

/* Where islands seldom find room, so that entries cannot follow what they lean on. */
static void walk_in_a_crowd(void)
{
  walk_and_look(false, LEFT);
}

static void walk_in_phases(void)
{
  walk_and_look(true, 0);
}

#define EVERY(X)                                                      \
  X(hooks_come_and_go_by_chance_beside_threads, walk_beside_threads)  \
  X(each_state_on_the_way_is_right, walk_looking)                     \
  X(each_state_in_a_crowded_space_is_right, walk_in_a_crowd)          \
  X(each_state_is_right_where_all_is_done_in_phases, walk_in_phases)
EVERY(KINDS_DEFINE)

static int start(void **state)
{
  (void)state;
  seed = random_seed();
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {EVERY(KINDS_LIST)};

  return cmocka_run_group_tests(tests, start, NULL);
}
