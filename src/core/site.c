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
  if (found->low < address - HOST_JUMP_REACH && address > HOST_JUMP_REACH)
    found->low = address - HOST_JUMP_REACH;
  if (found->high > address + HOST_JUMP_REACH)
    found->high = address + HOST_JUMP_REACH;
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

/* Where no memory is free within reach: with a stub anywhere, and a trap, which may stand on a landing pad. */
static sighook_status examine_far(struct plan *plan, const sighook_spec *spec, struct examination *found, struct error *error)
{
  sighook_status status = site_examine(plan, spec->address, spec->flags | SIGHOOK_FORCE_TRAP, found, error);

  found->low = 0;
  found->high = UINTPTR_MAX;
  found->far = true;
  return status;
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
  site->far = found->far;
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
  return SIGHOOK_OK;
}

/* The site with a stub that was hooked last at the address, or NULL. */
static struct site *known_site(uintptr_t address)
{
  struct table_value known = table_find(address);

  return known.site && !known.tag && known.site->stub && known.site->address == address ? known.site : NULL;
}

/* Whether an idle site's stub still is that of the instruction that stands there. */
static bool same_instruction(const struct site *site, const struct examination *found)
{
  if (site->length != found->length || site->shift != found->shift)
    return false;
  for (unsigned i = 0; i < found->shift + found->length; i++)
    if (site->original[i] != found->code[i])
      return false;
  return true;
}

/* Whether the stub serves such a hook as fast as a new one would. At most three stubs an address come of it, and three far. */
static bool suits(const struct site *site, const struct examination *found, const sighook_spec *spec)
{
  if (site->far != found->far)
    return false;
  if (spec->flags & SIGHOOK_COUNT)
    return site->count_offset != 0;
  return spec->kind != SIGHOOK_REPLACE || site->by_path;
}

/* An earlier hook's site there whose stub serves this one too, or NULL. One that goes live by the same transaction is joined. */
static struct site *find_site(const sighook_spec *spec, const struct examination *found)
{
  struct site *site = known_site(spec->address);

  return site && same_instruction(site, found) && (site->going_live || suits(site, found, spec)) ? site : NULL;
}

static sighook_status find_or_make(struct plan *plan, const sighook_spec *spec, const struct examination *found,
                                   struct site **site, struct error *error)
{
  uintptr_t address = spec->address;
  struct arena *arena;
  uintptr_t pc;
  sighook_status status;

  if ((*site = find_site(spec, found)))
    return SIGHOOK_OK;
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

sighook_status site_obtain(struct plan *plan, const sighook_spec *spec, struct site **site, struct error *error)
{
  uintptr_t address = spec->address;
  struct examination found;
  sighook_status status;

  *site = known_site(address);
  if (*site && site_in_place(*site)) {
    status = plan_check_mapping(plan, address, error);
    return status ? status : check_in_place(plan, *site, error);
  }
  status = site_examine(plan, address, spec->flags, &found, error);
  if (!status)
    status = find_or_make(plan, spec, &found, site, error);
  if (status == SIGHOOK_NO_NEAR_MEMORY && HOST_FAR_STUBS && !(spec->flags & SIGHOOK_REQUIRE_BRANCH)) {
    status = examine_far(plan, spec, &found, error);
    if (!status)
      status = find_or_make(plan, spec, &found, site, error);
  }
  if (!status)
    choose_entry(plan, *site, &found, spec->flags, false);
  return status;
}

/* Where the stub might lie. */
static uintptr_t some_place(uintptr_t address, const struct examination *found)
{
  if (found->far)
    return address ^ (HOST_ADDRESS_END / 2);
  return found->low > address ? found->low : found->high < address ? found->high : address;
}

/* What site_obtain would find. */
static sighook_status examine_dry(struct plan *plan, const sighook_spec *spec, struct examination *found, struct error *error)
{
  sighook_status status = site_examine(plan, spec->address, spec->flags, found, error);

  if (status || !HOST_FAR_STUBS || find_site(spec, found) ||
      arena_is_possible(&plan->maps, spec->address, found->low, found->high))
    return status;
  return examine_far(plan, spec, found, error);
}

sighook_status site_check(struct plan *plan, const sighook_spec *spec, struct site *draft, struct error *error)
{
  uintptr_t address = spec->address;
  const struct site *known = known_site(address);
  struct examination found;
  sighook_status status;

  if (known && site_in_place(known)) {
    *draft = *known;
    return check_in_place(plan, known, error);
  }
  status = examine_dry(plan, spec, &found, error);
  if (status)
    return status;
  *draft = (struct site){.address = address, .length = found.length, .shift = found.shift, .signs = found.signs};
  draft->far = found.far;
  draft->counter = SITE_NO_COUNTER;
  for (unsigned i = 0; i < found.shift + found.length; i++)
    draft->original[i] = found.code[i];
  status = host_check_displaced(draft, some_place(address, &found), error);
  draft->stub = address;
  if (!status)
    choose_entry(plan, draft, &found, spec->flags, true);
  return status;
}
