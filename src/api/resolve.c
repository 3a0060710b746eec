/* sighook/resolve.h: names to addresses. */
#include "api/boundary.h"

#include "core/core.h"
#include "resolve/symbols.h"

API sighook_status sighook_resolve(const char *name, uintptr_t *address)
{
  struct error error;
  uintptr_t found;
  sighook_status status;

  if (!name || !address)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, 0, "%s is NULL", name ? "address" : "name"), &error);
  /* Not under our lock: the dynamic loader's is taken, and its holder may be waiting for ours. */
  core_ignore(1);
  status = symbols_resolve(name, &found, &error);
  core_ignore(-1);
  if (!status)
    *address = found;
  return api_finish(status, &error);
}

API sighook_status sighook_watch_modules(const sighook_module_watch *watch, sighook_watch *handle)
{
  struct error error;

  (void)watch;
  (void)handle;
  return api_finish(error_set(&error, SIGHOOK_UNSUPPORTED, 0, "watching modules is not supported yet"), &error);
}

API sighook_status sighook_unwatch_modules(sighook_watch handle)
{
  struct error error;

  (void)handle;
  return api_finish(error_set(&error, SIGHOOK_UNSUPPORTED, 0, "watching modules is not supported yet"), &error);
}
