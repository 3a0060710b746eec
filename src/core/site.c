/* Making sites: what stands at an address, whether it can be hooked, its stub and its entry. */
#include "core/site.h"

#include "codemem/arena.h"
#include "core/hook.h"
#include "core/patched.h"
#include "core/plan.h"
#include "core/tally.h"
#include "host/entry.h"
#include "host/host.h"
#include "os/memory.h"
#include "resolve/codemap.h"
#include "resolve/zones.h"
#include "table/table.h"

struct site *site_covering(uintptr_t address)
{
  for (unsigned back = 0; back < SITE_BYTES; back++) {
    struct table_value found = table_find(address - back);

    if (!found.site || found.tag || (!site_in_place(found.site) && !found.site->going_live))
      continue;
    if (address - found.site->address <
        (found.site->stub ? (size_t)found.site->shift + found.site->length : found.site->patch->length))
      return found.site;
  }
  return NULL;
}

/* Nothing of ours may begin inside the instruction or lie over its start. */
static sighook_status check_overlap(uintptr_t address, size_t length, struct error *error)
{
  struct site *other = site_covering(address);

  for (size_t i = 0; i < length; i++) {
    if (i) {                          /* what covers a later byte and not this one begins there */
      struct table_value found = table_find(address + i);

      other = found.site && !found.tag && site_in_place(found.site) ? found.site : NULL;
    }
    if (other && (other->address != address || !other->stub))
      return error_set(error, SIGHOOK_ALREADY_HOOKED, address, "the instruction at %#lx (%zu bytes) overlaps %s at %#lx",
                       address, length, other->stub ? "a hook of ours" : "a patch of ours", other->address);
  }
  return SIGHOOK_OK;
}

static sighook_status check_sequence(struct plan *plan, uintptr_t address, size_t length, struct error *error)
{
  uint8_t code[2 * HOST_LOOK_AROUND + HOST_INSN_MAX];
  size_t before = HOST_LOOK_AROUND, have;

  if (!before)
    return SIGHOOK_OK;
  have = plan_read_original(plan, address - before, code, sizeof code);
  if (have < before + length) {      /* what lies before cannot be read */
    before = 0;
    have = plan_read_original(plan, address, code, HOST_LOOK_AROUND + HOST_INSN_MAX);
  }
  return host_check_sequence(address, code, before, have, error);
}

static sighook_status check_zone(uintptr_t address, size_t length, struct error *error)
{
  const char *why;

  if (!zone_find(address, length, &why))
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_UNRELOCATABLE, address, "%#lx may not be hooked: %s", address, why);
}

/* Whether an entry at `address`, the site's or that behind its landing pad, is possible. */
static sighook_status examine_place(struct plan *plan, uintptr_t address, struct examination *found, struct error *error)
{
  const uint8_t *code = found->code + found->shift;
  struct code_facts facts;
  sighook_status status =
      host_stub_reach(address, code, found->readable - found->shift, &found->low, &found->high, &found->length, error);

  if (!status)
    status = plan_check_mapping(plan, address + found->length - 1, error);
  if (!status)
    status = check_zone(address, found->length, error);
  if (!status)
    status = check_sequence(plan, address, found->length, error);
  if (!status)
    status = check_overlap(address, found->length, error);
  if (!status)
    status = codemap_facts(address, code, found->length, &facts, error);
  if (status)
    return status;
  if (facts.boundary == BOUNDARY_NO)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "%#lx is inside the instruction at %#lx", address,
                     facts.instruction_start);
  if (facts.enclosing)
    return error_set(error, SIGHOOK_UNRELOCATABLE, address,
                     "%#lx is inside the instruction at %#lx, and both are real: branches lead behind its prefix", address,
                     facts.enclosing);
  found->next_entry = facts.next_entry;
  found->interior_target = facts.interior_target != 0;
  return SIGHOOK_OK;
}

/* A landing pad of a guarded page keeps its place where the entry can stand behind it. */
static bool stands_behind_pad(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found)
{
  struct host_pad pad;
  struct error ignored;

  if ((flags & SIGHOOK_FORCE_TRAP) || !(plan->mapping.protection & OS_GUARDED) ||
      !host_landing_pad(found->code, found->readable, &pad) || found->readable <= pad.length)
    return false;
  found->shift = pad.length;
  found->signs = pad.signs;
  return !site_covering(address + pad.length) && !examine_place(plan, address + pad.length, found, &ignored);
}

sighook_status site_examine(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found, struct error *error)
{
  sighook_status status = plan_check_mapping(plan, address, error);

  *found = (struct examination){0};
  if (status)
    return status;
  if (plan->shadow_stack)             /* displaced calls are jumps, and a callback may leave without a return: both upset it */
    return error_set(error, SIGHOOK_UNSUPPORTED, address, "this thread has a %s, with which hooks are not supported yet",
                     plan->shadow_stack);
  found->readable = plan_read_original(plan, address, found->code, sizeof found->code);
  if (!found->readable)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "the code at %#lx cannot be read", address);
  if (stands_behind_pad(plan, address, flags, found))
    return SIGHOOK_OK;
  found->shift = 0;
  found->signs = false;
  return examine_place(plan, address, found, error);
}

static void choose_entry(struct plan *plan, struct site *site, const struct examination *found, uint32_t flags, bool dry)
{
  struct entry_request request = {.site = site,
                                  .readable = found->readable,
                                  .next_entry = found->next_entry,
                                  .interior_target = found->interior_target,
                                  .flags = flags,
                                  .dry = dry,
                                  .maps = &plan->maps,
                                  .text = &plan->text};
  uint8_t code[sizeof found->code];

  /* A pun leans on what stands there now, our own entries behind the site included. */
  request.readable = plan_read(plan, site_place(site), code, sizeof code);
  request.code = code;
  host_choose_entry(&request);
}

static sighook_status fill(struct plan *plan, struct site *site, struct arena *arena, const struct examination *found, const sighook_spec *spec,
                           uintptr_t pc, struct error *error)
{
  struct host_stub stub;
  sighook_status status;

  for (unsigned i = 0; i < SITE_BYTES; i++)
    site->original[i] = i < found->shift + found->length ? found->code[i] : 0;
  site->length = found->length;
  site->shift = found->shift;
  site->signs = found->signs;
  if ((spec->flags & SIGHOOK_COUNT) && !tally_take(&site->counter))
    return error_set(error, SIGHOOK_NO_MEMORY, site->address, "no further counters");
  /* A handler is what most sites are for: their stub saves the jump by `path`, and switching off leaves an empty capture. */
  site->by_path = spec->kind == SIGHOOK_REPLACE || (spec->flags & SIGHOOK_COUNT);
  status = host_stub_build(site, pc, spec->flags & SIGHOOK_INTEGER_ONLY ? CLASS_INTEGER
                                     : spec->flags & SIGHOOK_SAVE_X87   ? CLASS_FULL
                                                                        : CLASS_VECTOR, &stub, error);
  if (!status)
    status = arena_put(arena, &plan->text, stub.bytes, stub.length, error);
  if (status)
    return status;
  site->stub_length = stub.length;
  site->entry_offset = stub.entry_offset;
  site->probe_offset = stub.probe_offset;
  site->original_offset = stub.original_offset;
  site->displaced_offset = stub.displaced_offset;
  site->exit_offset = stub.exit_offset;
  site->count_offset = stub.count_offset;
  atomic_store_explicit(&site->path, host_path(site, PART_DISPLACED), memory_order_relaxed);
  atomic_store_explicit(&site->routine, host_routine(CLASS_INTEGER), memory_order_relaxed);
  if (stub.trap_offset != 0xFF)
    table_put(pc + stub.trap_offset, site, TABLE_DISPLACED_TRAP);
  if (stub.finish_offset != 0xFF)
    table_put(pc + stub.finish_offset, site, TABLE_FINISHING_TRAP);
  return SIGHOOK_OK;
}

static sighook_status make_site(struct plan *plan, const sighook_spec *spec, const struct examination *found,
                                struct site **site, struct error *error)
{
  uintptr_t address = spec->address;
  struct arena *arena;
  uintptr_t pc;
  sighook_status status;

  if (!table_reserve(2))
    return error_set(error, SIGHOOK_NO_MEMORY, address, "no memory for the site table");
  status = arena_take(address, found->low, found->high, plan->expected, &arena, site, &pc, error);
  if (status)
    return status;
  status = fill(plan, *site, arena, found, spec, pc, error);
  if (status) {
    arena_untake(arena);
    return status;
  }
  table_put(address, *site, 0);
  return SIGHOOK_OK;
}

/* Whether an idle site's stub still is that of the instruction that stands there. */
static bool same_instruction(const struct site *site, const struct examination *found)
{
  if (!site->stub || site->length != found->length || site->shift != found->shift)
    return false;
  for (unsigned i = 0; i < found->shift + found->length; i++)
    if (site->original[i] != found->code[i])
      return false;
  return true;
}

static sighook_status check_in_place(struct plan *plan, const struct site *site, struct error *error)
{
  uint8_t expected[HOST_ENTRY_MAX], seen[HOST_ENTRY_MAX];

  host_entry_bytes(site, expected);
  if (plan_read(plan, site_place(site), seen, site->length) == site->length) {
    unsigned same = 0;

    while (same < site->length && seen[same] == expected[same])
      same++;
    if (same == site->length)
      return SIGHOOK_OK;
  }
  return error_set(error, SIGHOOK_CONFLICT, site->address, "the bytes at %#lx are not those of our entry any more: somebody else "
                   "changed them", site->address);
}

/* Whether the stub serves such a hook as fast as a new one would. At most three stubs an address come of it. */
static bool suits(const struct site *site, const sighook_spec *spec)
{
  if (spec->flags & SIGHOOK_COUNT)
    return site->count_offset != 0;
  return spec->kind != SIGHOOK_REPLACE || site->by_path;
}

sighook_status site_obtain(struct plan *plan, const sighook_spec *spec, struct site **site, struct error *error)
{
  uintptr_t address = spec->address;
  struct table_value known = table_find(address);
  struct examination found;
  sighook_status status;

  if (known.site && !known.tag && known.site->stub && known.site->address == address && site_in_place(known.site)) {
    *site = known.site;
    status = plan_check_mapping(plan, address, error);
    return status ? status : check_in_place(plan, known.site, error);
  }
  status = site_examine(plan, address, spec->flags, &found, error);
  if (status)
    return status;
  if (known.site && !known.tag && known.site->address == address && same_instruction(known.site, &found) &&
      suits(known.site, spec)) {
    *site = known.site;
  } else {
    status = make_site(plan, spec, &found, site, error);
    if (status)
      return status;
  }
  choose_entry(plan, *site, &found, spec->flags, false);
  return SIGHOOK_OK;
}

sighook_status site_check(struct plan *plan, uintptr_t address, uint32_t flags, struct site *draft, struct error *error)
{
  struct table_value known = table_find(address);
  struct examination found;
  sighook_status status;

  if (known.site && !known.tag && known.site->stub && known.site->address == address && site_in_place(known.site)) {
    *draft = *known.site;
    return check_in_place(plan, known.site, error);
  }
  status = site_examine(plan, address, flags, &found, error);
  if (status)
    return status;
  *draft = (struct site){
      .address = address, .length = found.length, .shift = found.shift, .signs = found.signs, .counter = SITE_NO_COUNTER};
  for (unsigned i = 0; i < found.shift + found.length; i++)
    draft->original[i] = found.code[i];
  status = host_check_displaced(draft, found.low > address ? found.low : found.high < address ? found.high : address, error);
  draft->stub = address;
  if (!status)
    choose_entry(plan, draft, &found, flags, true);
  return status;
}
