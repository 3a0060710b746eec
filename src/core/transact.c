/* Transactions: requests -> hooks on sites -> what each site will run -> changes of code -> publication. */
#include "core/transaction.h"

#include "core/examine.h"
#include "core/heap.h"
#include "core/order.h"
#include "core/reason.h"
#include "core/tally.h"
#include "host/host.h"
#include "os/memory.h"
#include "table/table.h"

struct touched *transaction_touch(struct transaction *t, struct site *site, size_t request)
{
  struct touched *touched = &t->touched[t->touched_count];

  if (t->touched_count == t->touched_max)
    return NULL;
  site->touched = true;
  *touched = (struct touched){.site = site,
                              .publication = {.path = host_path(site, PART_DISPLACED)},
                              .landing = site->landing,
                              .request = request};
  t->touched_count++;
  return touched;
}

/* ---- hooks ---- */

static sighook_status no_second_replacement(const struct site *site, struct error *error)
{
  for (const struct hook *hook = site->hooks; hook; hook = hook->next)
    if (hook->kind == SIGHOOK_REPLACE && !(hook->role & HOOK_LEAVING))
      return error_set(error, SIGHOOK_UNSUPPORTED, site->address, "%#lx is replaced already: chains of replacements are not "
                       "supported yet", site->address);
  return SIGHOOK_OK;
}

static sighook_status make_hook(struct request *request, struct site *site, struct error *error)
{
  const sighook_spec *spec = &request->spec;
  struct hook *hook;

  if (spec->kind == SIGHOOK_REPLACE) {
    sighook_status status = no_second_replacement(site, error);

    if (status)
      return status;
  }
  hook = hook_take();
  if (!hook)
    return error_memory(error, site->address, "no memory for a hook");
  hook->action.handler = spec->kind == SIGHOOK_REPLACE ? NULL : spec->handler;
  hook->action.argument = spec->kind == SIGHOOK_REPLACE ? (void *)spec->replacement : spec->user;
  hook->site = site;
  hook->flags = spec->flags;
  hook->kind = spec->kind;
  hook->priority = spec->priority;
  hook->role = request->plain ? HOOK_PLAIN : 0;
  if ((spec->flags & SIGHOOK_COUNT) && !(hook->count = heap_take(sizeof *hook->count))) {
    hook_untake(hook);
    return error_memory(error, site->address, "no memory for a hook");
  }
  if (!(spec->flags & SIGHOOK_START_DISABLED))
    hook_set_enabled(hook, true);
  hook_link(hook);
  request->hook = hook;
  return SIGHOOK_OK;
}

static sighook_status satisfies(const struct site *site, uint32_t flags, struct error *error)
{
  if ((flags & SIGHOOK_REQUIRE_BRANCH) && site->entry == SIGHOOK_ENTRY_TRAP)
    return error_set(error, SIGHOOK_NO_NEAR_MEMORY, site->address, "only a trap fits at %#lx: %s", site->address,
                     reason_text(site->reason));
  if ((flags & SIGHOOK_NO_PUN) && (site->entry == SIGHOOK_ENTRY_PUNNED || site->entry == SIGHOOK_ENTRY_EVICTED))
    return error_set(error, SIGHOOK_ALREADY_HOOKED, site->address, "%#lx is hooked already by an entry that leans on other "
                     "instructions", site->address);
  return SIGHOOK_OK;
}

static sighook_status add_hook(struct transaction *t, size_t index, struct error *error)
{
  struct request *request = &t->requests[index];
  bool counting = request->spec.flags & SIGHOOK_COUNT;
  struct examination found;
  struct site *site;
  sighook_status status = site_obtain(&t->plan, &request->spec, &found, &site, error);

  if (!status && counting && site->counter == SITE_NO_COUNTER && !tally_take(&site->counter))
    status = error_set(error, SIGHOOK_NO_MEMORY, site->address, "no further counters");
  if (!status)
    status = make_hook(request, site, error);
  if (status)
    return status;
  if (!site->touched) {
    struct touched *touched = transaction_touch(t, site, index);

    site->going_live = !site_in_place(site);
    if (site->going_live)
      touched->choice = choice_by(&found, 0);
  }
  for (size_t i = t->touched_count; site->going_live && i-- > 0;)
    if (t->touched[i].site == site) {
      t->touched[i].choice.flags |= request->spec.flags;
      break;
    }
  return SIGHOOK_OK;
}

static void mark_removal(struct transaction *t, size_t index)
{
  struct hook *hook = t->requests[index].hook;

  hook->role |= HOOK_LEAVING;
  if (!hook->site->touched)
    transaction_touch(t, hook->site, index);
}

/* ---- the whole ---- */

static bool asks_for_original(const struct request *request)
{
  return !request->removal && request->spec.kind == SIGHOOK_REPLACE && request->spec.call_original;
}

static void store_originals(struct transaction *t)
{
  for (size_t i = 0; i < t->count; i++) {
    struct request *request = &t->requests[i];

    if (!asks_for_original(request))
      continue;
    request->untouched = *request->spec.call_original;
    *request->spec.call_original = (void *)site_original(request->hook->site);
  }
}

static void take_originals_back(struct transaction *t)
{
  for (size_t i = t->count; i-- > 0;)
    if (asks_for_original(&t->requests[i]))
      *t->requests[i].spec.call_original = t->requests[i].untouched;
}

static void commit(struct transaction *t)
{
  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[i].site;

    if (!site->going_live)
      publish(site, &t->touched[i].publication);
    if (site->leaving)
      atomic_store_explicit(&site->state, SITE_IDLE, memory_order_release);
    site->touched = site->going_live = site->leaving = false;
  }
  for (size_t i = 0; i < t->count; i++) {
    struct hook *hook = t->requests[i].hook;

    if (t->requests[i].removal) {
      hook_unlink(hook);
      hook_retire(hook);
    } else {
      hook->role |= HOOK_LIVE;
    }
  }
}

static void roll_back(struct transaction *t, bool code_tried)
{
  for (size_t i = 0; i < t->count; i++) {
    struct request *request = &t->requests[i];

    if (request->removal) {
      request->hook->role &= ~(unsigned)HOOK_LEAVING;
    } else if (request->hook) {
      hook_unlink(request->hook);
    }
  }
  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[i].site;

    if (!site->going_live)
      site->landing = t->touched[i].landing;
    if (code_tried && site->going_live) {
      publish(site, &(struct publication){.path = host_path(site, PART_DISPLACED)});
      atomic_store_explicit(&site->state, SITE_IDLE, memory_order_release);
    } else {
      publish_discard(&t->touched[i].publication);
    }
    site->touched = site->going_live = site->leaving = false;
  }
  for (size_t i = 0; i < t->count; i++)
    if (!t->requests[i].removal && t->requests[i].hook) {
      if (code_tried)
        hook_retire(t->requests[i].hook);
      else
        hook_untake(t->requests[i].hook);
      t->requests[i].hook = NULL;
    }
}

static uintptr_t address_of(const void *transaction, size_t index)
{
  return ((const struct transaction *)transaction)->requests[index].spec.address;
}

static sighook_status prepare(struct transaction *t, struct error *error)
{
  sighook_status status = SIGHOOK_OK;

  for (size_t i = 0; i < t->count; i++)
    if (t->requests[i].removal)
      mark_removal(t, i);
  order_by(t->order, t->count, address_of, t);       /* what is decoded around one serves the next */
  for (size_t i = 0; i < t->count && !status; i++)
    if (!t->requests[t->order[i]].removal) {
      t->failed_at = t->order[i];
      status = add_hook(t, t->order[i], error);
    }
  if (status)
    return status;
  rewrite_choose(t);
  for (size_t i = 0; i < t->count && !status; i++)
    if (!t->requests[i].removal) {
      t->failed_at = i;
      status = satisfies(t->requests[i].hook->site, t->requests[i].spec.flags, error);
    }
  for (size_t i = 0; i < t->touched_count && !status; i++) {
    t->failed_at = t->touched[i].request;
    status = publish_prepare(t->touched[i].site, &t->touched[i].publication, error);
  }
  return status ? status : rewrite_plan(t, error);
}

static sighook_status run(struct transaction *t, struct error *error)
{
  sighook_status status;

  if (!table_reserve(t->count))
    return error_memory(error, 0, "no memory for the site table");
  status = prepare(t, error);
  if (status) {
    roll_back(t, false);
    return status;
  }
  store_originals(t);
  status = rewrite_code(t, error);
  if (status) {
    take_originals_back(t);
    roll_back(t, true);
  } else {
    commit(t);
  }
  return status;
}

sighook_status transact(struct request *requests, size_t count, size_t *failed_at, struct error *error)
{
  static _Alignas(16) uint8_t small[64 * 1024];   /* under the lock; most transactions are of one hook */
  size_t room = (1 + VICTIMS_LISTED) * count + 200;   /* with victims taken and given back; a row of those may be longer */
  size_t size = sizeof(struct transaction) + room * (sizeof(struct touched) + sizeof(struct change) + sizeof(uint32_t));
  struct transaction *t = size <= sizeof small ? (struct transaction *)small : os_allocate(page_up(size, os_page_size()));
  sighook_status status;

  if (!count)
    return SIGHOOK_OK;
  if (!t)
    return error_memory(error, 0, "no memory to plan %zu hooks", count);
  t->requests = requests;
  t->count = count;
  t->touched_count = t->change_count = t->failed_at = 0;
  t->touched_max = room;
  t->touched = (struct touched *)(t + 1);
  t->changes = (struct change *)(t->touched + room);
  t->order = (uint32_t *)(t->changes + room);
  status = plan_open(&t->plan, error);
  if (!status) {
    t->plan.expected = count;
    status = run(t, error);
    plan_close(&t->plan);
  }
  if (status && failed_at)
    *failed_at = t->failed_at;
  if ((uint8_t *)t != small)
    os_free(t, page_up(size, os_page_size()));
  return status;
}
