/* Hook records in slabs that are never freed, so that a stale handle is looked up safely. */
#include "core/hook.h"

#include <stddef.h>
#include "core/heap.h"
#include "core/tally.h"
#include "os/memory.h"

enum { SLAB = 1024, SLABS_MAX = 1 << 14 };

static struct hook *slabs[SLABS_MAX];
static uint32_t used;                 /* indices handed out so far */
static struct hook *free_hooks;

static struct hook *at(uint32_t index)
{
  return &slabs[index / SLAB][index % SLAB];
}

struct hook *hook_take(void)
{
  struct hook *hook = free_hooks;

  if (hook) {
    free_hooks = hook->next;
    *hook = (struct hook){.index = hook->index, .generation = hook->generation};
    return hook;
  }
  if (used == SLAB * SLABS_MAX)
    return NULL;
  if (!slabs[used / SLAB] && !(slabs[used / SLAB] = os_allocate(SLAB * sizeof *hook)))
    return NULL;
  hook = at(used);
  hook->index = used++;
  hook->generation = 1;
  return hook;
}

void hook_untake(struct hook *hook)
{
  if (hook->count)
    heap_give(hook->count, sizeof *hook->count);
  hook->generation++;
  hook->site = NULL;
  hook->count = NULL;
  hook->next = free_hooks;
  free_hooks = hook;
}

static void release(struct retired *item)
{
  struct hook *hook = (struct hook *)((char *)item - offsetof(struct hook, retired));

  hook->next = free_hooks;
  free_hooks = hook;
}

void hook_retire(struct hook *hook)
{
  if (hook->count)
    heap_give(hook->count, sizeof *hook->count);
  hook->generation++;
  hook->role = 0;
  lifetime_retire(&hook->retired, release);
}

/* A handle is generation << 32 | index + 1; a hook that was removed has a newer generation than any handle. */
struct hook *hook_find(sighook_hook handle)
{
  uint32_t index = (uint32_t)handle.id - 1;

  if (!(uint32_t)handle.id || index >= used || at(index)->generation != handle.id >> 32)
    return NULL;
  return at(index);
}

sighook_hook hook_handle(const struct hook *hook)
{
  return (sighook_hook){(uint64_t)hook->generation << 32 | (hook->index + 1)};
}

void hook_link(struct hook *hook)
{
  struct hook **link = &hook->site->hooks;

  while (*link && (*link)->priority >= hook->priority)
    link = &(*link)->next;
  hook->next = *link;
  *link = hook;
}

void hook_unlink(struct hook *hook)
{
  struct hook **link = &hook->site->hooks;

  while (*link && *link != hook)       /* a child may find it unlinked and not retired yet */
    link = &(*link)->next;
  if (*link)
    *link = hook->next;
}

static struct hook_count site_count(const struct hook *hook)
{
  struct counter sum = tally_sum((uint32_t)hook->site->counter);

  return (struct hook_count){sum.hits, sum.missed};
}

bool hook_stays(const struct site *site)
{
  for (const struct hook *hook = site->hooks; hook; hook = hook->next)
    if (!(hook->role & HOOK_LEAVING))
      return true;
  return false;
}

struct hook_count hook_counted(const struct hook *hook)
{
  struct hook_count now;

  if (!hook->count)
    return (struct hook_count){0};
  if (!(hook->role & HOOK_ENABLED))
    return *hook->count;
  now = site_count(hook);
  return (struct hook_count){now.hits - hook->count->hits, now.missed - hook->count->missed};
}

void hook_set_enabled(struct hook *hook, bool enabled)
{
  /* While enabled, `count` is what the site had counted less what this hook had; while disabled, what this hook had. */
  if (hook->count) {
    struct hook_count own = hook_counted(hook), now = site_count(hook);

    *hook->count = enabled ? (struct hook_count){now.hits - own.hits, now.missed - own.missed} : own;
  }
  hook->role = enabled ? hook->role | HOOK_ENABLED : hook->role & ~(unsigned)HOOK_ENABLED;
}

struct hook *hook_after(const struct hook *hook)
{
  for (uint32_t index = hook ? hook->index + 1 : 0; index < used; index++)
    if (at(index)->role & HOOK_LIVE)
      return at(index);
  return NULL;
}

void hook_abandon(void)
{
  free_hooks = NULL;
}
