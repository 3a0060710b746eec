/* sighook/hook.h: hooks with a handle. */
#include "api/boundary.h"

#include "core/core.h"
#include "core/lifetime.h"
#include "core/plan.h"
#include "core/reason.h"
#include "core/traps.h"

API sighook_status sighook_install(const sighook_spec *spec, sighook_hook *hook)
{
  struct request request = {0};
  struct error error;
  sighook_status status = api_copy_spec(&request.spec, spec, &error);

  if (!status && !(status = core_enter(&error))) {
    status = transact(&request, 1, NULL, &error);
    if (!status && hook)
      *hook = hook_handle(request.hook);
    core_leave();
  }
  return api_finish(status, &error);
}

static sighook_status set_enabled(sighook_hook handle, bool enabled)
{
  struct error error;
  struct hook *hook;
  sighook_status status = core_enter(&error);

  if (status)
    return api_finish(status, &error);
  status = api_find(handle, &hook, &error);
  if (!status)
    status = publish_enabled(hook, enabled, &error);
  core_leave();
  return api_finish(status, &error);
}

API sighook_status sighook_enable(sighook_hook hook)
{
  return set_enabled(hook, true);
}

API sighook_status sighook_disable(sighook_hook hook)
{
  return set_enabled(hook, false);
}

static sighook_status remove_hook(sighook_hook handle, struct error *error)
{
  struct request request = {.removal = true};
  sighook_status status = core_enter(error);

  if (status)
    return status;
  status = api_find(handle, &request.hook, error);
  if (!status)
    status = transact(&request, 1, NULL, error);
  core_leave();
  return status;
}

API sighook_status sighook_remove(sighook_hook hook)
{
  struct error error;

  return api_finish(remove_hook(hook, &error), &error);
}

API sighook_status sighook_remove_wait(sighook_hook hook, unsigned timeout_ms)
{
  struct error error;
  sighook_status status = remove_hook(hook, &error);

  if (!status)
    status = lifetime_wait(timeout_ms, &error);
  return api_finish(status, &error);
}

API sighook_status sighook_call_original(sighook_hook handle, void **call_original)
{
  struct error error;
  struct hook *hook;
  sighook_status status;

  if (!call_original)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "call_original is NULL"), &error);
  status = core_enter(&error);
  if (status)
    return api_finish(status, &error);
  status = api_find(handle, &hook, &error);
  if (!status)
    *call_original = (void *)site_original(hook->site);
  core_leave();
  return api_finish(status, &error);
}

static sighook_status check_info(const sighook_info *info, struct error *error)
{
  if (!info)
    return error_set(error, SIGHOOK_BAD_ARGUMENT, 0, "info is NULL");
  if (info->size < sizeof *info)
    return error_set(error, SIGHOOK_BAD_STRUCT_SIZE, 0, "sighook_info.size is %zu: the smallest known is %zu", info->size,
                     sizeof *info);
  return SIGHOOK_OK;
}

API sighook_status sighook_query(sighook_hook handle, sighook_info *info)
{
  struct error error;
  struct hook *hook;
  sighook_status status = check_info(info, &error);

  if (!status && !(status = core_enter(&error))) {
    status = api_find(handle, &hook, &error);
    if (!status) {
      api_fill_info(info, hook->site, hook);
      if (!site_stands(hook->site))
        api_tell_gone(info);
    }
    core_leave();
  }
  return api_finish(status, &error);
}

/* Under the lock. */
static sighook_status check(const sighook_spec *spec, sighook_info *info, struct error *error)
{
  struct plan plan;
  struct site draft;
  sighook_status status = plan_open(&plan, error);

  if (status)
    return status;
  status = site_check(&plan, spec, &draft, error);
  plan_close(&plan);
  if (!status && (spec->flags & SIGHOOK_REQUIRE_BRANCH) && draft.entry == SIGHOOK_ENTRY_TRAP)
    status = error_set(error, SIGHOOK_NO_NEAR_MEMORY, spec->address, "only a trap fits at %#lx: %s", spec->address,
                       reason_text(draft.reason));
  if (!status && !site_in_place(&draft))
    status = traps_check(&draft, error);
  if (!status) {
    info->kind = spec->kind;
    info->flags = spec->flags;
    api_fill_info(info, &draft, NULL);
  }
  return status;
}

API sighook_status sighook_check(const sighook_spec *given, sighook_info *info)
{
  struct error error;
  sighook_spec spec;
  sighook_status status = api_copy_spec(&spec, given, &error);

  if (!status)
    status = check_info(info, &error);
  if (!status && !(status = core_enter(&error))) {
    status = check(&spec, info, &error);
    core_leave();
  }
  return api_finish(status, &error);
}

API sighook_status sighook_each(int (*visit)(sighook_hook, const sighook_info *, void *user), void *user)
{
  struct error error;
  const struct hook *hook = NULL;
  sighook_status status = visit ? SIGHOOK_OK : error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "visit is NULL");

  while (!status) {
    sighook_info info = {.size = sizeof info};
    sighook_hook handle;

    status = core_enter(&error);       /* not held across the visit, which may remove hooks */
    if (status)
      break;
    hook = hook_after(hook);
    if (hook) {
      handle = hook_handle(hook);
      api_fill_info(&info, hook->site, hook);
    }
    core_leave();
    if (!hook || visit(handle, &info, user))
      return SIGHOOK_OK;
  }
  return api_finish(status, &error);
}
