#define _GNU_SOURCE
#include "scene.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "calls.h"
#include "look.h"
#include "require.h"

enum { ARGUMENT = 5, BEFORE = 16, AROUND = 48, EXTRAS = 3, SITES_MAX = PLACES_MAX + EXTRAS };

/* ---- how it looks ---- */

struct look {
  uint8_t code[SITES_MAX][AROUND];
  char permissions[SITES_MAX][PERMISSIONS];
  unsigned writable_code, descriptors;
};

static struct look untouched;         /* before any hook */
static long expected[PLACES_MAX];

static const uint8_t *site_of(unsigned index)
{
  long (*const extras[EXTRAS])(long) = {patched_within, patched_across, replaced};

  return index < place_count ? places[index].site : (const uint8_t *)(uintptr_t)extras[index - place_count];
}

static void look(struct look *look)
{
  uintptr_t addresses[SITES_MAX];

  memset(look, 0, sizeof *look);
  for (unsigned i = 0; i < place_count + EXTRAS; i++) {
    memcpy(look->code[i], site_of(i) - BEFORE, AROUND);
    addresses[i] = (uintptr_t)site_of(i);
  }
  look->writable_code = look_mappings(addresses, place_count + EXTRAS, look->permissions);
  look->descriptors = look_descriptors();
}

static bool is_same(const struct look *seen, const struct look *wanted, bool code_too)
{
  bool same = seen->writable_code == wanted->writable_code && seen->descriptors == wanted->descriptors;

  if (!same)
    fprintf(stderr, "%u writable mappings of code, %u descriptors\n", seen->writable_code, seen->descriptors);
  for (unsigned i = 0; i < place_count + EXTRAS; i++) {
    bool permissions = strcmp(seen->permissions[i], wanted->permissions[i]) == 0;
    bool code = !code_too || memcmp(seen->code[i], wanted->code[i], AROUND) == 0;

    if (!permissions || !code)
      fprintf(stderr, "%s: %s, %s\n", i < place_count ? places[i].name : "patched", seen->permissions[i],
              code ? "" : "other code");
    same &= permissions && code;
  }
  return same;
}

/* ---- how it runs ---- */

static void check_place(unsigned index)
{
  unsigned long before = now[index].seen;
  sighook_info info = {.size = sizeof info};

  REQUIRE(places[index].function(ARGUMENT) == expected[index]);
  if (now[index].seen - before != (now[index].here && now[index].enabled))
    fprintf(stderr, "%s: %lu more hits, hooked %d, enabled %d\n", places[index].name, now[index].seen - before, now[index].here,
            now[index].enabled);
  REQUIRE(now[index].seen - before == (now[index].here && now[index].enabled));
  now[index].hits += now[index].counted;
  if (!now[index].counted)
    return;
  REQUIRE(sighook_query(now[index].counter, &info) == SIGHOOK_OK);
  REQUIRE(info.hits == now[index].hits && info.missed == 0);
}

static void *use(void *unused)
{
  sighook_info info = {.size = sizeof info};
  sighook_status status = sighook_query(now[0].hook, &info);

  REQUIRE(status == (now[0].here ? SIGHOOK_OK : SIGHOOK_NOT_FOUND));
  return unused;
}

void scene_check(void)
{
  pthread_t other;

  for (unsigned i = 0; i < place_count; i++)
    check_place(i);
  REQUIRE(patched_within(ARGUMENT) == ARGUMENT + (code_now.within ? 2000 : 1000));
  REQUIRE(patched_across(ARGUMENT) == ARGUMENT + (code_now.across ? 2000 : 1000));
  REQUIRE(replaced(ARGUMENT) == ARGUMENT + (code_now.replaced ? 3000 : 1000));
  if (pthread_create(&other, NULL, use, NULL) == 0)      /* some systems here refuse threads */
    pthread_join(other, NULL);
}

/* ---- the row ---- */

void scene_start(void)
{
  look_start();
  look(&untouched);
  for (unsigned i = 0; i < place_count; i++)
    expected[i] = places[i].function(ARGUMENT);
}

sighook_info scene_info(unsigned place)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(now[place].hook, &info) == SIGHOOK_OK);
  return info;
}

unsigned scene_count(void)
{
  return call_count;
}

const char *scene_name(unsigned step)
{
  return calls[step].name;
}

bool scene_changes_code(unsigned step)
{
  return calls[step].changes_code;
}

enum scene_outcome scene_step(unsigned step, sighook_error *error)
{
  struct look before, after;
  sighook_status status;

  if (!call_is_possible(&calls[step]))
    return SCENE_SKIPPED;
  look(&before);
  status = calls[step].call(calls[step].argument);
  look(&after);
  error->size = sizeof *error;
  REQUIRE(sighook_last_error(error) == SIGHOOK_OK);
  if (!is_same(&after, &before, status != SIGHOOK_OK)) {
    fprintf(stderr, "%s %u: %d, %s\n", calls[step].name, calls[step].argument, status, error->message);
    _exit(1);
  }
  if (!status)
    return SCENE_DONE;
  REQUIRE(error->status == status && error->message[0]);
  return SCENE_REFUSED;
}

unsigned scene_early(void)
{
  sighook_error error;

  for (unsigned i = 0; i < CALLS_EARLY; i++)
    REQUIRE(scene_step(i, &error) == SCENE_DONE);
  for (unsigned i = 0; i < PLACES_EARLY; i++)
    REQUIRE(scene_info(i).entry == places[i].entry);
  scene_check();
  return CALLS_EARLY;
}

void scene_end(void)
{
  struct look after;

  for (unsigned i = 0; i < place_count; i++)
    REQUIRE(!now[i].here && !now[i].counted);
  look(&after);
  REQUIRE(is_same(&after, &untouched, true));
  scene_check();
}
