/* Making sites: stub, entry, and what is known of them. */
#include "core/site.h"

#include "codemem/arena.h"
#include "core/choose.h"
#include "core/examine.h"
#include "core/hook.h"
#include "core/patched.h"
#include "core/plan.h"
#include "core/shape.h"
#include "core/tally.h"
#include "host/host.h"
#include "patch/writers.h"
#include "table/table.h"
#include "trap/trap.h"

bool site_shows(const uint8_t *seen, const uint8_t *written, size_t length)
{
  for (size_t i = 0; i < length; i += HOST_INSN_ALIGN) {
    bool same = true;

    for (size_t j = i; j < i + HOST_INSN_ALIGN && j < length; j++)
      same &= seen[j] == written[j];
    if (!same && (length - i < HOST_TRAP_LENGTH || !host_insn_is_breakpoint(seen + i)))
      return false;
  }
  return true;
}

/* What stands where the entry does. False where it cannot be read. */
static bool read_place(const struct site *site, uint8_t *seen)
{
  struct os_text text = {.descriptor = -1};             /* at first without a file, which takes longest */
  size_t length = os_text_read(&text, site_place(site), seen, site->length);

  if (length < site->length) {
    os_text_open(&text);
    length = os_text_read(&text, site_place(site), seen, site->length);
    os_text_close(&text);
  }
  return length == site->length;
}

bool site_stands(const struct site *site)
{
  uint8_t entry[HOST_ENTRY_MAX], seen[HOST_ENTRY_MAX] __attribute__((aligned(HOST_INSN_ALIGN)));

  if (!read_place(site, seen))
    return true;
  host_entry_bytes(site, entry);
  return site_shows(seen, entry, site->length);
}

static bool original_stands(const struct site *site)
{
  uint8_t seen[HOST_ENTRY_MAX];
  bool same = read_place(site, seen);

  for (unsigned i = 0; same && i < site->length; i++)
    same = seen[i] == site->original[site->shift + i];
  return same;
}

void site_abandon_change(struct site *site)
{
  struct hook *next;

  if (!site->stub || !site->touched)
    return;
  for (struct hook *hook = site->hooks; hook; hook = next) {
    next = hook->next;
    hook->role &= ~(unsigned)HOOK_LEAVING;
    if (!(hook->role & HOOK_LIVE))
      hook_unlink(hook);
  }
  if (site->going_live && original_stands(site))
    atomic_store_explicit(&site->state, SITE_IDLE, memory_order_release);
  site->touched = site->going_live = site->leaving = false;
}

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
  if (!status && !shape_find_or_add(&stub, &site->shape))
    status = error_set(error, SIGHOOK_NO_MEMORY, site->address, "no further shapes of stubs");
  if (!status && stub.trap_offset != 0xFF)               /* the handler tells where it stood */
    status = trap_start(TRAP_BREAKPOINT, error);
  if (!status)
    status = arena_put(arena, &plan->text, stub.bytes, stub.length, error);
  if (status)
    return status;
  site->stub_length = stub.length;
  site->entry_offset = stub.entry_offset;
  site->probe_offset = stub.probe_offset;
  site->original_offset = stub.original_offset;
  site->displaced_offset = stub.displaced_offset;
  site->back_offset = stub.back_offset;
  site->count_offset = stub.count_offset;
  atomic_store_explicit(&site->path, host_path(site, PART_DISPLACED), memory_order_relaxed);
  atomic_store_explicit(&site->routine, host_routine(CLASS_INTEGER), memory_order_relaxed);
  if (stub.trap_offset != 0xFF)
    table_put(pc + stub.trap_offset, site, TABLE_DISPLACED_TRAP);
  return SIGHOOK_OK;
}

/* What tells apart the sites that an address may have: none of them replaces another one of the same form. */
enum { FORM_PATCH = 0, FORM_STUB = 1, FORM_BY_PATH = 2, FORM_COUNTS = 4, FORM_FAR = 8, FORMS = 16 };

static unsigned form_of(const struct site *site)
{
  if (!site->stub)
    return FORM_PATCH;
  return FORM_STUB | (site->by_path ? FORM_BY_PATH : 0) | (site->count_offset ? FORM_COUNTS : 0) | (site->far ? FORM_FAR : 0);
}

/* Where a site is found while another one has its place in the table: no code has such an address. */
static uintptr_t aside(uintptr_t address, unsigned form)
{
  return ~address ^ (uintptr_t)form << 58;
}

static struct site *site_under(uintptr_t key, uintptr_t address)
{
  struct table_value found = table_find(key);

  return found.site && !found.tag && found.site->address == address ? found.site : NULL;
}

void site_take_place(struct site *site, uintptr_t address)
{
  struct site *before = site_under(address, address);

  if (before && before != site) {
    table_put(aside(address, form_of(before)), before, 0);
    if (site->stub)
      site->was_illegal |= site_was_illegal(before, address);        /* signals of then find this one */
  }
  table_put(address, site, 0);
}

struct site *site_patched(uintptr_t address)
{
  struct site *site = site_under(address, address);

  return site && !site->stub ? site : site_under(aside(address, FORM_PATCH), address);
}

/* The site with a stub that has the address's place in the table, or NULL. */
static struct site *known_site(uintptr_t address)
{
  struct site *site = site_under(address, address);

  return site && site->stub ? site : NULL;
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

struct site *site_find(const sighook_spec *spec, const struct examination *found)
{
  struct site *site = known_site(spec->address);

  if (site && same_instruction(site, found) && (site->going_live || suits(site, found, spec)))
    return site;
  if (!table_find(spec->address).site)
    return NULL;
  for (unsigned form = FORM_STUB; form < FORMS; form += 1 + FORM_STUB) {
    site = site_under(aside(spec->address, form), spec->address);
    if (site && same_instruction(site, found) && suits(site, found, spec))
      return site;
  }
  return NULL;
}

sighook_status site_find_or_make(struct plan *plan, const sighook_spec *spec, const struct examination *found, struct site **site,
                                 struct error *error)
{
  uintptr_t address = spec->address;
  struct arena *arena;
  uintptr_t pc;
  sighook_status status;

  if ((*site = site_find(spec, found))) {
    site_take_place(*site, address);
    return SIGHOOK_OK;
  }
  if (!table_reserve(3))
    return error_memory(error, address, "no memory for the site table");
  status = arena_take(address, found->low, found->high, plan->expected, &arena, site, &pc, error);
  if (status)
    return status;
  status = fill(plan, *site, arena, found, spec, pc, error);
  if (status) {
    arena_untake(arena);
    return status;
  }
  site_take_place(*site, address);
  return SIGHOOK_OK;
}

static sighook_status check_in_place(struct plan *plan, const struct site *site, struct error *error)
{
  uint8_t expected[HOST_ENTRY_MAX], seen[HOST_ENTRY_MAX];
  unsigned same = 0;

  host_entry_bytes(site, expected);
  if (plan_read(plan, site_place(site), seen, site->length) < site->length)
    return writers_unreadable(&plan->text, site->address, error);
  while (same < site->length && seen[same] == expected[same])
    same++;
  if (same == site->length)
    return SIGHOOK_OK;
  return error_set(error, SIGHOOK_CONFLICT, site->address, "the bytes at %#lx are not those of our entry any more: somebody else "
                   "changed them", site->address);
}

sighook_status site_obtain(struct plan *plan, const sighook_spec *spec, struct examination *found, struct site **site,
                           struct error *error)
{
  uintptr_t address = spec->address;
  sighook_status status;

  *site = known_site(address);
  if (*site && site_in_place(*site)) {
    status = plan_check_mapping(plan, address, error);
    return status ? status : check_in_place(plan, *site, error);
  }
  status = examine(plan, address, spec->flags, found, error);
  if (!status)
    status = site_find_or_make(plan, spec, found, site, error);
  if (status == SIGHOOK_NO_NEAR_MEMORY && HOST_FAR_STUBS && !(spec->flags & SIGHOOK_REQUIRE_BRANCH)) {
    status = examine_far(plan, address, spec->flags, found, error);
    if (!status)
      status = site_find_or_make(plan, spec, found, site, error);
  }
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
  sighook_status status = examine(plan, spec->address, spec->flags, found, error);

  if (status || !HOST_FAR_STUBS || site_find(spec, found) ||
      arena_is_possible(&plan->maps, spec->address, found->low, found->high))
    return status;
  return examine_far(plan, spec->address, spec->flags, found, error);
}

sighook_status site_check(struct plan *plan, const sighook_spec *spec, struct site *draft, struct error *error)
{
  uintptr_t address = spec->address;
  const struct site *known = known_site(address);
  struct examination found;
  struct choice choice;
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
  choice = choice_by(&found, spec->flags);
  status = host_check_displaced(draft, some_place(address, &found), error);
  draft->stub = address;
  if (!status)
    choose_dry(plan, draft, &choice);
  return status;
}
