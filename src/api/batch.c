/* sighook/batch.h: many hooks as one. */
#include "api/boundary.h"

#include "core/core.h"
#include "os/memory.h"

struct batch_item {
  struct request request;
  sighook_hook removal;
  sighook_hook *installed;
};

struct sighook_batch {
  size_t count, room;
  struct batch_item *items;
};

static size_t items_size(size_t room)
{
  return page_up(room * sizeof(struct batch_item), os_page_size());
}

API sighook_status sighook_batch_create(sighook_batch **batch)
{
  struct error error;
  sighook_batch *made;

  if (!batch)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "batch is NULL"), &error);
  made = os_allocate(os_page_size());
  if (!made)
    return api_finish(error_memory(&error, 0, "no memory for a batch"), &error);
  *batch = made;
  return SIGHOOK_OK;
}

API void sighook_batch_destroy(sighook_batch *batch)
{
  if (!batch)
    return;
  if (batch->items)
    os_free(batch->items, items_size(batch->room));
  os_free(batch, os_page_size());
}

static sighook_status append(sighook_batch *batch, const struct batch_item *item, struct error *error)
{
  if (batch->count == batch->room) {
    size_t room = batch->room ? batch->room * 2 : 64;
    struct batch_item *larger = os_allocate(items_size(room));

    if (!larger)
      return error_memory(error, item->request.spec.address, "no memory for a batch of %zu", room);
    for (size_t i = 0; i < batch->count; i++)
      larger[i] = batch->items[i];
    if (batch->items)
      os_free(batch->items, items_size(batch->room));
    batch->items = larger;
    batch->room = room;
  }
  batch->items[batch->count++] = *item;
  return SIGHOOK_OK;
}

API sighook_status sighook_batch_install(sighook_batch *batch, const sighook_spec *spec, sighook_hook *hook)
{
  struct batch_item item = {.installed = hook};
  struct error error;
  sighook_status status = batch ? api_copy_spec(&item.request.spec, spec, &error)
                                : error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "batch is NULL");

  return api_finish(status ? status : append(batch, &item, &error), &error);
}

API sighook_status sighook_batch_remove(sighook_batch *batch, sighook_hook hook)
{
  struct batch_item item = {.request.removal = true, .removal = hook};
  struct error error;

  if (!batch)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "batch is NULL"), &error);
  return api_finish(append(batch, &item, &error), &error);
}

/* Handles to hooks; a handle that is stale, or named twice, is at fault. Under the lock. */
static sighook_status find_removals(sighook_batch *batch, struct request *requests, size_t *failed_at, struct error *error)
{
  sighook_status status = SIGHOOK_OK;
  size_t i;

  for (i = 0; i < batch->count && !status; i++) {
    requests[i] = batch->items[i].request;
    if (!requests[i].removal)
      continue;
    status = api_find(batch->items[i].removal, &requests[i].hook, error);
    if (!status && (requests[i].hook->role & HOOK_LEAVING))
      status = error_set(error, SIGHOOK_BAD_ARGUMENT, requests[i].hook->site->address, "the batch removes a hook twice");
    if (!status)
      requests[i].hook->role |= HOOK_LEAVING;
  }
  if (status)
    *failed_at = i - 1;
  for (size_t j = 0; j < i - (status != SIGHOOK_OK); j++)
    if (requests[j].removal)
      requests[j].hook->role &= ~(unsigned)HOOK_LEAVING;
  return status;
}

static sighook_status commit(sighook_batch *batch, size_t *failed_at, struct error *error)
{
  size_t size = page_up(batch->count * sizeof(struct request), os_page_size());
  struct request *requests = os_allocate(size);
  sighook_status status;

  if (!requests)
    return error_memory(error, 0, "no memory for a batch of %zu", batch->count);
  status = find_removals(batch, requests, failed_at, error);
  if (!status)
    status = transact(requests, batch->count, failed_at, error);
  for (size_t i = 0; !status && i < batch->count; i++)
    if (!requests[i].removal && batch->items[i].installed)
      *batch->items[i].installed = hook_handle(requests[i].hook);
  os_free(requests, size);
  return status;
}

API sighook_status sighook_batch_commit(sighook_batch *batch, size_t *failed_at)
{
  struct error error;
  size_t at = 0;
  sighook_status status = batch ? SIGHOOK_OK : error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "batch is NULL");

  if (status || !batch->count)
    return api_finish(status, &error);
  status = core_enter(&error);
  if (!status) {
    status = commit(batch, &at, &error);
    core_leave();
  }
  if (status && failed_at)
    *failed_at = at;
  if (!status)
    batch->count = 0;
  return api_finish(status, &error);
}

API sighook_status sighook_set_mapping_share(unsigned percent)
{
  struct error error;
  sighook_status status;

  if (percent > 100)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "%u percent is more than all", percent), &error);
  status = core_enter(&error);
  if (!status) {
    core_set_mapping_share(percent);
    core_leave();
  }
  return api_finish(status, &error);
}
