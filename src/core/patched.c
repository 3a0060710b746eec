/* The caller's own bytes in place of the program's. */
#include "core/patched.h"

#include "core/heap.h"
#include "core/leaning.h"
#include "core/plan.h"
#include "core/traps.h"
#include "host/host.h"
#include "patch/patch.h"
#include "resolve/codemap.h"
#include "table/table.h"

/* Of what stands at a site, the part that lies in [address, address + length). */
static void undo_site(const struct site *site, uintptr_t address, uint8_t *bytes, size_t length)
{
  uint8_t entry[HOST_ENTRY_MAX];
  const uint8_t *ours = entry, *original = site->original + site->shift;
  uintptr_t place = site_place(site), end = place + site->length, low;

  if (site->stub) {
    host_entry_bytes(site, entry);
  } else {
    ours = site->patch->bytes;
    original = site->patch->original;
    end = place + site->patch->length;
  }
  low = place > address ? place : address;
  end = end < address + length ? end : address + length;
  if (low >= end || !site_shows(bytes + (low - address), ours + (low - place), end - low))
    return;
  for (uintptr_t at = low; at < end; at++)
    bytes[at - address] = original[at - place];
}

void patched_undo(uintptr_t address, uint8_t *bytes, size_t length)
{
  for (uintptr_t at = address - (SITE_BYTES - 1); at < address + length; at++) {
    struct table_value found = table_find(at);

    if (found.site && !found.tag && site_in_place(found.site))
      undo_site(found.site, address, bytes, length);
  }
}

/* Marks the instruction starts of code[0, length); false where they do not end exactly there. */
static bool mark_starts(const uint8_t *code, size_t readable, size_t length, uint8_t *starts, bool *undecodable)
{
  size_t at = 0;

  *undecodable = false;
  while (at < length) {
    size_t step = host_insn_length(code + at, readable - at);

    if (!step) {
      *undecodable = true;
      return false;
    }
    starts[at] = 1;
    at += step;
  }
  return at == length;
}

/* What would be restored later must not be somebody else's breakpoint. */
static sighook_status check_breakpoints(struct plan *plan, uintptr_t address, const uint8_t *code, size_t length,
                                        struct error *error)
{
  sighook_status status = SIGHOOK_OK;

  for (size_t i = 0; i + HOST_TRAP_LENGTH <= length && !status; i += HOST_INSN_ALIGN)
    status = plan_check_breakpoint(plan, address + i, code + i, error);
  return status;
}

static sighook_status check_range(struct plan *plan, uintptr_t address, const struct patch *patch, struct error *error)
{
  uint8_t code[PLAN_CACHE];
  struct code_facts facts;
  bool undecodable;
  size_t readable = plan_read_original(plan, address, code, patch->length + SITE_BYTES);
  sighook_status status;

  if (address % HOST_INSN_ALIGN)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "%#lx is misaligned: instructions are aligned words", address);
  if (readable < patch->length)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "only %zu of the %zu bytes at %#lx can be read", readable,
                     patch->length, address);
  status = check_breakpoints(plan, address, code, patch->length, error);
  if (!status)
    status = codemap_facts(address, code, 1, &facts, error);
  if (status)
    return status;
  if (facts.boundary == BOUNDARY_NO)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "%#lx is inside the instruction at %#lx", address,
                     facts.instruction_start);
  if (!mark_starts(patch->bytes, patch->length, patch->length, patch->starts, &undecodable))
    return error_set(error, SIGHOOK_UNDECODABLE, address, "the %zu new bytes for %#lx are not whole instructions",
                     patch->length, address);
  if (!mark_starts(code, readable, patch->length, patch->starts, &undecodable))
    return error_set(error, undecodable ? SIGHOOK_UNDECODABLE : SIGHOOK_PATCH_TOO_LONG, address,
                     undecodable ? "the old code at %#lx cannot be decoded: %zu bytes were to be replaced"
                                 : "the patch at %#lx would end inside an instruction: %zu bytes are no whole number of them",
                     address, patch->length);
  for (size_t i = 0; i < patch->length; i++)
    patch->original[i] = code[i];
  return SIGHOOK_OK;
}

static struct patch *new_patch(const uint8_t *bytes, size_t length)
{
  struct patch *patch = heap_take(sizeof *patch + 3 * length);

  if (!patch)
    return NULL;
  patch->length = length;
  patch->original = (uint8_t *)(patch + 1);
  patch->bytes = patch->original + length;
  patch->starts = patch->bytes + length;
  for (size_t i = 0; i < length; i++)
    patch->bytes[i] = bytes[i];
  return patch;
}

static void free_patch(struct patch *patch)
{
  if (patch)
    heap_give(patch, sizeof *patch + 3 * patch->length);
}

/* The site that stands for a patch: the one that stood for an earlier one there, or a new one. Never freed. */
static struct site *patch_site(uintptr_t address, const struct patch *patch)
{
  struct site *site = site_patched(address);

  if (!table_reserve(2 * patch->length))
    return NULL;
  if (!site) {
    site = heap_take(sizeof *site);
    if (!site)
      return NULL;
    site->address = address;
    site->counter = SITE_NO_COUNTER;
  }
  return site;
}

/* Where a SIGILL of a boundary that was there once may still come, and the patch makes none itself. */
static uint64_t late_illegals(uintptr_t address, const struct patch *patch)
{
  uint64_t bits = 0;

  for (size_t i = 0; i < 64 && i < patch->length; i++) {
    struct table_value found = table_find(address + i);

    if (patch->starts[i] && found.site && !found.tag && site_was_illegal(found.site, address + i) &&
        host_insn_is_everywhere(patch->bytes + i, patch->length - i))
      bits |= UINT64_C(1) << i;
  }
  return bits;
}

static sighook_status apply(struct plan *plan, struct site *site, const struct patch *patch, const uint8_t *before,
                            const uint8_t *after, struct error *error)
{
  struct change change = {
      .address = site->address, .length = patch->length, .before = before, .after = after, .starts = patch->starts};
  sighook_status status = traps_prepare_change(&change, error);

  if (!status)
    status = leaning_prepare(plan, &change, 1, 0, &(bool){false}, error);
  return status ? status : patch_apply(&plan->maps, &plan->text, &change, 1, NULL, error);
}

static sighook_status write_new(struct plan *plan, uintptr_t address, struct patch *patch, struct error *error)
{
  struct site *site = patch_site(address, patch);
  struct patch *old;
  sighook_status status;

  if (!site)
    return error_memory(error, address, "no memory for a patch");
  old = site->patch;
  site->were_illegal = late_illegals(address, patch);
  for (size_t i = 0; i < patch->length; i++) {
    if (patch->starts[i])
      site_take_place(site, address + i);
  }
  site->patch = patch;
  atomic_store_explicit(&site->state, SITE_PATCHING, memory_order_release);
  status = apply(plan, site, patch, patch->original, patch->bytes, error);
  atomic_store_explicit(&site->state, status ? SITE_IDLE : SITE_PATCH, memory_order_release);
  if (status)
    site->patch = old;
  else
    free_patch(old);
  return status;
}

/* The same range again: other bytes in place of the patch's, the first original kept. */
static sighook_status write_over(struct plan *plan, struct site *site, struct patch *patch, struct error *error)
{
  struct patch *old = site->patch;
  sighook_status status;

  for (size_t i = 0; i < patch->length; i++)
    patch->starts[i] |= old->starts[i];
  if (!table_reserve(2 * patch->length))
    return error_memory(error, site->address, "no memory for the site table");
  site->were_illegal = late_illegals(site->address, patch);
  for (size_t i = 0; i < patch->length; i++)
    if (patch->starts[i])
      site_take_place(site, site->address + i);
  atomic_store_explicit(&site->state, SITE_PATCHING, memory_order_release);
  status = apply(plan, site, patch, old->bytes, patch->bytes, error);
  if (!status) {
    site->patch = patch;
    free_patch(old);
  }
  atomic_store_explicit(&site->state, SITE_PATCH, memory_order_release);
  return status;
}

static sighook_status write_patch(struct plan *plan, uintptr_t address, struct patch *patch, struct error *error)
{
  struct site *there = site_covering(address);
  sighook_status status = plan_check_mapping(plan, address, error);

  if (!status)
    status = plan_check_mapping(plan, address + patch->length - 1, error);
  if (!status)
    status = check_range(plan, address, patch, error);
  if (status)
    return status;
  if (there && there->address == address && !there->stub && there->patch->length == patch->length)
    return write_over(plan, there, patch, error);
  for (size_t i = 0; i < patch->length; i++) {
    there = site_covering(address + i);
    if (there)
      return error_set(error, SIGHOOK_ALREADY_HOOKED, address, "the patch at %#lx (%zu bytes) overlaps %s at %#lx", address,
                       patch->length, there->stub ? "a hook of ours" : "a patch of ours", there->address);
  }
  return write_new(plan, address, patch, error);
}

sighook_status patched_write(uintptr_t address, const uint8_t *bytes, size_t length, uint8_t *original, struct error *error)
{
  struct plan plan;
  struct patch *patch;
  sighook_status status;

  if (length > PLAN_CACHE - SITE_BYTES)
    return error_set(error, SIGHOOK_PATCH_TOO_LONG, address, "a patch of %zu bytes: at most %d are possible", length,
                     PLAN_CACHE - SITE_BYTES);
  patch = new_patch(bytes, length);
  if (!patch)
    return error_memory(error, address, "no memory for a patch");
  status = plan_open(&plan, error);
  if (!status) {
    status = write_patch(&plan, address, patch, error);
    plan_close(&plan);
  }
  if (status) {
    free_patch(patch);
    return status;
  }
  for (size_t i = 0; original && i < length; i++)
    original[i] = patch->original[i];
  return SIGHOOK_OK;
}

sighook_status patched_restore(struct site *site, struct error *error)
{
  struct patch *patch = site->patch;
  struct plan plan;
  sighook_status status = plan_open(&plan, error);

  if (status)
    return status;
  if (plan_is_gone(&plan, site->address, patch->bytes, patch->original, patch->length)) {
    atomic_store_explicit(&site->state, SITE_IDLE, memory_order_release);
    plan_close(&plan);
    return SIGHOOK_OK;
  }
  atomic_store_explicit(&site->state, SITE_PATCHING, memory_order_release);
  status = apply(&plan, site, patch, patch->bytes, patch->original, error);
  atomic_store_explicit(&site->state, status ? SITE_PATCH : SITE_IDLE, memory_order_release);
  plan_close(&plan);
  return status;
}
