/* Checking and copying what callers hand in, and filling what they get back. */
#include "api/boundary.h"

#include "core/reason.h"
#include "core/traps.h"
#include "host/host.h"
#include "os/modules.h"

enum {
  KNOWN_FLAGS = SIGHOOK_START_DISABLED | SIGHOOK_PREPATCHED | SIGHOOK_INTEGER_ONLY | SIGHOOK_FORCE_TRAP | SIGHOOK_REQUIRE_BRANCH |
                SIGHOOK_ALLOW_RECURSION | SIGHOOK_COUNT | SIGHOOK_SAVE_X87 | SIGHOOK_NO_PUN
};

sighook_status api_copy(void *to, size_t size, const void *from, const char *what, struct error *error)
{
  size_t given = *(const size_t *)from;

  if (given < size)
    return error_set(error, SIGHOOK_BAD_STRUCT_SIZE, 0, "%s.size is %zu: the smallest known is %zu", what, given, size);
  for (size_t i = size; i < given; i++)
    if (((const char *)from)[i])
      return error_set(error, SIGHOOK_BAD_STRUCT_SIZE, 0, "%s.size is %zu, and byte %zu, unknown to this version, is not zero",
                       what, given, i);
  for (size_t i = 0; i < size; i++)
    ((char *)to)[i] = ((const char *)from)[i];
  return SIGHOOK_OK;
}

static sighook_status check_flags(const sighook_spec *spec, struct error *error)
{
  const uint32_t flags = spec->flags;

  if (flags & ~(uint32_t)KNOWN_FLAGS)
    return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "unknown flags %#x", flags & ~(uint32_t)KNOWN_FLAGS);
  if ((flags & SIGHOOK_FORCE_TRAP) && (flags & SIGHOOK_REQUIRE_BRANCH))
    return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "SIGHOOK_FORCE_TRAP and SIGHOOK_REQUIRE_BRANCH exclude each other");
  if ((flags & SIGHOOK_INTEGER_ONLY) && (flags & SIGHOOK_SAVE_X87))
    return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "SIGHOOK_INTEGER_ONLY and SIGHOOK_SAVE_X87 exclude each other");
  if (flags & SIGHOOK_PREPATCHED)
    return error_set(error, SIGHOOK_UNSUPPORTED, spec->address, "SIGHOOK_PREPATCHED is not supported yet");
  return SIGHOOK_OK;
}

static sighook_status check_kind(const sighook_spec *spec, struct error *error)
{
  switch (spec->kind) {
  case SIGHOOK_PROBE:
    if (!spec->handler && !(spec->flags & SIGHOOK_COUNT))
      return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "a probe needs a handler or SIGHOOK_COUNT");
    return SIGHOOK_OK;
  case SIGHOOK_PROBE_SKIP:
    if (!spec->handler)
      return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "SIGHOOK_PROBE_SKIP needs a handler");
    return SIGHOOK_OK;
  case SIGHOOK_REPLACE:
    if (!spec->replacement)
      return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "SIGHOOK_REPLACE needs a replacement");
    return SIGHOOK_OK;
  case SIGHOOK_CALL:
    return error_set(error, SIGHOOK_UNSUPPORTED, spec->address, "SIGHOOK_CALL is not supported yet");
  }
  return error_set(error, SIGHOOK_BAD_ARGUMENT, spec->address, "%d is no kind of hook", (int)spec->kind);
}

sighook_status api_copy_spec(sighook_spec *to, const sighook_spec *from, struct error *error)
{
  sighook_status status;

  if (!from)
    return error_set(error, SIGHOOK_BAD_ARGUMENT, 0, "the spec is NULL");
  status = api_copy(to, sizeof *to, from, "sighook_spec", error);
  if (!status && !to->address)
    status = error_set(error, SIGHOOK_BAD_ADDRESS, 0, "the address is NULL");
  if (!status)
    status = check_kind(to, error);
  return status ? status : check_flags(to, error);
}

static void add_reason(sighook_info *info, const char *text)
{
  size_t length = 0;

  while (info->reason[length])
    length++;
  for (; length + 1 < sizeof info->reason && *text; length++)
    info->reason[length] = *text++;
}

void api_fill_info(sighook_info *info, const struct site *site, const struct hook *hook)
{
  struct hook_count counted = hook ? hook_counted(hook) : (struct hook_count){0};
  sighook_info known = {.size = info->size,
                        .kind = hook ? hook->kind : info->kind,
                        .entry = site->entry,
                        .flags = hook ? hook->flags : info->flags,
                        .address = site->address,
                        .hits = counted.hits,
                        .missed = counted.missed,
                        .fragile = site->fragile};

  known.length = site->entry == SIGHOOK_ENTRY_TRAP     ? HOST_TRAP_LENGTH
                 : site->entry == SIGHOOK_ENTRY_BRANCH ? HOST_BRANCH_LENGTH
                                                       : site->length;
  for (unsigned i = 0; i < site->shift + site->length; i++)
    known.original[i] = site->original[i];
  add_reason(&known, reason_text(site->reason));
  if (traps_of(site) && os_is_libc(site->address))
    add_reason(&known, "; libc blocks signals at times");
  *info = known;
}

void api_tell_gone(sighook_info *info)
{
  static const char reason[] = "other code stands there by now, which we did not write";

  info->entry = SIGHOOK_ENTRY_NONE;
  info->length = 0;
  for (size_t i = 0; i < sizeof reason; i++)
    info->reason[i] = reason[i];
}

sighook_status api_find(sighook_hook handle, struct hook **hook, struct error *error)
{
  *hook = hook_find(handle);
  if (*hook)
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_NOT_FOUND, 0, "the handle %#lx is stale or was never given out", (unsigned long)handle.id);
}
