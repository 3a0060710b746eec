/* What stands at an address, and whether it can be hooked. */
#include "core/examine.h"

#include "host/host.h"
#include "os/memory.h"
#include "patch/writers.h"
#include "resolve/codemap.h"
#include "resolve/zones.h"
#include "table/table.h"

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
  sighook_status status = SIGHOOK_OK;

  if (found->readable - found->shift >= HOST_TRAP_LENGTH)
    status = plan_check_breakpoint(plan, address, code, error);
  if (!status)
    status = host_stub_reach(address, code, found->readable - found->shift, &found->low, &found->high, &found->length, error);
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
  found->function_end = facts.function_end;
  found->interior_target = facts.interior_target != 0;
  found->known_start = facts.boundary == BOUNDARY_YES;
  found->is_head = facts.is_head;
  found->is_target = facts.is_target;
  found->is_padding = facts.is_padding;
  return SIGHOOK_OK;
}

/* A landing pad of a guarded page keeps its place where the entry can stand behind it; not in place of another pad. */
static bool stands_behind_pad(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found)
{
  struct host_pad pad, another;
  struct error ignored;

  if ((flags & SIGHOOK_FORCE_TRAP) || !(plan->mapping.protection & OS_GUARDED) ||
      !host_landing_pad(found->code, found->readable, &pad) || found->readable <= pad.length ||
      host_landing_pad(found->code + pad.length, found->readable - pad.length, &another))
    return false;
  found->shift = pad.length;
  found->signs = pad.signs;
  return !site_covering(address + pad.length) && !examine_place(plan, address + pad.length, found, &ignored);
}

sighook_status examine(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found, struct error *error)
{
  sighook_status status = plan_check_mapping(plan, address, error);

  *found = (struct examination){0};
  if (status)
    return status;
  if (plan->flow_check)               /* displaced calls are jumps, callbacks may leave without a return, an entry may take a pad's place */
    return error_set(error, SIGHOOK_UNSUPPORTED, address, "the CPU checks where this thread goes (%s), with which hooks are not supported yet",
                     plan->flow_check);
  found->readable = plan_read_original(plan, address, found->code, sizeof found->code);
  if (!found->readable)
    return writers_unreadable(&plan->text, address, error);
  if (stands_behind_pad(plan, address, flags, found))
    return SIGHOOK_OK;
  found->shift = 0;
  found->signs = false;
  return examine_place(plan, address, found, error);
}

sighook_status examine_far(struct plan *plan, uintptr_t address, uint32_t flags, struct examination *found, struct error *error)
{
  sighook_status status = examine(plan, address, flags | SIGHOOK_FORCE_TRAP, found, error);

  found->low = 0;
  found->high = UINTPTR_MAX;
  found->far = true;
  return status;
}
