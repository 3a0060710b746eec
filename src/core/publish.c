/* Publishing what a hit runs: pointers stored in an order that keeps every hit between two stores right. */
#include "core/publish.h"

#include <stddef.h>
#include "core/dispatch.h"
#include "core/heap.h"
#include "core/tally.h"
#include "host/host.h"

static bool takes_part(const struct hook *hook)
{
  return (hook->role & HOOK_ENABLED) && !(hook->role & HOOK_LEAVING);
}

static size_t chain_size(uint32_t count)
{
  return sizeof(struct chain) + count * sizeof(struct hook *);
}

static void release_chain(struct retired *item)
{
  struct chain *chain = (struct chain *)((char *)item - offsetof(struct chain, retired));

  heap_give(chain, chain_size(chain->count));
}

static struct chain *build_chain(const struct site *site, uint32_t count)
{
  struct chain *chain = heap_take(chain_size(count));
  uint32_t filled = 0;

  if (!chain)
    return NULL;
  chain->action = (struct action){.handler = dispatch_chain, .argument = chain, .is_chain = 1};
  chain->site = (struct site *)site;
  chain->count = count;
  for (struct hook *hook = site->hooks; hook; hook = hook->next)
    if (takes_part(hook))
      chain->hooks[filled++] = hook;
  return chain;
}

/* Which registers the hooks together need saved. A counting part in the stub falls back on a full capture, whose counter may
 * take memory from the system or from outside. */
static enum save_class class_of(const struct site *site)
{
  enum save_class class = CLASS_INTEGER;

  for (const struct hook *hook = site->hooks; hook; hook = hook->next) {
    enum save_class needed = hook->flags & SIGHOOK_SAVE_X87 ? CLASS_FULL : CLASS_INTEGER;

    if (!takes_part(hook))
      continue;
    if ((hook->action.handler && !(hook->flags & (SIGHOOK_INTEGER_ONLY | SIGHOOK_SAVE_X87))) ||
        ((hook->flags & SIGHOOK_COUNT) && (HOST_SYSCALLS_CLOBBER_VECTORS || tally_has_source())))
      needed = needed > CLASS_VECTOR ? needed : CLASS_VECTOR;
    class = needed > class ? needed : class;
  }
  return class;
}

sighook_status publish_prepare(const struct site *site, struct publication *publication, struct error *error)
{
  uint32_t count = 0;
  struct hook *only = NULL;
  enum save_class class = class_of(site);

  for (struct hook *hook = site->hooks; hook; hook = hook->next)
    if (takes_part(hook)) {
      only = hook;
      count++;
    }
  *publication = (struct publication){.path = host_path(site, PART_DISPLACED), .routine = host_routine(class)};
  if (!publication->routine)
    return error_set(error, SIGHOOK_UNSUPPORTED, site->address,
                     "this CPU has registers that are not saved here: only SIGHOOK_INTEGER_ONLY hooks are possible");
  if (!count)
    return SIGHOOK_OK;
  publication->path = host_path(site, PART_PROBE);
  if (count == 1 && only->kind == SIGHOOK_REPLACE && !(only->flags & SIGHOOK_COUNT) && host_path_may_leave(site)) {
    publication->path = (uintptr_t)only->action.argument;
    return SIGHOOK_OK;
  }
  if (count == 1 && only->kind == SIGHOOK_PROBE && !(only->flags & SIGHOOK_COUNT)) {
    publication->action = &only->action;
    publication->save_class = class;
    return SIGHOOK_OK;
  }
  if (count == 1 && only->kind == SIGHOOK_PROBE && !only->action.handler && site->count_offset)
    publication->path = host_path(site, PART_COUNT);
  publication->action = (struct action *)build_chain(site, count);
  if (!publication->action)
    return error_memory(error, site->address, "no memory for the hooks at %#lx", site->address);
  publication->save_class = class;
  return SIGHOOK_OK;
}

static bool only_counts(const struct hook *hook)
{
  return hook->kind == SIGHOOK_PROBE && !hook->action.handler && (hook->flags & SIGHOOK_COUNT);
}

uintptr_t publish_direct(const struct site *site)
{
  const struct hook *only = NULL;
  unsigned count = 0, counting = 0;

  for (const struct hook *hook = site->hooks; hook; hook = hook->next) {
    if (hook->role & HOOK_LEAVING)
      continue;
    only = hook;
    count++;
    counting += only_counts(hook);
  }
  if (count && counting == count && site->count_offset)
    return site->stub + site->count_offset;
  if (count != 1 || only->kind != SIGHOOK_REPLACE || !(only->role & HOOK_PLAIN) || (only->flags & SIGHOOK_COUNT) ||
      !host_entry_reaches(site, (uintptr_t)only->action.argument))
    return 0;
  return (uintptr_t)only->action.argument;
}

void publish_discard(struct publication *publication)
{
  if (publication->action && publication->action->is_chain)
    heap_give(publication->action, chain_size(((struct chain *)publication->action)->count));
}

void publish(struct site *site, const struct publication *publication)
{
  tagged_action tagged = publication->action ? (uintptr_t)publication->action | publication->save_class : NO_ACTION;
  tagged_action before = atomic_load_explicit(&site->action, memory_order_relaxed);
  struct action *old = action_of(before);

  /* A capture that finds an action it saves too little for starts again with site->routine, which therefore saves enough for
   * whichever action it may find: it comes first where more is to be saved than before, and else last. */
  if (publication->action && (!old || action_class(tagged) >= action_class(before)))
    atomic_store_explicit(&site->routine, publication->routine, memory_order_release);
  atomic_store_explicit(&site->action, tagged, memory_order_release);
  if (publication->action)
    atomic_store_explicit(&site->routine, publication->routine, memory_order_release);
  atomic_store_explicit(&site->path, publication->path, memory_order_release);
  if (old && old != publication->action && old->is_chain)
    lifetime_retire(&((struct chain *)old)->retired, release_chain);
}

sighook_status publish_enabled(struct hook *hook, bool enabled, struct error *error)
{
  struct publication publication;
  sighook_status status;

  if (enabled == ((hook->role & HOOK_ENABLED) != 0))
    return SIGHOOK_OK;
  hook_set_enabled(hook, enabled);
  status = publish_prepare(hook->site, &publication, error);
  if (status)
    hook_set_enabled(hook, !enabled);
  else
    publish(hook->site, &publication);
  return status;
}
