/* Threads that change hooks: each has hooks of its own on what all run. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include "chance.h"
#include "soak.h"
#include "soak_machine.h"

enum { HOOKS = 24, BATCH = 5, WAIT_MS = 20 };

struct changer {
  struct {
    sighook_hook hook;
    bool stands;
  } slots[HOOKS];
  unsigned long hits;
};

static unsigned long changes;

unsigned long soak_changes(void)
{
  return __atomic_load_n(&changes, __ATOMIC_RELAXED);
}

static void count(sighook_context *context, void *user)
{
  (void)context;
  __atomic_fetch_add((unsigned long *)user, 1, __ATOMIC_RELAXED);
}

/* On target 0 alone, and one at a time, since a replacement calls what it replaced. */
static long (*original)(long);
static pthread_mutex_t replacing = PTHREAD_MUTEX_INITIALIZER;

static long instead(long value)
{
  return original(value) + 1000;
}

static uint32_t any_flags(uint64_t *chance)
{
  static const uint32_t flags[] = {0, 0, SIGHOOK_FORCE_TRAP, SIGHOOK_COUNT, SIGHOOK_SAVE_X87, SIGHOOK_ALLOW_RECURSION,
                                   SIGHOOK_START_DISABLED};

  return flags[random_next(chance) % (sizeof flags / sizeof *flags)];
}

static sighook_spec any_spec(struct changer *changer, uint64_t *chance)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = count, .user = &changer->hits};

  spec.flags = any_flags(chance);
  spec.priority = (int)(random_next(chance) % 3);
  switch (random_next(chance) % 8) {
  case 0:
    spec.address = (uintptr_t)soak_throws_plain;
    spec.handler = random_next(chance) % 2 ? soak_throw_it : count;
    break;
  case 1:
    spec.address = (uintptr_t)soak_jumps_plain;
    spec.handler = random_next(chance) % 2 ? soak_jump_out : count;
    break;
  case 2:
    spec.address = (uintptr_t)soak_throwing;
    break;
  case 3:
    spec.address = (uintptr_t)soak_load;
    break;
  default:
    spec.address = (uintptr_t)soak_targets[random_next(chance) % SOAK_TARGETS];
  }
  return spec;
}

static void toggle(struct changer *changer, uint64_t *chance)
{
  unsigned which = (unsigned)(random_next(chance) % HOOKS);
  sighook_spec spec = any_spec(changer, chance);

  if (changer->slots[which].stands)
    SOAK_REQUIRE(sighook_remove(changer->slots[which].hook) == SIGHOOK_OK);
  else
    SOAK_REQUIRE(sighook_install(&spec, &changer->slots[which].hook) == SIGHOOK_OK);
  changer->slots[which].stands = !changer->slots[which].stands;
}

static void remove_and_wait(struct changer *changer, uint64_t *chance)
{
  unsigned which = (unsigned)(random_next(chance) % HOOKS);
  sighook_status status;

  if (!changer->slots[which].stands)
    return;
  status = sighook_remove_wait(changer->slots[which].hook, WAIT_MS);
  SOAK_REQUIRE(status == SIGHOOK_OK || status == SIGHOOK_TIMED_OUT);
  changer->slots[which].stands = false;
}

static void switch_one(struct changer *changer, uint64_t *chance)
{
  unsigned which = (unsigned)(random_next(chance) % HOOKS);
  sighook_hook hook = changer->slots[which].hook;
  sighook_info info = {.size = sizeof info};

  if (!changer->slots[which].stands)
    return;
  SOAK_REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK && info.entry != SIGHOOK_ENTRY_NONE);
  SOAK_REQUIRE((random_next(chance) % 2 ? sighook_enable(hook) : sighook_disable(hook)) == SIGHOOK_OK);
}

static void batch_some(struct changer *changer, uint64_t *chance)
{
  unsigned first = (unsigned)(random_next(chance) % (HOOKS - BATCH));
  sighook_batch *batch;

  SOAK_REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = first; i < first + BATCH; i++) {
    sighook_spec spec = any_spec(changer, chance);

    if (changer->slots[i].stands)
      SOAK_REQUIRE(sighook_batch_remove(batch, changer->slots[i].hook) == SIGHOOK_OK);
    else
      SOAK_REQUIRE(sighook_batch_install(batch, &spec, &changer->slots[i].hook) == SIGHOOK_OK);
  }
  SOAK_REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
  for (unsigned i = first; i < first + BATCH; i++)
    changer->slots[i].stands = !changer->slots[i].stands;
}

static void replace(struct changer *changer, uint64_t *chance)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_REPLACE, .replacement = (const void *)(uintptr_t)instead};
  sighook_hook hook;

  (void)changer;
  if (pthread_mutex_trylock(&replacing) != 0)
    return;
  spec.address = (uintptr_t)soak_targets[0];
  spec.flags = random_next(chance) % 2 ? SIGHOOK_FORCE_TRAP : 0;
  spec.call_original = (void **)&original;    /* what those on their way still call, too */
  SOAK_REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK && sighook_remove(hook) == SIGHOOK_OK);
  pthread_mutex_unlock(&replacing);
}

static void patch(struct changer *changer, uint64_t *chance)
{
  static pthread_mutex_t patching = PTHREAD_MUTEX_INITIALIZER;

  (void)changer;
  (void)chance;
  if (pthread_mutex_trylock(&patching) != 0)
    return;
  SOAK_REQUIRE(sighook_patch_bytes((uintptr_t)soak_number, soak_patch, sizeof soak_patch, NULL) == SIGHOOK_OK);
  SOAK_REQUIRE(sighook_unhook((uintptr_t)soak_number) == SIGHOOK_OK);
  pthread_mutex_unlock(&patching);
}

struct changer *soak_new_changer(void)
{
  struct changer *changer = calloc(1, sizeof *changer);

  SOAK_REQUIRE(changer);
  return changer;
}

void soak_change(struct changer *changer, uint64_t *chance)
{
  static void (*const ways[])(struct changer *, uint64_t *) = {toggle,     toggle,     toggle,          toggle,  switch_one,
                                                               switch_one, batch_some, remove_and_wait, replace, patch};

  ways[random_next(chance) % (sizeof ways / sizeof *ways)](changer, chance);
  __atomic_fetch_add(&changes, 1, __ATOMIC_RELAXED);
}

void soak_stop_changing(struct changer *changer)
{
  for (unsigned i = 0; i < HOOKS; i++)
    if (changer->slots[i].stands)
      SOAK_REQUIRE(sighook_remove(changer->slots[i].hook) == SIGHOOK_OK);
  free(changer);
}

void soak_change_in_child(uint64_t *chance)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = count};
  unsigned long hits = 0;
  sighook_hook hook;

  spec.user = &hits;
  spec.flags = SIGHOOK_ALLOW_RECURSION;
  spec.address = (uintptr_t)soak_targets[random_next(chance) % SOAK_TARGETS];
  SOAK_REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  for (unsigned i = 0; i < SOAK_TARGETS; i++)
    soak_check_target(i, 7);
  SOAK_REQUIRE(hits == 1 && sighook_remove(hook) == SIGHOOK_OK);
}
