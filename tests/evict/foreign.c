#define _GNU_SOURCE
#include "foreign.h"

#include "core/site.h"
#include "host/entry.h"
#include "host/host.h"
#include "isa/x86_64/insn.h"
#include "table/table.h"

enum { RET = 0xC3 };

#define EVERY(X) X(one_byte) X(two_bytes) X(three_bytes) X(four_bytes) X(swallowed)
#define DECLARE(name) \
  long name(long);    \
  extern const uint8_t name##_site[], name##_next[];
EVERY(DECLARE)
#define TARGET(name) {#name, name, name##_site, name##_next},
static const struct target leaned[] = {EVERY(TARGET)};

unsigned prey_count(void)
{
  return target_count + (unsigned)(sizeof leaned / sizeof *leaned);
}

const struct target *prey(unsigned index)
{
  return index < target_count ? &targets[index] : &leaned[index - target_count];
}

static unsigned site_length(const struct target *target)
{
  return (unsigned)(target->next - target->site);
}

unsigned prey_rooms(const struct target *target)
{
  return site_length(target) + 1;
}

void prey_crowd(const struct target *target, unsigned forms)
{
  take_some_windows(target->site, site_length(target), forms);
}

unsigned length_at(uintptr_t address)
{
  return (unsigned)x64_length((const uint8_t *)address, X64_INSN_MAX);
}

unsigned starts_behind(const struct target *target, unsigned length, uintptr_t starts[LEANED_MAX])
{
  uintptr_t end = (uintptr_t)target->site + length;
  unsigned count = 0;

  for (uintptr_t at = (uintptr_t)target->next; at < end && count < LEANED_MAX; at += length_at(at))
    starts[count++] = at;
  return count;
}

static const struct site *site_in(uintptr_t address)
{
  struct table_value found = table_find(address);

  return found.site && !found.tag && site_in_place(found.site) ? found.site : NULL;
}

enum form form_of(const struct target *target)
{
  const struct site *site = site_in((uintptr_t)target->site), *next = site_in((uintptr_t)target->next);

  if (site && site->entry == SIGHOOK_ENTRY_PUNNED)
    return (enum form)(PUN_BARE + site->prefixes);
  if (!site || !next || site->entry != SIGHOOK_ENTRY_EVICTED)
    return OTHER_FORM;
  return site_is_boundary(next) ? REACHES_OVER : EVICTS_NEXT;
}

unsigned leaned_length(const struct target *target)
{
  const struct site *site = site_in((uintptr_t)target->site), *next = site_in((uintptr_t)target->next);
  unsigned length = site ? (unsigned)host_entry_span(site) : 0, further = next ? (unsigned)host_entry_span(next) : 0;

  return further && site_length(target) + further > length ? site_length(target) + further : length;
}

bool stands_ours(uintptr_t address)
{
  return site_in(address) != NULL;
}

bool is_boundary(uintptr_t address)
{
  const struct site *site = site_in(address);

  return site && site_is_boundary(site);
}

bool runs_on(const struct target *target)
{
  return *target->site != RET;
}
