#define _GNU_SOURCE
#include "reach.h"

#include <stdio.h>
#include <string.h>
#include "../live/windows.h"
#include "core/reason.h"
#include "core/site.h"
#include "hooks.h"
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "isa/x86_64/boundary.h"
#include "isa/x86_64/evict.h"
#include "isa/x86_64/insn.h"
#include "table/table.h"
#include "targets.h"

enum { BREAKPOINT = 0xCC, READABLE = 32, BYTES = 40, BEFORE = 8 };

/* ---- the functions ---- */

#define TWO(X) X(prologue) X(clear) X(conditional) X(counted) X(asking) X(longer) X(prefixed) X(across) X(astride)
#define DECLARE_ONE(name) \
  long name(long);        \
  extern const uint8_t name##_site[], name##_1[];
#define DECLARE_TWO(name) DECLARE_ONE(name) extern const uint8_t name##_2[];
TWO(DECLARE_TWO)
DECLARE_ONE(filler)
DECLARE_TWO(epilogue)
DECLARE_TWO(four)
extern const uint8_t epilogue_3[], four_3[], four_4[];

#define ONE_OF(f) .name = #f, .function = f, .site = f##_site, .count = 1, .boundaries = {f##_1}
#define TWO_OF(f) .name = #f, .function = f, .site = f##_site, .count = 2, .boundaries = {f##_1, f##_2}
const struct reach reaches[] = {
    {TWO_OF(prologue), .run = 2, .words = {0, 1, 2}},
    {.name = "epilogue", .function = epilogue, .site = epilogue_site, .count = 3,
     .boundaries = {epilogue_1, epilogue_2, epilogue_3}, .run = 2, .words = {2, 1, 0, 0}, .computed = true},
    {TWO_OF(clear), .run = 1, .computed = true},
    {TWO_OF(conditional), .run = 2},
    {TWO_OF(counted), .run = 2},
    {ONE_OF(filler), .run = 0},
    {TWO_OF(asking), .run = 2},
    {TWO_OF(longer), .run = 2},
    {TWO_OF(prefixed), .run = 2, .prefixed = true},
    {.name = "four", .function = four, .site = four_site, .count = 4, .boundaries = {four_1, four_2, four_3, four_4}, .run = 4,
     .computed = true, .one_place = true},
    {TWO_OF(across), .run = 2, .words = {0, 1, 2}, .in_two_lines = true},
    {TWO_OF(astride), .run = 2, .in_two_lines = true},
};
const unsigned reach_count = sizeof reaches / sizeof *reaches;
_Static_assert(sizeof reaches / sizeof *reaches <= REACH_MAX, "as many as tests have room for");

/* ---- the address space ---- */

bool reach_is_possible(enum reach_kind kind)
{
  const uint8_t *traps;

  host_start();
  return kind == REACH_BREAKPOINTS || cpu_trapping(&traps) > 1;
}

/* Takes what it is asked about. */
static bool take_all(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete)
{
  (void)context;
  (void)lander;
  (void)place;
  (void)complete;
  take_window(&wish->window);
  return false;
}

/* The same, where a breakpoint would stand at one of the last two boundaries. */
static bool take_breakpoints(void *context, enum x64_lander lander, const struct x64_wish *wish, uint64_t *place, bool *complete)
{
  const struct x64_reach_request *request = context;
  uint64_t displacement = wish->window.first - (request->address + request->prefixes + X64_JMP_LENGTH);
  bool any = false;

  for (unsigned i = request->boundary_count > 2 ? request->boundary_count - 2 : 0; i < request->boundary_count; i++)
    any |= (uint8_t)(displacement >> (8 * (request->starts[i] - request->prefixes - 1u))) == BREAKPOINT;
  return any && take_all(context, lander, wish, place, complete);
}

void reach_crowd_at(const uint8_t *site, unsigned length)
{
  static const struct x64_space space = {.find = take_all};
  struct x64_eviction_request request = {.address = (uintptr_t)site,
                                         .code = site,
                                         .original = site,
                                         .readable = READABLE,
                                         .length = length,
                                         .victim_length = (unsigned)x64_length(site + length, READABLE - length),
                                         .span_max = READABLE,
                                         .prefixes_max = X64_PREFIXES_MAX,
                                         .victim_prefixes_max = X64_PREFIXES_MAX};
  struct x64_eviction found;

  take_windows(site, length);
  x64_evict(&request, &space, false, &found);
}

static struct x64_reach_request request_of(const struct reach *reach, unsigned prefixes)
{
  struct x64_reach_request request = {.address = (uintptr_t)reach->site, .code = reach->site, .prefixes = prefixes};
  size_t at = (size_t)(reach->boundaries[0] - reach->site);

  for (; at < prefixes + X64_JMP_LENGTH; at += x64_length(reach->site + at, READABLE - at)) {
    request.boundary_count += request.start_count < reach->count;
    request.starts[request.start_count++] = (uint8_t)at;
  }
  return request;
}

/* What the search for jumps that reach over would find with these bytes as traps. */
static void take_reaches(const struct reach *reach, unsigned prefixes, unsigned trap_count, bool all)
{
  struct x64_reach_request request = request_of(reach, prefixes);
  struct x64_space space = {.find = all ? take_all : take_breakpoints, .context = &request};
  struct x64_reached found;

  request.trap_count = cpu_trapping(&request.traps);
  request.trap_count = trap_count < request.trap_count ? trap_count : request.trap_count;
  x64_reach_over(&request, &space, false, &found);
}

void reach_crowd_breakpoints(const struct reach *reach)
{
  for (unsigned prefixes = 0; prefixes < (unsigned)(reach->boundaries[0] - reach->site); prefixes++)
    take_reaches(reach, prefixes, 1, true);
}

void reach_crowd(enum reach_kind kind)
{
  host_start();
  for (unsigned i = 0; i < reach_count; i++) {
    unsigned length = (unsigned)(reaches[i].boundaries[0] - reaches[i].site);

    reach_crowd_at(reaches[i].site, length);
    if (kind == REACH_ILLEGAL)
      reach_crowd_breakpoints(&reaches[i]);
    for (unsigned prefixes = 0; prefixes < length && kind == REACH_ILLEGAL; prefixes++)
      take_reaches(&reaches[i], prefixes, UINT8_MAX, false);
    for (unsigned all = 0; all < 2 && reaches[i].prefixed; all++)
      take_reaches(&reaches[i], 0, all ? UINT8_MAX : 1, true);
  }
}

/* For the tests that know of a site and the next instruction only. */
#define TARGET(name) {#name, name, name##_site, name##_1},
const struct target targets[] = {TARGET(prologue) TARGET(epilogue) TARGET(conditional) TARGET(filler) TARGET(asking)
                                 TARGET(longer) TARGET(across) TARGET(astride)};
const unsigned target_count = sizeof targets / sizeof *targets;

#ifndef TARGETS_KIND
#define TARGETS_KIND REACH_BREAKPOINTS
#endif

void targets_crowd(void)
{
  reach_crowd(TARGETS_KIND);
}

/* ---- hooks ---- */

static const struct site *site_at(const uint8_t *address)
{
  struct table_value found = table_find((uintptr_t)address);

  return found.tag ? NULL : found.site;
}

bool reach_is_boundary(const uint8_t *address)
{
  const struct site *site = site_at(address);

  return site && site_in_place(site) && site_is_boundary(site);
}

bool reach_stands(const struct reach *reach, enum reach_kind kind)
{
  const struct site *site = site_at(reach->site);

  if (!site || !site_in_place(site) || site->reason != REASON_REACHES_OVER || (reach->prefixed && !site->prefixes))
    return false;
  for (unsigned i = 0; i < reach->count; i++) {
    bool is_breakpoint = *(const volatile uint8_t *)reach->boundaries[i] == BREAKPOINT;

    if (!reach_is_boundary(reach->boundaries[i]) ||
        (i + 2 >= reach->count && is_breakpoint != (kind == REACH_BREAKPOINTS)))
      return false;
  }
  return true;
}

sighook_hook reach_install(const struct reach *reach, enum reach_kind kind, const sighook_spec *spec)
{
  sighook_info info = {.size = sizeof info};
  sighook_hook hook;

  REQUIRE(sighook_install(spec, &hook) == SIGHOOK_OK);
  REQUIRE(sighook_query(hook, &info) == SIGHOOK_OK);
  if (info.entry == SIGHOOK_ENTRY_EVICTED && strstr(info.reason, "reaches over") && reach_stands(reach, kind))
    return hook;
  fprintf(stderr, "%s: entry %d, %s;", reach->name, info.entry, info.reason);
  for (unsigned i = 0; i < 10; i++)
    fprintf(stderr, " %02x", ((const volatile uint8_t *)reach->site)[i]);
  fprintf(stderr, "\n");
  _exit(1);
}

static uint8_t before[REACH_MAX][BYTES];

void reach_remember(void)
{
  for (unsigned i = 0; i < reach_count; i++)
    memcpy(before[i], reaches[i].site - BEFORE, BYTES);
}

void reach_require_unchanged(const struct reach *reach)
{
  REQUIRE(memcmp(before[reach - reaches], reach->site - BEFORE, BYTES) == 0);
}

void reach_adjust(sighook_context *context, unsigned from, unsigned to)
{
  uint64_t *const registers[] = {&context->rbp, &context->rbx};

  for (; from < to; from++) {
    context->rsp -= sizeof(uint64_t);
    *(uint64_t *)context->rsp = *registers[from];
  }
  for (; from > to; from--) {
    *registers[from - 1] = *(const uint64_t *)context->rsp;
    context->rsp += sizeof(uint64_t);
  }
}
