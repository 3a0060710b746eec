#include "hooks.h"

static void ignore(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
}

sighook_spec spec_of(uintptr_t address, uint32_t flags)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .address = address,
                        .flags = flags | SIGHOOK_INTEGER_ONLY,
                        .handler = ignore};
}

size_t keep_hookable(uintptr_t *addresses, size_t count)
{
  size_t kept = 0;

  for (size_t i = 0; i < count; i++) {
    sighook_spec spec = spec_of(addresses[i], 0);
    sighook_info info = {.size = sizeof info};

    if (sighook_check(&spec, &info) == SIGHOOK_OK)
      addresses[kept++] = addresses[i];
  }
  return kept;
}

static bool commit(sighook_batch *batch)
{
  sighook_error error = {.size = sizeof error};
  bool done = sighook_batch_commit(batch, NULL) == SIGHOOK_OK;

  if (!done) {
    sighook_last_error(&error);
    fprintf(stderr, "%s\n", error.message);
  }
  sighook_batch_destroy(batch);
  return done;
}

bool install_all(const uintptr_t *addresses, sighook_hook *hooks, size_t count, uint32_t flags)
{
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (size_t i = 0; i < count; i++) {
    sighook_spec spec = spec_of(addresses[i], flags);

    REQUIRE(sighook_batch_install(batch, &spec, &hooks[i]) == SIGHOOK_OK);
  }
  return commit(batch);
}

bool remove_all(const sighook_hook *hooks, size_t count)
{
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (size_t i = 0; i < count; i++)
    REQUIRE(sighook_batch_remove(batch, hooks[i]) == SIGHOOK_OK);
  return commit(batch);
}

struct tally require_invariant(const struct code *code, const char *when)
{
  struct tally tally = {0};

  invariant_check(code, code->low, code->high, &tally);
  printf("%s, %s: %lu unchanged, %lu branches, %lu punned, %lu evicting, %lu traps; %lu without hooks; "
         "%lu breakpoints tried, %lu fragile, %lu brittle\n",
         code->library.name, when, tally.unchanged, tally.branches, tally.puns, tally.evictions, tally.traps,
         tally.hookless, tally.breakpoints, tally.fragile, tally.brittle);
  fflush(stdout);
  REQUIRE(tally.broken == 0);
  return tally;
}
