/* The calls of a row, and what each of them changes. */
#include "calls.h"

#include <stddef.h>
#include "place.h"
#include "require.h"

enum { ARGUMENT = 5, WAIT_MS = 1000 };

struct place_state now[PLACES_MAX];
struct code_state code_now;

static void on_hit(sighook_context *context, void *user)
{
  (void)context;
  ++*(volatile unsigned long *)user;
}

static long stand_in(long value)
{
  return value + 3000;
}

static sighook_spec spec_of(unsigned index)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .flags = places[index].flags,
                        .address = (uintptr_t)places[index].site,
                        .handler = on_hit,
                        .user = (void *)&now[index].seen};
}

static sighook_status install(unsigned index)
{
  sighook_spec spec = spec_of(index);
  sighook_status status = sighook_install(&spec, &now[index].hook);

  if (!status)
    now[index].here = now[index].enabled = true;
  return status;
}

static sighook_status install_disabled(unsigned index)
{
  sighook_spec spec = spec_of(index);
  sighook_status status;

  spec.flags |= SIGHOOK_START_DISABLED;
  status = sighook_install(&spec, &now[index].hook);
  if (!status) {
    now[index].here = true;
    now[index].enabled = false;
  }
  return status;
}

static sighook_status add_counter(unsigned index)
{
  sighook_spec spec = spec_of(index);
  sighook_status status;

  spec.flags |= SIGHOOK_COUNT;
  spec.handler = NULL;
  status = sighook_install(&spec, &now[index].counter);
  if (!status) {
    now[index].counted = true;
    now[index].hits = 0;
  }
  return status;
}

static sighook_status remove_counter(unsigned index)
{
  sighook_status status = sighook_remove(now[index].counter);

  now[index].counted = now[index].counted && status;
  return status;
}

static sighook_status switch_off(unsigned index)
{
  sighook_status status = sighook_disable(now[index].hook);

  now[index].enabled = now[index].enabled && status;
  return status;
}

static sighook_status switch_on(unsigned index)
{
  sighook_status status = sighook_enable(now[index].hook);

  now[index].enabled = now[index].enabled || !status;
  return status;
}

static sighook_status query(unsigned index)
{
  sighook_info info = {.size = sizeof info};
  sighook_status status = sighook_query(now[index].hook, &info);

  REQUIRE(status || info.address == (uintptr_t)places[index].site);
  return status;
}

static sighook_status remove_one(unsigned index)
{
  sighook_status status = sighook_remove(now[index].hook);

  now[index].here = now[index].here && status;
  return status;
}

/* Where the wait is refused the hook is gone all the same. */
static sighook_status remove_and_wait(unsigned index)
{
  sighook_info info = {.size = sizeof info};
  sighook_status status = sighook_remove_wait(now[index].hook, WAIT_MS);

  now[index].here = sighook_query(now[index].hook, &info) == SIGHOOK_OK;
  REQUIRE(status || !now[index].here);
  return now[index].here ? status : SIGHOOK_OK;
}

static sighook_status check_all(unsigned unused)
{
  sighook_status status = SIGHOOK_OK;

  (void)unused;
  for (unsigned i = 0; i < place_count && !status; i++) {
    sighook_spec spec = spec_of(i);
    sighook_info info = {.size = sizeof info};

    status = sighook_check(&spec, &info);
  }
  return status;
}

/* All places from the given one on. */
static sighook_status install_batch(unsigned first)
{
  sighook_batch *batch;
  sighook_status status = sighook_batch_create(&batch);

  if (status)
    return status;
  for (unsigned i = first; i < place_count && !status; i++) {
    sighook_spec spec = spec_of(i);

    status = sighook_batch_install(batch, &spec, &now[i].hook);
  }
  if (!status)
    status = sighook_batch_commit(batch, NULL);
  sighook_batch_destroy(batch);
  for (unsigned i = first; i < place_count && !status; i++)
    now[i].here = now[i].enabled = true;
  return status;
}

static sighook_status remove_batch(unsigned first)
{
  sighook_batch *batch;
  sighook_status status = sighook_batch_create(&batch);

  if (status)
    return status;
  for (unsigned i = first; i < place_count && !status; i++)
    if (now[i].here)
      status = sighook_batch_remove(batch, now[i].hook);
  if (!status)
    status = sighook_batch_commit(batch, NULL);
  sighook_batch_destroy(batch);
  for (unsigned i = first; i < place_count && !status; i++)
    now[i].here = false;
  return status;
}

static sighook_status patch_one(unsigned unused)
{
  sighook_status status =
      sighook_patch_bytes((uintptr_t)patched_within, patch_within, (size_t)(patch_within_end - patch_within), NULL);

  (void)unused;
  code_now.within = code_now.within || !status;
  return status;
}

static sighook_status patch_several(unsigned unused)
{
  sighook_status status =
      sighook_patch_bytes((uintptr_t)patched_across, patch_across, (size_t)(patch_across_end - patch_across), NULL);

  (void)unused;
  code_now.across = code_now.across || !status;
  return status;
}

static sighook_status unpatch_one(unsigned unused)
{
  sighook_status status = sighook_unhook((uintptr_t)patched_within);

  (void)unused;
  code_now.within = code_now.within && status;
  return status;
}

static sighook_status unpatch_several(unsigned unused)
{
  sighook_status status = sighook_unhook((uintptr_t)patched_across);

  (void)unused;
  code_now.across = code_now.across && status;
  return status;
}

static sighook_status replace(unsigned unused)
{
  void *original = NULL;
  sighook_status status = sighook_inline_hook((uintptr_t)replaced, (const void *)stand_in, &original, NULL);

  (void)unused;
  code_now.replaced = code_now.replaced || !status;
  REQUIRE((original != NULL) == !status);
  REQUIRE(status || ((long (*)(long))original)(ARGUMENT) == ARGUMENT + 1000);
  return status;
}

static sighook_status unreplace(unsigned unused)
{
  sighook_status status = sighook_unhook((uintptr_t)replaced);

  (void)unused;
  code_now.replaced = code_now.replaced && status;
  return status;
}

/* ---- the row ---- */

#define EARLY 0
#define LATE PLACES_EARLY
#define CHANGE(name, call, needed, argument) {name, call, needed, true, argument}
#define EACH_LATE(name, call, needed)                                                                                \
  CHANGE(name, call, needed, LATE), CHANGE(name, call, needed, LATE + 1), CHANGE(name, call, needed, LATE + 2),      \
      CHANGE(name, call, needed, LATE + 3), CHANGE(name, call, needed, LATE + 4), CHANGE(name, call, needed, LATE + 5), \
      CHANGE(name, call, needed, LATE + 6), CHANGE(name, call, needed, LATE + 7)
const struct call calls[] = {
    {"install", install, NEEDS_PLACE, true, EARLY},
    {"install", install, NEEDS_PLACE, true, EARLY + 1},
    {"install", install, NEEDS_PLACE, true, EARLY + 2},
    {"install", install, NEEDS_PLACE, true, EARLY + 3},
    {"install", install, NEEDS_PLACE, true, EARLY + 4},
    {"count", add_counter, NEEDS_HOOK, false, EARLY},
    {"check", check_all, NEEDS_NOTHING, false, 0},
    EACH_LATE("install", install, NEEDS_PLACE),
    {"count", add_counter, NEEDS_PLACE, false, LATE},
    {"count", add_counter, NEEDS_PLACE, false, LATE + 3},
    {"query", query, NEEDS_HOOK, false, LATE},
    {"disable", switch_off, NEEDS_HOOK, false, EARLY},
    {"disable", switch_off, NEEDS_HOOK, false, LATE},
    {"enable", switch_on, NEEDS_HOOK, false, LATE},
    {"enable", switch_on, NEEDS_HOOK, false, EARLY},
    {"remove a counter", remove_counter, NEEDS_COUNTER, false, LATE},
    EACH_LATE("remove", remove_one, NEEDS_HOOK),
    {"install disabled", install_disabled, NEEDS_PLACE, true, LATE},
    {"enable", switch_on, NEEDS_HOOK, false, LATE},
    {"remove and wait", remove_and_wait, NEEDS_HOOK, true, LATE},
    {"patch", patch_one, NEEDS_NOTHING, true, 0},
    {"patch", patch_several, NEEDS_NOTHING, true, 0},
    {"replace", replace, NEEDS_NOTHING, true, 0},
    {"install a batch", install_batch, NEEDS_NOTHING, true, LATE},
    {"remove a batch", remove_batch, NEEDS_HOOK, true, LATE},
    {"unpatch", unpatch_one, NEEDS_WITHIN, true, 0},
    {"unpatch", unpatch_several, NEEDS_ACROSS, true, 0},
    {"unreplace", unreplace, NEEDS_REPLACED, true, 0},
    {"remove a counter", remove_counter, NEEDS_COUNTER, false, EARLY},
    {"remove a counter", remove_counter, NEEDS_COUNTER, false, LATE + 3},
    {"remove a batch", remove_batch, NEEDS_HOOK, true, EARLY},
};
const unsigned call_count = sizeof calls / sizeof *calls;

bool call_is_possible(const struct call *call)
{
  switch (call->needs) {
  case NEEDS_NOTHING:
    return true;
  case NEEDS_PLACE:
    return call->argument < place_count;
  case NEEDS_HOOK:
    return call->argument < place_count && now[call->argument].here;
  case NEEDS_COUNTER:
    return call->argument < place_count && now[call->argument].counted;
  case NEEDS_WITHIN:
    return code_now.within;
  case NEEDS_ACROSS:
    return code_now.across;
  case NEEDS_REPLACED:
    return code_now.replaced;
  }
  return false;
}
