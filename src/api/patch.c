/* sighook/patch.h: the plain calls, which own one hook an address. */
#include "api/boundary.h"

#include "core/core.h"
#include "core/patched.h"
#include "core/plan.h"
#include "host/host.h"
#include "os/memory.h"
#include "patch/writers.h"

/* The first four bytes that stood at `address` before us. Under the lock. */
static sighook_status read_opcode(uintptr_t address, uint32_t *opcode, struct error *error)
{
  uint8_t bytes[4] = {0};
  struct plan plan;
  sighook_status status = plan_open(&plan, error);

  if (status)
    return status;
  status = plan_check_mapping(&plan, address, error);
  if (!status && !plan_read_original(&plan, address, bytes, sizeof bytes))
    status = writers_unreadable(&plan.text, address, error);
  plan_close(&plan);
  if (!status)
    *opcode = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
  return status;
}

/* The hooked or patched site at the address, or NULL: what merely gave way to another one was hooked by nobody. */
static struct site *own_site(uintptr_t address)
{
  struct site *site = site_covering(address);

  return site && site->address == address && (!site->stub || site->hooks) ? site : NULL;
}

static struct hook *plain_hook(uintptr_t address)
{
  struct site *site = site_covering(address);

  if (!site || site->address != address || !site->stub)
    return NULL;
  for (struct hook *hook = site->hooks; hook; hook = hook->next)
    if (hook->role & HOOK_PLAIN)
      return hook;
  return NULL;
}

/* Installs a plain hook in place of the plain one that is there. Under the lock. */
static sighook_status install(sighook_spec *spec, uint32_t *original, struct error *error)
{
  struct request requests[2] = {{.removal = true}, {.plain = true, .spec = *spec}};
  struct hook *old = plain_hook(spec->address);
  uint32_t opcode;
  sighook_status status = read_opcode(spec->address, &opcode, error);

  if (status)
    return status;
  if (old && old->kind == SIGHOOK_REPLACE && spec->kind == SIGHOOK_REPLACE)
    return error_set(error, SIGHOOK_UNSUPPORTED, spec->address, "%#lx is replaced already: chains of replacements are not "
                     "supported yet", spec->address);
  requests[0].hook = old;
  status = transact(old ? requests : requests + 1, old ? 2 : 1, NULL, error);
  if (!status && original)
    *original = opcode;
  return status;
}

static sighook_status plain(sighook_spec spec, uint32_t *original)
{
  sighook_spec checked;
  struct error error;
  sighook_status status = api_copy_spec(&checked, &spec, &error);

  if (!status && !(status = core_enter(&error))) {
    status = install(&checked, original, &error);
    core_leave();
  }
  return api_finish(status, &error);
}

static sighook_status plain_callback(sighook_kind kind, uintptr_t address, sighook_callback callback, uint32_t *original)
{
  struct error error;

  if (!callback)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, address, "the callback is NULL"), &error);
  return plain((sighook_spec){.size = sizeof(sighook_spec),
                              .kind = kind,
                              .address = address,
                              .handler = host_call_callback,
                              .user = (void *)callback},
               original);
}

API sighook_status sighook_instrument(uintptr_t address, sighook_callback callback, uint32_t *original)
{
  return plain_callback(SIGHOOK_PROBE, address, callback, original);
}

API sighook_status sighook_instrument_no_original(uintptr_t address, sighook_callback callback, uint32_t *original)
{
  return plain_callback(SIGHOOK_PROBE_SKIP, address, callback, original);
}

API sighook_status sighook_inline_hook(uintptr_t function, const void *replacement, void **call_original, uint32_t *original)
{
  return plain((sighook_spec){.size = sizeof(sighook_spec),
                              .kind = SIGHOOK_REPLACE,
                              .address = function,
                              .replacement = replacement,
                              .call_original = call_original},
               original);
}

API sighook_status sighook_patch_bytes(uintptr_t address, const void *bytes, size_t length, void *original)
{
  struct error error;
  sighook_status status = SIGHOOK_OK;

  if (!bytes || !length)
    status = error_set(&error, SIGHOOK_BAD_ARGUMENT, address, bytes ? "the length is zero" : "the bytes are NULL");
  else if (!address)
    status = error_set(&error, SIGHOOK_BAD_ADDRESS, 0, "the address is NULL");
  if (!status && !(status = core_enter(&error))) {
    status = patched_write(address, bytes, length, original, &error);
    core_leave();
  }
  return api_finish(status, &error);
}

API sighook_status sighook_patchcode(uintptr_t address, uint32_t opcode, uint32_t *original)
{
  uint8_t bytes[4] = {(uint8_t)opcode, (uint8_t)(opcode >> 8), (uint8_t)(opcode >> 16), (uint8_t)(opcode >> 24)};
  uint8_t old[4];
  sighook_status status = sighook_patch_bytes(address, bytes, sizeof bytes, old);

  if (!status && original)
    *original = old[0] | (uint32_t)old[1] << 8 | (uint32_t)old[2] << 16 | (uint32_t)old[3] << 24;
  return status;
}

static sighook_status not_hooked(uintptr_t address, struct error *error)
{
  return error_set(error, SIGHOOK_NOT_FOUND, address, "nothing of ours is at %#lx", address);
}

API sighook_status sighook_original_opcode(uintptr_t address, uint32_t *opcode)
{
  struct error error;
  struct site *site;
  sighook_status status;

  if (!opcode)
    return api_finish(error_set(&error, SIGHOOK_BAD_ARGUMENT, address, "opcode is NULL"), &error);
  status = core_enter(&error);
  if (status)
    return api_finish(status, &error);
  site = own_site(address);
  status = site ? read_opcode(address, opcode, &error) : not_hooked(address, &error);
  core_leave();
  return api_finish(status, &error);
}

/* Under the lock. */
static sighook_status unhook(uintptr_t address, struct error *error)
{
  struct site *site = own_site(address);
  struct request *requests;
  size_t count = 0, size;
  sighook_status status;

  if (!site)
    return not_hooked(address, error);
  if (!site->stub)
    return patched_restore(site, error);
  for (struct hook *hook = site->hooks; hook; hook = hook->next)
    count++;
  size = page_up(count * sizeof *requests, os_page_size());
  requests = os_allocate(size);
  if (!requests)
    return error_memory(error, address, "no memory to remove %zu hooks", count);
  count = 0;
  for (struct hook *hook = site->hooks; hook; hook = hook->next)
    requests[count++] = (struct request){.removal = true, .hook = hook};
  status = transact(requests, count, NULL, error);
  os_free(requests, size);
  return status;
}

API sighook_status sighook_unhook(uintptr_t address)
{
  struct error error;
  sighook_status status = core_enter(&error);

  if (!status) {
    status = unhook(address, &error);
    core_leave();
  }
  return api_finish(status, &error);
}
