/* Hooks come and go at random in the code of libraries that two threads are running all the while: one by one and in batches,
 * removed in any order, with everything from counters to replacements. Every result is compared; at the end every byte is what
 * it was. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "hooks.h"
#include "jobs.h"

enum { POOL = 1500, LIVE_MAX = 500, BATCH_MAX = 40, WORKERS = 2, SECONDS = 6, SECONDS_LONG = 120, LEFT = 6,
       LOOK_EVERY = 60, ROW = 12 };

static unsigned long (*const jobs[])(void) = {job_compress, job_expand, job_text, job_memory, job_cipher};
enum { JOBS = sizeof jobs / sizeof *jobs };
static unsigned long truth[JOBS];

static struct code libz, libc;
static uint64_t seed;
static uintptr_t pool[POOL];
static size_t pool_count;
static sighook_hook live[LIVE_MAX + BATCH_MAX];
static size_t live_count;
static atomic_bool stop;
static atomic_ulong wrong, runs, hits;
static unsigned long evictions, refusals, changes, replacements;

/* ---- the work ---- */

static void *work(void *number)
{
  for (unsigned i = (unsigned)(uintptr_t)number; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
    if (jobs[i % JOBS]() != truth[i % JOBS])
      atomic_fetch_add(&wrong, 1);
    atomic_fetch_add(&runs, 1);
  }
  return NULL;
}

static void count_hit(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  atomic_fetch_add_explicit(&hits, 1, memory_order_relaxed);
}

/* In place of any function: it goes on with the original. */
extern const uint8_t replacement[];
void *replaced_original;
__asm__(".text\n.globl replacement\nreplacement: jmp *replaced_original(%rip)\n");

/* ---- what is hooked ---- */

static void add(const struct code *code, uint32_t first, uint32_t count)
{
  for (uint32_t i = first; i < code->count && i < first + count && pool_count < POOL; i++)
    pool[pool_count++] = code->low + code->starts[i];
}

static void add_function(const char *name)
{
  uintptr_t address = (uintptr_t)dlsym(RTLD_DEFAULT, name);

  if (address >= libc.low && address < libc.high)
    add(&libc, code_index(&libc, address), ROW);
}

static void fill_pool(void)
{
  add_function("qsort");
  add_function("strtoul");
  add_function("snprintf");
  add_function("malloc");
  add_function("free");
  while (pool_count < POOL)
    add(&libz, (uint32_t)(random_next(&seed) % libz.count), random_next(&seed) % 4 ? 1 : ROW);
  pool_count = keep_hookable(pool, pool_count);
  REQUIRE(pool_count > POOL / 2);
}

static sighook_spec random_spec(void)
{
  static const uint32_t flags[] = {0, 0, 0, SIGHOOK_COUNT, SIGHOOK_COUNT, SIGHOOK_INTEGER_ONLY, SIGHOOK_FORCE_TRAP,
                                   SIGHOOK_NO_PUN};
  uint32_t chosen = flags[random_next(&seed) % (sizeof flags / sizeof *flags)];

  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .address = pool[random_next(&seed) % pool_count],
                        .flags = chosen,
                        .handler = chosen & SIGHOOK_COUNT ? NULL : count_hit};
}

/* ---- changes ---- */

/* Only what asks for no pun may be refused: others' entries may have been made to lean on it already. */
static void refused(bool may)
{
  sighook_error error = {.size = sizeof error};

  sighook_last_error(&error);
  if (!may || !strstr(error.message, "leans on other"))
    fprintf(stderr, "%s\n", error.message);
  REQUIRE(may && strstr(error.message, "leans on other"));
  refusals++;
}

static void look_at(sighook_hook hook)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
  evictions += info.entry == SIGHOOK_ENTRY_EVICTED;
}

static void install_one(void)
{
  sighook_spec spec = random_spec();
  sighook_hook hook;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK) {
    refused(spec.flags & SIGHOOK_NO_PUN);
    return;
  }
  look_at(hook);
  live[live_count++] = hook;
}

static sighook_hook take_live(void)
{
  size_t i = random_next(&seed) % live_count;
  sighook_hook hook = live[i];

  live[i] = live[--live_count];
  return hook;
}

static void remove_one(void)
{
  if (live_count)
    REQUIRE(sighook_remove(take_live()) == SIGHOOK_OK);
}

/* Installs and removes, in one batch. */
static void change_many(unsigned installs, unsigned removals)
{
  static sighook_hook come[BATCH_MAX], gone[BATCH_MAX];
  sighook_batch *batch;
  bool may_refuse = false;
  unsigned leaving = 0;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < installs; i++) {
    sighook_spec spec = random_spec();

    may_refuse |= (spec.flags & SIGHOOK_NO_PUN) != 0;
    REQUIRE(sighook_batch_install(batch, &spec, &come[i]) == SIGHOOK_OK);
  }
  while (leaving < removals && live_count) {
    gone[leaving] = take_live();
    REQUIRE(sighook_batch_remove(batch, gone[leaving++]) == SIGHOOK_OK);
  }
  if (sighook_batch_commit(batch, NULL) == SIGHOOK_OK) {
    for (unsigned i = 0; i < installs; i++) {
      look_at(come[i]);
      live[live_count++] = come[i];
    }
  } else {
    refused(may_refuse);
    while (leaving)
      live[live_count++] = gone[--leaving];
  }
  sighook_batch_destroy(batch);
}

static void replace_and_give_back(void)
{
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_REPLACE,
                       .address = libz.low + libz.starts[libz.entries[random_next(&seed) % libz.entry_count]],
                       .replacement = replacement,
                       .call_original = &replaced_original};
  sighook_hook hook;

  if (sighook_install(&spec, &hook) != SIGHOOK_OK)
    return;
  replacements++;
  REQUIRE(sighook_remove_wait(hook, 10000) == SIGHOOK_OK || sighook_remove(hook) != SIGHOOK_OK);
}

static void change(void)
{
  unsigned kind = (unsigned)(random_next(&seed) % 16), many = 1 + (unsigned)(random_next(&seed) % BATCH_MAX);

  changes++;
  if (live_count >= LIVE_MAX)
    change_many(0, BATCH_MAX);
  else if (kind < 5)
    install_one();
  else if (kind < 9)
    remove_one();
  else if (kind < 11)
    change_many(many, 0);
  else if (kind < 13)
    change_many(0, many);
  else if (kind < 15)
    change_many(1 + many / 2, 1 + many / 2);
  else
    replace_and_give_back();
}

static void remove_everything(void)
{
  while (live_count)
    if (random_next(&seed) % 2)
      remove_one();
    else
      change_many(0, 1 + (unsigned)(random_next(&seed) % BATCH_MAX));
  REQUIRE(code_is_pristine(&libz));
  REQUIRE(code_is_pristine(&libc));
}

static double now(void)
{
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stress(void)
{
  double end = now() + (getenv("SIGHOOK_LONG") ? SECONDS_LONG : SECONDS);
  pthread_t workers[WORKERS];
  struct tally tally = {0};

  code_crowd(&libz, LEFT, seed);
  fill_pool();
  for (uintptr_t i = 0; i < WORKERS; i++)
    REQUIRE(pthread_create(&workers[i], NULL, work, (void *)i) == 0);
  while (now() < end) {
    change();
    if (changes % LOOK_EVERY == 0) {
      invariant_check(&libz, libz.low, libz.high, &tally);
      REQUIRE(tally.broken == 0);
    }
    if (changes % (LOOK_EVERY * 8) == 0)
      remove_everything();
  }
  remove_everything();
  atomic_store(&stop, true);
  for (unsigned i = 0; i < WORKERS; i++)
    pthread_join(workers[i], NULL);
  printf("%lu changes, %lu evictions, %lu replacements, %lu refused; %lu jobs, %lu hits; %u mappings\n",
         changes, evictions, replacements, refusals, atomic_load(&runs), atomic_load(&hits), count_mappings());
  REQUIRE(atomic_load(&wrong) == 0);
  REQUIRE(evictions > 0 && atomic_load(&hits) > 0);
}

static void hooks_come_and_go_beside_running_jobs(void **state)
{
  (void)state;
  assert_true(in_child(stress));
}

static int start(void **state)
{
  (void)state;
  seed = random_seed();
  if (!jobs_start(1, 1) || !code_find(&libz, "libz.so.1") || !code_find(&libc, "libc.so.6"))
    return 1;
  for (unsigned i = 0; i < JOBS; i++)
    truth[i] = jobs[i]();
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(hooks_come_and_go_beside_running_jobs)};

  return cmocka_run_group_tests(tests, start, NULL);
}
