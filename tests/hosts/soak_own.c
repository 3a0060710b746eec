/* Hooks of one runner on functions that it alone calls, by branch and by trap, beside all that the others do: no hit is lost or
 * made up, and nothing is looked at after a removal that has been waited for. */
#include "chance.h"
#include "soak.h"

enum { SITES = 2, CALLS = 40, LAST = 16, WAIT_MS = 50 };

struct site {
  long (*target)(long value);
  uint32_t flags;
  bool probed, counts;
  sighook_hook probe, counter;
  struct soak_seen seen[LAST];        /* one an installation; what was poisoned stays so for a while */
  unsigned turn;
  unsigned long calls;                /* since the installation */
};

struct own {
  struct site sites[SITES];
  bool stands;
};

static unsigned long waits, poisonings;

void soak_see(sighook_context *context, void *user)
{
  (void)context;
  SOAK_REQUIRE(__atomic_fetch_add(&((struct soak_seen *)user)->hits, 1, __ATOMIC_RELAXED) < SOAK_POISON);
}

bool soak_remove_wait(sighook_hook hook, struct soak_seen *seen, uint32_t timeout_ms)
{
  sighook_status status = sighook_remove_wait(hook, timeout_ms);

  SOAK_REQUIRE(status == SIGHOOK_OK || status == SIGHOOK_TIMED_OUT);
  __atomic_fetch_add(&waits, 1, __ATOMIC_RELAXED);
  if (status != SIGHOOK_OK)
    return false;
  __atomic_store_n(&seen->hits, SOAK_POISON, __ATOMIC_RELAXED);
  __atomic_fetch_add(&poisonings, 1, __ATOMIC_RELAXED);
  return true;
}

unsigned long soak_waits(unsigned long *in_vain)
{
  *in_vain = waits - poisonings;
  return waits;
}

static struct soak_seen *seen_now(struct site *site)
{
  return &site->seen[site->turn % LAST];
}

static void call(struct site *site, uint64_t *chance)
{
  unsigned count = (unsigned)(random_next(chance) % CALLS);

  for (unsigned i = 0; i < count; i++) {
    long value = (long)(random_next(chance) % 100000);

    SOAK_REQUIRE(site->target(value) == value * 5 + 3);
  }
  site->calls += count;
}

static void expect(struct site *site)
{
  sighook_info info = {.size = sizeof info};

  if (site->probed)
    SOAK_REQUIRE(seen_now(site)->hits == site->calls);
  if (!site->counts)
    return;
  SOAK_REQUIRE(sighook_query(site->counter, &info) == SIGHOOK_OK && info.hits == site->calls);
  SOAK_REQUIRE((info.entry == SIGHOOK_ENTRY_TRAP) == (site->flags != 0));
}

/* A handler that is off sees nothing. */
static void switch_off_and_on(struct site *site, uint64_t *chance)
{
  unsigned long calls = site->calls, hits = seen_now(site)->hits;

  SOAK_REQUIRE(sighook_disable(site->probe) == SIGHOOK_OK);
  call(site, chance);
  SOAK_REQUIRE(seen_now(site)->hits == hits);
  SOAK_REQUIRE(sighook_enable(site->probe) == SIGHOOK_OK);
  if (!site->counts)
    site->calls = calls;
  else
    __atomic_store_n(&seen_now(site)->hits, hits + site->calls - calls, __ATOMIC_RELAXED);
}

static void add(sighook_batch *batch, struct site *site, uint64_t *chance)
{
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = site->flags, .address = (uintptr_t)site->target};
  unsigned which = 1 + (unsigned)(random_next(chance) % 3);

  site->probed = which & 1;
  site->counts = which & 2;
  site->calls = 0;
  site->turn++;
  __atomic_store_n(&seen_now(site)->hits, 0, __ATOMIC_RELAXED);
  if (site->counts) {
    spec.flags = site->flags | SIGHOOK_COUNT;
    SOAK_REQUIRE(sighook_batch_install(batch, &spec, &site->counter) == SIGHOOK_OK);
  }
  spec.flags = site->flags;
  spec.handler = soak_see;
  spec.user = seen_now(site);
  if (site->probed)
    SOAK_REQUIRE(sighook_batch_install(batch, &spec, &site->probe) == SIGHOOK_OK);
}

static void take_away(sighook_batch *batch, struct site *site)
{
  if (site->counts)
    SOAK_REQUIRE(sighook_batch_remove(batch, site->counter) == SIGHOOK_OK);
  if (site->probed)
    SOAK_REQUIRE(sighook_batch_remove(batch, site->probe) == SIGHOOK_OK);
}

static void toggle(struct own *own, uint64_t *chance)
{
  sighook_batch *batch;

  SOAK_REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < SITES; i++)
    if (own->stands)
      take_away(batch, &own->sites[i]);
    else
      add(batch, &own->sites[i], chance);
  SOAK_REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
  own->stands = !own->stands;
}

/* Then the batch has less to take away. */
static void remove_first(struct site *site)
{
  if (!site->probed)
    return;
  site->probed = false;
  soak_remove_wait(site->probe, seen_now(site), WAIT_MS);
}

struct own *soak_new_own(unsigned runner)
{
  struct own *own = calloc(1, sizeof *own);

  SOAK_REQUIRE(own);
  for (unsigned i = 0; i < SITES; i++) {
    own->sites[i].target = soak_own_targets[(runner * SITES + i) % SOAK_OWN_TARGETS];
    own->sites[i].flags = i ? SIGHOOK_FORCE_TRAP : 0;
  }
  return own;
}

void soak_run_own(struct own *own, uint64_t *chance)
{
  struct site *site = &own->sites[random_next(chance) % SITES];

  if (random_next(chance) % 4 == 0) {
    toggle(own, chance);
  } else if (own->stands && site->probed) {
    if (random_next(chance) % 4 == 0)
      switch_off_and_on(site, chance);
    else if (random_next(chance) % 4 == 0)
      remove_first(site);
  }
  for (unsigned i = 0; i < SITES; i++) {
    call(&own->sites[i], chance);
    if (own->stands)
      expect(&own->sites[i]);
  }
}

/* Late handlers need what they look at: it is kept. */
void soak_end_own(struct own *own, uint64_t *chance)
{
  if (own->stands)
    toggle(own, chance);
}
