/* Transactions: requests -> hooks on sites -> what each site will run -> changes of code -> publication. */
#include "core/transact.h"

#include "codemem/arena.h"
#include "core/heap.h"
#include "core/leaning.h"
#include "core/plan.h"
#include "core/reason.h"
#include "core/tally.h"
#include "host/host.h"
#include "os/memory.h"
#include "patch/patch.h"
#include "table/table.h"
#include "trap/trap.h"

/* A site that the transaction touches. */
struct touched {
  struct site *site;
  struct publication publication;
  bool changes_code;
  uintptr_t landing;                  /* the site's before the transaction */
  uint8_t before[SITE_BYTES], after[SITE_BYTES];
  size_t request;                     /* the first that touched it, for blame */
};

struct transaction {
  struct request *requests;
  size_t count;
  struct plan plan;
  struct touched *touched;
  size_t touched_count;
  struct change *changes;
  size_t change_count;
  size_t failed_at;
  size_t memory_size;
};

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
    return error_set(error, SIGHOOK_NO_MEMORY, site->address, "no memory for a hook");
  hook->action.handler = spec->kind == SIGHOOK_REPLACE ? NULL : spec->handler;
  hook->action.argument = spec->kind == SIGHOOK_REPLACE ? (void *)spec->replacement : spec->user;
  hook->site = site;
  hook->flags = spec->flags;
  hook->kind = spec->kind;
  hook->priority = spec->priority;
  hook->role = request->plain ? HOOK_PLAIN : 0;
  if ((spec->flags & SIGHOOK_COUNT) && !(hook->count = heap_take(sizeof *hook->count))) {
    hook_untake(hook);
    return error_set(error, SIGHOOK_NO_MEMORY, site->address, "no memory for a hook");
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
  if ((flags & SIGHOOK_NO_PUN) && site->entry == SIGHOOK_ENTRY_PUNNED)
    return error_set(error, SIGHOOK_ALREADY_HOOKED, site->address, "%#lx is hooked already by an entry that leans on other "
                     "instructions", site->address);
  return SIGHOOK_OK;
}

static sighook_status add_hook(struct transaction *t, struct request *request, struct error *error)
{
  bool counting = request->spec.flags & SIGHOOK_COUNT;
  struct site *site;
  sighook_status status = site_obtain(&t->plan, &request->spec, &site, error);

  if (!status)
    status = satisfies(site, request->spec.flags, error);
  if (!status && counting && site->counter == SITE_NO_COUNTER && !tally_take(&site->counter))
    status = error_set(error, SIGHOOK_NO_MEMORY, site->address, "no further counters");
  if (!status)
    status = make_hook(request, site, error);
  if (!status && !site->touched) {
    site->touched = true;
    site->going_live = !site_in_place(site);
    t->touched[t->touched_count++] = (struct touched){.site = site, .request = (size_t)(request - t->requests)};
  }
  return status;
}

static void mark_removal(struct transaction *t, struct request *request)
{
  struct site *site = request->hook->site;

  request->hook->role |= HOOK_LEAVING;
  if (!site->touched) {
    site->touched = true;
    t->touched[t->touched_count++] = (struct touched){.site = site, .request = (size_t)(request - t->requests)};
  }
}

/* ---- code ---- */

static void plan_change(struct transaction *t, struct touched *touched)
{
  struct site *site = touched->site;
  bool live = site_in_place(site), wanted = hook_stays(site);
  uintptr_t direct = wanted ? publish_direct(site) : 0;

  touched->landing = site->landing;
  if (live == wanted && (site->entry != SIGHOOK_ENTRY_BRANCH || site->landing == direct))
    return;
  touched->changes_code = true;
  for (unsigned i = 0; i < site->length; i++)
    touched->before[i] = touched->after[i] = site->original[site->shift + i];
  if (live)
    host_entry_bytes(site, touched->before);
  if (site->entry == SIGHOOK_ENTRY_BRANCH)
    site->landing = direct;
  if (wanted)
    host_entry_bytes(site, touched->after);
  t->changes[t->change_count++] = (struct change){
      .address = site_place(site), .length = site->length, .before = touched->before, .after = touched->after};
}

/* Sites that were unmapped meanwhile need no bytes restored. */
static bool still_mapped(struct transaction *t, const struct site *site)
{
  struct error ignored;

  return plan_check_mapping(&t->plan, site->address, &ignored) == SIGHOOK_OK;
}

/* What leans on the changes follows, or becomes a trap: then other bytes stand there, on which again others lean. */
static sighook_status settle(struct transaction *t, struct error *error)
{
  sighook_status status = SIGHOOK_OK;
  bool parked = true;

  while (parked && !status) {
    parked = false;
    for (size_t i = 0; i < t->change_count && !status; i++)
      status = leaning_prepare(&t->plan, t->changes, t->change_count, i, &parked, error);
    for (size_t i = 0; i < t->touched_count && parked; i++)
      if (t->touched[i].changes_code && t->touched[i].site->entry == SIGHOOK_ENTRY_TRAP)
        host_entry_bytes(t->touched[i].site, t->touched[i].site->going_live ? t->touched[i].after : t->touched[i].before);
  }
  return status;
}

static sighook_status plan_code(struct transaction *t, struct error *error)
{
  sighook_status status;
  bool traps = HOST_LEAVES_BY_TRAP;

  for (size_t i = 0; i < t->touched_count; i++)
    if (t->touched[i].site->going_live || still_mapped(t, t->touched[i].site))
      plan_change(t, &t->touched[i]);
  if (t->change_count)
    patch_sort(t->changes, t->change_count);
  status = settle(t, error);
  for (size_t i = 0; i < t->touched_count; i++)
    traps |= t->touched[i].site->entry == SIGHOOK_ENTRY_TRAP;
  for (size_t i = 0; i < t->change_count; i++)
    traps |= !patch_is_single_store(&t->changes[i]);
  if (!status && traps)
    status = trap_start(error);
  return status;
}

static sighook_status change_code(struct transaction *t, struct error *error)
{
  sighook_status status = arena_flush(&t->plan.text, error);
  size_t at = 0;

  for (size_t i = 0; i < t->touched_count; i++)
    if (t->touched[i].site->going_live) {
      publish(t->touched[i].site, &t->touched[i].publication);
      atomic_store_explicit(&t->touched[i].site->state, SITE_LIVE, memory_order_release);
    }
  if (!status && t->change_count) {
    status = patch_apply(&t->plan.maps, &t->plan.text, t->changes, t->change_count, &at, error);
    if (status)
      for (size_t i = 0; i < t->touched_count; i++)
        if (site_place(t->touched[i].site) == t->changes[at].address)
          t->failed_at = t->touched[i].request;
  }
  return status;
}

/* ---- the whole ---- */

static void store_originals(struct transaction *t)
{
  for (size_t i = 0; i < t->count; i++) {
    const struct request *request = &t->requests[i];

    if (!request->removal && request->spec.kind == SIGHOOK_REPLACE && request->spec.call_original)
      *request->spec.call_original = (void *)site_original(request->hook->site);
  }
}

static void commit(struct transaction *t)
{
  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[i].site;

    if (!site->going_live)
      publish(site, &t->touched[i].publication);
    if (!hook_stays(site))
      atomic_store_explicit(&site->state, SITE_IDLE, memory_order_release);
    site->touched = site->going_live = false;
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

    if (t->touched[i].changes_code)
      site->landing = t->touched[i].landing;
    if (code_tried && site->going_live) {
      publish(site, &(struct publication){.path = host_path(site, PART_DISPLACED)});
      atomic_store_explicit(&site->state, SITE_IDLE, memory_order_release);
    } else {
      publish_discard(&t->touched[i].publication);
    }
    site->touched = site->going_live = false;
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

static sighook_status run(struct transaction *t, struct error *error)
{
  sighook_status status = SIGHOOK_OK;

  if (!table_reserve(t->count))
    return error_set(error, SIGHOOK_NO_MEMORY, 0, "no memory for the site table");
  for (size_t i = 0; i < t->count; i++)
    if (t->requests[i].removal)
      mark_removal(t, &t->requests[i]);
  for (size_t i = 0; i < t->count && !status; i++)
    if (!t->requests[i].removal) {
      t->failed_at = i;
      status = add_hook(t, &t->requests[i], error);
    }
  for (size_t i = 0; i < t->touched_count && !status; i++) {
    t->failed_at = t->touched[i].request;
    status = publish_prepare(t->touched[i].site, &t->touched[i].publication, error);
  }
  if (!status)
    status = plan_code(t, error);
  if (status) {
    roll_back(t, false);
    return status;
  }
  store_originals(t);
  status = change_code(t, error);
  if (status)
    roll_back(t, true);
  else
    commit(t);
  return status;
}

sighook_status transact(struct request *requests, size_t count, size_t *failed_at, struct error *error)
{
  static _Alignas(16) uint8_t small[16 * 1024];   /* under the lock; most transactions are of one hook */
  size_t size = sizeof(struct transaction) + count * (sizeof(struct touched) + sizeof(struct change));
  struct transaction *t = size <= sizeof small ? (struct transaction *)small : os_allocate(page_up(size, os_page_size()));
  sighook_status status;

  if (!count)
    return SIGHOOK_OK;
  if (!t)
    return error_set(error, SIGHOOK_NO_MEMORY, 0, "no memory to plan %zu hooks", count);
  t->requests = requests;
  t->count = count;
  t->touched_count = t->change_count = t->failed_at = 0;
  t->touched = (struct touched *)(t + 1);
  t->changes = (struct change *)(t->touched + count);
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
