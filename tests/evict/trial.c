#define _GNU_SOURCE
#include "trial.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENT = 5, SHOWN = 16 };

struct trial trial;
static long hits;

static void count(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
}

const uint8_t *trial_code(void)
{
  return (const uint8_t *)(uintptr_t)trial.target->function;
}

void trial_begin(const struct target *target, unsigned taken)
{
  trial.target = target;
  trial.taken = taken;
  trial.broken = trial.starts[0] = (uintptr_t)target->site;
  trial.start_count = 1 + starts_behind(target, LEANED_MAX, trial.starts + 1);
  trial.runs = runs_on(target);
  memcpy(trial.original, trial_code(), TRIAL_BYTES);
  prey_crowd(target, taken);
}

uint8_t trial_byte_of(const uint8_t code[TRIAL_BYTES])
{
  return code[trial.broken - (uintptr_t)trial_code()];
}

uint8_t trial_own_byte(void)
{
  return trial_byte_of(trial.original);
}

void expect(bool condition, const char *what)
{
  if (condition)
    return;
  fprintf(stderr, "%s, %u forms taken, breakpoint at site%+ld: %s; reads", trial.target->name, trial.taken,
          (long)(trial.broken - (uintptr_t)trial.target->site), what);
  for (unsigned i = 0; i < SHOWN; i++)
    fprintf(stderr, " %02x", ((const volatile uint8_t *)trial.target->site)[i]);
  fprintf(stderr, "\n");
  _exit(1);
}

sighook_status try_install(uint32_t flags)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = flags, .address = (uintptr_t)trial.target->site, .handler = count};

  return sighook_install(&spec, &trial.hook);
}

void must_install(void)
{
  expect(try_install(trial.flags) == SIGHOOK_OK, "the hook is refused");
}

void must_remove(void)
{
  expect(sighook_remove(trial.hook) == SIGHOOK_OK, "the removal is refused");
}

void must_conflict(sighook_status status)
{
  expect(status == SIGHOOK_CONFLICT, "no conflict");
}

void must_read(const uint8_t code[TRIAL_BYTES], const char *what)
{
  expect(memcmp(trial_code(), code, TRIAL_BYTES) == 0, what);
}

void must_not_be_removed(void)
{
  uint8_t now[TRIAL_BYTES];

  memcpy(now, trial_code(), TRIAL_BYTES);
  must_conflict(sighook_remove(trial.hook));
  must_read(now, "a refused removal changed something");
}

void must_not_be_installed(void)
{
  static const uint32_t kinds[] = {0, SIGHOOK_FORCE_TRAP, SIGHOOK_NO_PUN};
  uint8_t now[TRIAL_BYTES], nop = 0x90;

  memcpy(now, trial_code(), TRIAL_BYTES);
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    must_conflict(try_install(kinds[i]));
  if (trial.target->next - trial.target->site == 1)
    must_conflict(sighook_patch_bytes((uintptr_t)trial.target->site, &nop, 1, NULL));
  must_read(now, "a refused installation changed something");
}

void must_call(long expected)
{
  hits = 0;
  expect(trial.target->function(ARGUMENT) == target_expected(ARGUMENT), "wrong result");
  expect(hits == expected, "a callback was lost, or called too often");
}

void must_be_restored(void)
{
  must_read(trial.original, "the code is not what it was");
  must_call(0);
}

bool trial_is_fragile(void)
{
  sighook_info info = {.size = sizeof info};

  expect(sighook_query(trial.hook, &info) == SIGHOOK_OK, "the hook is not known");
  return info.fragile;
}
