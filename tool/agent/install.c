/* Hooking the sites that the command asked for. What cannot be had as a branch gets a trap if the program cannot block its signal
 * (see signals.h), and else is left alone, with the reason: it would kill a thread that blocks SIGTRAP, as C libraries do in places. */
#include <stdio.h>
#include <string.h>
#include <dlfcn.h>
#include <sighook/sighook.h>
#include "address_set.h"
#include "addresses.h"
#include "agent.h"
#include "os/memory.h"
#include "signals.h"

enum { SITE_FLAGS = SIGHOOK_COUNT | SIGHOOK_INTEGER_ONLY, COMMITS_MAX = 8 };

/* Private to one installation. */
struct installation {
  struct channel_image *image;
  uint32_t flags;                      /* of every spec */
  uint64_t *addresses;                 /* of each site; 0: left out */
  sighook_hook *hooks;
  uint32_t *members;                   /* of the batch: which site */
  struct address_set seen;
};

static void refuse(struct channel_image *image, uint32_t index)
{
  struct channel_site *site = &image->sites[index];
  sighook_error error = {.size = sizeof error};
  char reason[CHANNEL_REASON];
  size_t length;

  sighook_last_error(&error);
  site->answer = ANSWER_REFUSED;
  site->status = (uint16_t)error.status;
  if (image->wild && error.status == SIGHOOK_NO_NEAR_MEMORY)
    snprintf(reason, sizeof reason, "%s; no trap, since %s may block its signal", error.message, (char *)image + image->wild);
  else
    snprintf(reason, sizeof reason, "%s", error.message);
  length = strlen(reason) + 1;
  if (image->reasons_used + length > image->size)
    return;
  site->reason = image->reasons_used;
  memcpy((char *)image + site->reason, reason, length);
  image->reasons_used += (uint32_t)length;
}

static sighook_spec spec_of(const struct installation *work, uint32_t index)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .flags = work->flags, .address = work->addresses[index]};
}

/* Plain functions first: where an IFUNC chose one that was asked for by its own name, that name has it. */
static void find_addresses(struct installation *work, bool ifuncs)
{
  struct channel_site *sites = work->image->sites;

  for (uint32_t i = 0; i < work->image->site_count; i++) {
    uint64_t address;

    if ((sites[i].is_ifunc != 0) != ifuncs)
      continue;
    address = module_bias(sites[i].module) + sites[i].offset;
    if (ifuncs) {
      struct ifunc_target chosen = ifunc_target(address);

      address = chosen.address;
      sites[i].target = chosen.offset;
      sites[i].target_module = chosen.module;
    }
    sites[i].answer = ANSWER_HOOKED;
    if (!address) {
      sites[i].answer = ANSWER_REFUSED;
      sites[i].status = SIGHOOK_NOT_FOUND;
    } else if (address_set_add(&work->seen, address)) {
      work->addresses[i] = address;
    } else {
      sites[i].answer = ANSWER_SAME;
    }
  }
}

/* False where the batch could not be had; a site that is to blame is left out of the next one. */
static bool commit(struct installation *work)
{
  uint32_t count = 0;
  size_t failed_at;
  sighook_batch *batch;
  sighook_status status;

  if (sighook_batch_create(&batch) != SIGHOOK_OK)
    return false;
  for (uint32_t i = 0; i < work->image->site_count; i++) {
    sighook_spec spec = spec_of(work, i);

    if (!work->addresses[i])
      continue;
    if (sighook_batch_install(batch, &spec, &work->hooks[i]) == SIGHOOK_OK) {
      work->members[count++] = i;
    } else {
      refuse(work->image, i);
      work->addresses[i] = 0;
    }
  }
  failed_at = count;
  status = sighook_batch_commit(batch, &failed_at);
  if (status != SIGHOOK_OK && failed_at < count) {
    refuse(work->image, work->members[failed_at]);
    work->addresses[work->members[failed_at]] = 0;
  }
  sighook_batch_destroy(batch);
  return status == SIGHOOK_OK;
}

static void install_singly(struct installation *work)
{
  for (uint32_t i = 0; i < work->image->site_count; i++) {
    sighook_spec spec = spec_of(work, i);

    if (!work->addresses[i] || sighook_install(&spec, &work->hooks[i]) == SIGHOOK_OK)
      continue;
    refuse(work->image, i);
    work->addresses[i] = 0;
  }
}

/* The kinds of entries that the sites would get, a bit each; those that get nothing are left out. */
static unsigned foresee(struct installation *work)
{
  unsigned kinds = 0;

  for (uint32_t i = 0; i < work->image->site_count; i++) {
    sighook_spec spec = spec_of(work, i);
    sighook_info info = {.size = sizeof info};

    if (!work->addresses[i])
      continue;
    if (sighook_check(&spec, &info) == SIGHOOK_OK) {
      kinds |= 1u << info.entry;
      continue;
    }
    refuse(work->image, i);
    work->addresses[i] = 0;
  }
  return kinds;
}

/* Traps only where the program's threads cannot block them. */
static bool decide(struct installation *work)
{
  const unsigned trap = 1u << SIGHOOK_ENTRY_TRAP, evicted = 1u << SIGHOOK_ENTRY_EVICTED;     /* jumps that may have boundaries */
  unsigned kinds = foresee(work);
  bool traps = (kinds & (trap | evicted)) && guard_masks(work->image);

  if (traps || work->image->force_trap)
    return traps;
  work->flags |= SIGHOOK_REQUIRE_BRANCH;
  if (kinds & trap)
    foresee(work);
  return false;
}

static void install_all(struct installation *work)
{
  for (unsigned i = 0; i < COMMITS_MAX; i++)
    if (commit(work))
      return;
  install_singly(work);
}

static void settle(struct installation *work)
{
  for (uint32_t i = 0; i < work->image->site_count; i++) {
    struct channel_site *site = &work->image->sites[i];
    sighook_info info = {.size = sizeof info};

    if (!work->addresses[i])
      continue;
    if (!counters_number(work->hooks[i], &site->counter) || sighook_query(work->hooks[i], &info) != SIGHOOK_OK)
      refuse(work->image, i);
    site->entry = (uint8_t)info.entry;
  }
}

/* A process has one thread more than it starts: how many, tells a counter of our own, unless they are counted anyway. */
static void count_threads(const struct installation *work)
{
  struct channel_image *image = work->image;
  sighook_spec spec = {.size = sizeof spec,
                       .kind = SIGHOOK_PROBE,
                       .flags = SITE_FLAGS | SIGHOOK_REQUIRE_BRANCH,
                       .address = (uintptr_t)dlsym(RTLD_NEXT, "pthread_create")};
  sighook_hook hook;
  uint32_t number;

  for (uint32_t i = 0; i < image->site_count; i++)
    if (work->addresses[i] == spec.address && spec.address) {
      image->thread_counter = image->sites[i].counter + 1;
      return;
    }
  if (spec.address && sighook_install(&spec, &hook) == SIGHOOK_OK && counters_number(hook, &number))
    image->thread_counter = number + 1;
}

bool install_sites(struct channel_image *image)
{
  uint32_t count = image->site_count;
  struct installation work = {.image = image, .flags = SITE_FLAGS | (image->force_trap ? SIGHOOK_FORCE_TRAP : 0), .seen.size = count * 2 + 1};
  size_t size = count * (sizeof *work.addresses + sizeof *work.hooks + sizeof *work.members) +
                work.seen.size * sizeof *work.seen.slots;

  bool traps;

  if (!count)
    return false;
  size = page_up(size, os_page_size());
  work.addresses = os_allocate(size);
  if (!work.addresses)
    return false;
  work.hooks = (sighook_hook *)(work.addresses + count);
  work.seen.slots = (uint64_t *)(work.hooks + count);
  work.members = (uint32_t *)(work.seen.slots + work.seen.size);
  find_addresses(&work, false);
  find_addresses(&work, true);
  traps = decide(&work);
  install_all(&work);
  settle(&work);
  count_threads(&work);
  os_free(work.addresses, size);
  return traps;
}
