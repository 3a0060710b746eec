/* Threads that change hooks: each has hooks of its own on what all run. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include "chance.h"
#include "soak.h"
#include "soak_machine.h"

enum { HOOKS = 24, BATCH = 5, WAIT_MS = 20, LAST = 8 };

struct changer {
  struct {
    sighook_hook hook;
    bool stands;
    struct soak_seen seen[LAST];      /* one an installation in turn; what was poisoned stays so for a while */
    unsigned turn;
  } slots[HOOKS];
};

static unsigned long changes, hits_of_changers;

unsigned long soak_changes(void)
{
  return __atomic_load_n(&changes, __ATOMIC_RELAXED);
}

unsigned long soak_hits_of_changers(void)
{
  return __atomic_load_n(&hits_of_changers, __ATOMIC_RELAXED);
}

static struct soak_seen *seen_by(struct changer *changer, unsigned which)
{
  return &changer->slots[which].seen[changer->slots[which].turn % LAST];
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

/* For the slot, unless something stands there. */
static sighook_spec any_spec(struct changer *changer, unsigned which, uint64_t *chance)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = soak_see};

  if (!changer->slots[which].stands) {
    changer->slots[which].turn++;
    spec.user = seen_by(changer, which);
    __atomic_fetch_add(&hits_of_changers, __atomic_exchange_n(&seen_by(changer, which)->hits, 0, __ATOMIC_RELAXED) % SOAK_POISON,
                       __ATOMIC_RELAXED);
  }
  spec.flags = any_flags(chance);
  spec.priority = (int)(random_next(chance) % 3);
  switch (random_next(chance) % 8) {
  case 0:
    spec.address = (uintptr_t)soak_throws_plain;
    spec.handler = random_next(chance) % 2 ? soak_throw_it : soak_see;
    break;
  case 1:
    spec.address = (uintptr_t)soak_jumps_plain;
    spec.handler = random_next(chance) % 2 ? soak_jump_out : soak_see;
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
  sighook_spec spec = any_spec(changer, which, chance);

  if (changer->slots[which].stands)
    SOAK_REQUIRE(sighook_remove(changer->slots[which].hook) == SIGHOOK_OK);
  else
    SOAK_REQUIRE(sighook_install(&spec, &changer->slots[which].hook) == SIGHOOK_OK);
  changer->slots[which].stands = !changer->slots[which].stands;
}

static void remove_and_wait(struct changer *changer, uint64_t *chance)
{
  unsigned which = (unsigned)(random_next(chance) % HOOKS);

  if (!changer->slots[which].stands)
    return;
  soak_remove_wait(changer->slots[which].hook, seen_by(changer, which), WAIT_MS);
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
    sighook_spec spec = any_spec(changer, i, chance);

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

/* Late handlers need what they look at: it is kept. */
void soak_stop_changing(struct changer *changer)
{
  for (unsigned i = 0; i < HOOKS; i++)
    if (changer->slots[i].stands)
      SOAK_REQUIRE(sighook_remove(changer->slots[i].hook) == SIGHOOK_OK);
}

void soak_change_in_child(uint64_t *chance)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = soak_see};
  struct soak_seen seen = {0};
  sighook_hook hook;

  spec.user = &seen;
  spec.flags = SIGHOOK_ALLOW_RECURSION;
  spec.address = (uintptr_t)soak_targets[random_next(chance) % SOAK_TARGETS];
  SOAK_REQUIRE(sighook_install(&spec, &hook) == SIGHOOK_OK);
  for (unsigned i = 0; i < SOAK_TARGETS; i++)
    soak_check_target(i, 7);
  SOAK_REQUIRE(seen.hits == 1 && sighook_remove(hook) == SIGHOOK_OK);
}
