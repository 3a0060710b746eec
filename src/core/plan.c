/* Views of mappings and code for one change. */
#include "core/plan.h"

#include <errno.h>
#include "core/patched.h"
#include "host/host.h"
#include "os/memory.h"
#include "os/stack.h"
#include "table/table.h"

static struct plan *current;          /* under the library's lock */

static sighook_status maps_refused(uintptr_t address, const char *call, int failure, struct error *error)
{
  if (failure == ENOMEM)
    return error_memory(error, address, "no memory for the list of mappings");
  return error_os(error, SIGHOOK_UNSUPPORTED, address, call, failure);
}

sighook_status plan_open(struct plan *plan, struct error *error)
{
  int failure = os_maps_open(&plan->maps);

  if (failure)
    return maps_refused(0, "open /proc/self/maps", failure, error);
  os_text_open(&plan->text);
  plan->mapping = (struct os_mapping){0};
  plan->cached_length = 0;
  plan->expected = 1;
  plan->flow_check = os_flow_check();
  current = plan;
  return SIGHOOK_OK;
}

void plan_close(struct plan *plan)
{
  current = NULL;
  os_text_close(&plan->text);
  os_maps_close(&plan->maps);
}

/* Neighbours are asked for one after the other: the kernel is asked once a mapping. */
static bool find_mapping(struct plan *plan, uintptr_t address)
{
  if (address >= plan->mapping.start && address < plan->mapping.end)
    return true;
  if (os_maps_find(&plan->maps, address, &plan->mapping))
    return true;
  plan->mapping = (struct os_mapping){0};
  return false;
}

sighook_status plan_check_mapping(struct plan *plan, uintptr_t address, struct error *error)
{
  if (!find_mapping(plan, address)) {
    if (plan->maps.failure)
      return maps_refused(address, "read of /proc/self/maps", plan->maps.failure, error);
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "nothing is mapped at %#lx", address);
  }
  if (!(plan->mapping.protection & OS_EXECUTE))
    return error_set(error, SIGHOOK_BAD_ADDRESS, address, "the memory at %#lx is not executable", address);
  if (plan->mapping.shared_file)
    return error_set(error, SIGHOOK_BAD_ADDRESS, address,
                     "the code at %#lx is a shared mapping: a change would reach its file or other processes", address);
  return SIGHOOK_OK;
}

static bool is_same(const uint8_t *seen, const uint8_t *wanted, size_t length)
{
  size_t same = 0;

  while (same < length && seen[same] == wanted[same])
    same++;
  return same == length;
}

bool plan_is_gone(struct plan *plan, uintptr_t address, const uint8_t *ours, const uint8_t *original, size_t length)
{
  bool stands = true, is_original = true, is_file = true;

  if (!find_mapping(plan, address))
    return !plan->maps.failure;
  if (plan->mapping.shared_file)             /* nothing was ever written to such */
    return true;
  for (size_t done = 0; done < length;) {
    uint8_t seen[64], file[sizeof seen];
    size_t part = length - done < sizeof seen ? length - done : sizeof seen;

    if (plan_read(plan, address + done, seen, part) < part)
      return false;
    stands &= is_same(seen, ours + done, part);
    is_original &= is_same(seen, original + done, part);
    is_file = is_file && !stands && os_maps_read_file(&plan->maps, address + done, file, part) && is_same(seen, file, part);
    done += part;
  }
  return !stands && (is_original || is_file);
}

size_t plan_read(struct plan *plan, uintptr_t address, uint8_t *bytes, size_t size)
{
  size_t done = 0;

  while (done < size) {
    uintptr_t at = address + done, page = at & ~(uintptr_t)(PLAN_CACHE - 1);

    if (!plan->cached_length || page != plan->cached) {
      plan->cached = page;
      plan->cached_length = os_text_read(&plan->text, page, plan->cache, PLAN_CACHE);
    }
    if (at - page >= plan->cached_length)
      break;
    while (done < size && at - page < plan->cached_length)
      bytes[done++] = plan->cache[at++ - page];
  }
  return done;
}

size_t plan_read_original(struct plan *plan, uintptr_t address, uint8_t *bytes, size_t size)
{
  size_t length = plan_read(plan, address, bytes, size);

  patched_undo(address, bytes, length);
  return length;
}

bool plan_breakpoint_hides(struct plan *plan, uintptr_t address, uint8_t own[HOST_TRAP_LENGTH])
{
  return os_maps_read_file(&plan->maps, address, own, HOST_TRAP_LENGTH) && !host_insn_is_breakpoint(own);
}

sighook_status plan_check_breakpoint(struct plan *plan, uintptr_t address, const uint8_t *code, struct error *error)
{
  uint8_t own[HOST_TRAP_LENGTH];

  if (!host_insn_is_breakpoint(code) || !plan_breakpoint_hides(plan, address, own))
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_CONFLICT, address,
                   "somebody else's breakpoint stands at %#lx, in place of what the file has there", address);
}

size_t plan_read_current(uintptr_t address, void *bytes, size_t size)
{
  return current ? plan_read_original(current, address, bytes, size) : 0;
}

size_t plan_read_current_as_is(uintptr_t address, void *bytes, size_t size)
{
  return current ? plan_read(current, address, bytes, size) : 0;
}

bool plan_current_breakpoint_hides(uintptr_t address, uint8_t own[HOST_TRAP_LENGTH])
{
  return current && plan_breakpoint_hides(current, address, own);
}
