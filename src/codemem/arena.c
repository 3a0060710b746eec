/* Arenas near hooked code, or far where none is near: [stubs r-x][sites rw-], both filled from their start. Sites and stubs are
 * taken in step, so the sites of an arena are sorted by stub. */
#include "codemem/arena.h"

#include <assert.h>
#include <errno.h>
#include "codemem/describe.h"
#include "codemem/gap.h"
#include "core/heap.h"
#include "os/memory.h"
#include "os/text.h"
#include "patch/poke.h"
#include "host/host.h"

enum {
  SITES_USUAL = 2048,       /* where there is room for them */
  SITES_MAX = 1 << 17,
  STUB_ROOM = 64,           /* bytes a site set aside for stubs; typical ones take 48 */
  STAGE_SIZE = 64 * 1024
};

#define NEAR_REACH (UINT64_C(1) << 30)

struct arena {
  uintptr_t code, code_end, code_used;
  struct site *sites;
  _Atomic(size_t) site_count;
  size_t site_room;
  uint8_t *stage;           /* stubs not written yet: those from stage_start on */
  uintptr_t stage_start;
  struct arena *next;
};

static _Atomic(struct arena *) arenas;
static struct arena *abandoned;   /* arenas from this one on were taken over by a fork and are not added to */

static bool inside(const struct arena *arena, uintptr_t low, uintptr_t high)
{
  return arena->code >= low && (uintptr_t)&arena->sites[arena->site_room] <= high;
}

static bool has_room(struct arena *arena)
{
  return atomic_load_explicit(&arena->site_count, memory_order_relaxed) < arena->site_room &&
         arena->code_end - arena->code_used >= HOST_STUB_MAX;
}

static uintptr_t clamp_sub(uintptr_t a, uintptr_t b)
{
  return a > b ? a - b : 0;
}

static struct arena *find_arena(uintptr_t low, uintptr_t high)
{
  for (struct arena *arena = atomic_load_explicit(&arenas, memory_order_relaxed); arena && arena != abandoned;
       arena = arena->next)
    if (inside(arena, low, high) && has_room(arena))
      return arena;
  return NULL;
}

/* Maps code at the nearest gap; ENOENT where there is none. What somebody mapped there meanwhile, or mapped without showing it,
 * is gone around: first on one side, then on the other. */
static int take_gap(struct os_maps *maps, const struct gap_search *wanted, size_t code_size, uintptr_t *start, unsigned *tried)
{
  struct gap_search search = *wanted;
  bool below = false, turned = false;

  for (;;) {
    int failure = gap_find(maps, &search, start, tried) ? os_allocate_at(*start, code_size, OS_READ | OS_EXECUTE) : ENOENT;

    if (failure == ENOENT && !turned && (search.low != wanted->low || search.high != wanted->high)) {
      search.low = below ? wanted->around : wanted->low;
      search.high = below ? wanted->high : wanted->around;
      turned = true;
    } else if (failure == EEXIST) {
      below = turned ? below : *start < search.around;
      *(*start < search.around ? &search.high : &search.low) = *start + os_page_size();
    } else {
      return failure;
    }
  }
}

static size_t code_size(size_t sites)
{
  return page_up(sites * STUB_ROOM, os_page_size());
}

static size_t data_size(size_t sites)
{
  return page_up(sites * sizeof(struct site), os_page_size());
}

static size_t least_size(void)
{
  return 2 * os_page_size();          /* one of stubs, one of sites */
}

static int map_parts(struct arena *arena, struct os_maps *maps, struct gap_search *search, size_t sites)
{
  unsigned tried;
  uintptr_t start;
  int failure;

  search->size = code_size(sites) + data_size(sites);
  failure = take_gap(maps, search, code_size(sites), &start, &tried);
  if (failure)
    return failure;
  failure = os_allocate_at(start + code_size(sites), data_size(sites), OS_READ | OS_WRITE);
  if (failure) {
    os_free((void *)start, code_size(sites));
    return failure;
  }
  arena->code = arena->code_used = arena->stage_start = start;
  arena->code_end = start + code_size(sites);
  arena->sites = (struct site *)arena->code_end;
  arena->site_room = data_size(sites) / sizeof(struct site);
  return 0;
}

/* Maps room for so many sites; where less is free, for half as many, and so on. */
static int map_largest(struct arena *arena, struct os_maps *maps, const struct gap_search *wanted, size_t sites)
{
  uintptr_t low = clamp_sub(wanted->around, NEAR_REACH), high = wanted->around + NEAR_REACH;

  for (;; sites /= 2) {
    struct gap_search near = *wanted, all = *wanted;
    int failure;

    near.low = near.low < low ? low : near.low;
    near.high = near.high > high ? high : near.high;
    failure = map_parts(arena, maps, &near, sites);
    if (failure && (near.low != all.low || near.high != all.high))
      failure = map_parts(arena, maps, &all, sites);
    if (!failure || code_size(sites) + data_size(sites) <= least_size())
      return failure;
  }
}

static bool is_room(struct os_maps *maps, struct gap_search wanted, unsigned *tried)
{
  uintptr_t start;

  wanted.size = least_size();
  return gap_find(maps, &wanted, &start, tried);
}

static sighook_status map_arena(struct arena *arena, const struct gap_search *wanted, size_t sites, struct error *error)
{
  struct os_maps maps;
  unsigned tried;
  int failure = os_maps_open(&maps);

  if (failure)
    return error_os(error, SIGHOOK_NO_MEMORY, 0, "open /proc/self/maps", failure);
  failure = is_room(&maps, *wanted, &tried) ? map_largest(arena, &maps, wanted, sites) : ENOENT;
  os_maps_close(&maps);
  if (failure == ENOENT)
    return error_set(error, SIGHOOK_NO_NEAR_MEMORY, wanted->around,
                     "no free %zu KiB for stubs between %#lx and %#lx: looked at %u gaps", least_size() >> 10, wanted->low,
                     wanted->high, tried);
  return failure ? error_os(error, SIGHOOK_NO_NEAR_MEMORY, wanted->around, "mmap", failure) : SIGHOOK_OK;
}

static sighook_status make_arena(uintptr_t address, uintptr_t low, uintptr_t high, size_t expected, struct arena **made,
                                 struct error *error)
{
  size_t sites = expected < SITES_USUAL ? SITES_USUAL : expected > SITES_MAX ? SITES_MAX : expected;
  struct gap_search wanted = {.low = low, .high = high, .around = address};
  struct arena *arena = heap_take(sizeof *arena);
  sighook_status status;

  if (!arena || !(arena->stage = os_allocate(STAGE_SIZE))) {
    if (arena)
      heap_give(arena, sizeof *arena);
    return error_memory(error, address, "no memory for an arena near %#lx", address);
  }
  status = map_arena(arena, &wanted, sites, error);
  if (status) {
    os_free(arena->stage, STAGE_SIZE);
    heap_give(arena, sizeof *arena);
    return status;
  }
  arena->next = atomic_load_explicit(&arenas, memory_order_relaxed);
  atomic_store_explicit(&arenas, arena, memory_order_release);
  describe_stubs(&(struct rules_area){arena->code, arena->code_end - arena->code, arena->sites, &arena->site_count});
  *made = arena;
  return SIGHOOK_OK;
}

bool arena_is_possible(struct os_maps *maps, uintptr_t address, uintptr_t low, uintptr_t high)
{
  unsigned tried;

  return find_arena(low, high) || is_room(maps, (struct gap_search){.low = low, .high = high, .around = address}, &tried);
}

sighook_status arena_take(uintptr_t address, uintptr_t low, uintptr_t high, size_t expected, struct arena **arena,
                          struct site **site, uintptr_t *pc, struct error *error)
{
  size_t count;

  *arena = find_arena(low, high);
  if (!*arena) {
    sighook_status status = make_arena(address, low, high, expected, arena, error);

    if (status)
      return status;
  }
  count = atomic_load_explicit(&(*arena)->site_count, memory_order_relaxed);
  *site = &(*arena)->sites[count];
  *pc = (*arena)->code_used;
  **site = (struct site){.address = address, .action = NO_ACTION, .counter = SITE_NO_COUNTER};
  (*site)->stub = *pc;
  atomic_store_explicit(&(*arena)->site_count, count + 1, memory_order_release);
  return SIGHOOK_OK;
}

void arena_untake(struct arena *arena)
{
  atomic_fetch_sub_explicit(&arena->site_count, 1, memory_order_release);
}

static sighook_status flush(struct arena *arena, struct os_text *text, struct error *error)
{
  size_t length = arena->code_used - arena->stage_start;
  int failure;

  if (!length)
    return SIGHOOK_OK;
  failure = poke_idle(text, arena->stage_start, arena->stage, length);
  if (failure)
    return error_os(error, SIGHOOK_PROTECT_FAILED, arena->stage_start, "mprotect", failure);
  arena->stage_start = arena->code_used;
  return SIGHOOK_OK;
}

sighook_status arena_put(struct arena *arena, struct os_text *text, const uint8_t *bytes, size_t length, struct error *error)
{
  uintptr_t room = (uintptr_t)page_up(length, HOST_STUB_ALIGN);
  uint8_t *to;

  if (arena->code_used - arena->stage_start + room > STAGE_SIZE) {
    sighook_status status = flush(arena, text, error);

    if (status)
      return status;
  }
  to = arena->stage + (arena->code_used - arena->stage_start);
  for (size_t i = 0; i < room; i++)
    to[i] = i < length ? bytes[i] : host_trap[i % HOST_TRAP_LENGTH];
  arena->code_used += room;
  return SIGHOOK_OK;
}

sighook_status arena_flush(struct os_text *text, struct error *error)
{
  for (struct arena *arena = atomic_load_explicit(&arenas, memory_order_relaxed); arena && arena != abandoned;
       arena = arena->next) {
    sighook_status status = flush(arena, text, error);

    if (status)
      return status;
  }
  return SIGHOOK_OK;
}

struct site *arena_site_at(uintptr_t pc)
{
  for (struct arena *arena = atomic_load_explicit(&arenas, memory_order_acquire); arena; arena = arena->next) {
    size_t low = 0, high = atomic_load_explicit(&arena->site_count, memory_order_acquire);

    if (pc < arena->code || pc >= arena->code_end)
      continue;
    while (low < high) {                      /* the last stub that begins at or below pc */
      size_t middle = low + (high - low) / 2;

      if (arena->sites[middle].stub <= pc)
        low = middle + 1;
      else
        high = middle;
    }
    return low && pc < arena->sites[low - 1].stub + arena->sites[low - 1].stub_length ? &arena->sites[low - 1] : NULL;
  }
  return NULL;
}

size_t arena_memory(void)
{
  size_t bytes = 0;

  for (struct arena *arena = atomic_load_explicit(&arenas, memory_order_relaxed); arena; arena = arena->next)
    bytes += arena->code_used - arena->code + atomic_load_explicit(&arena->site_count, memory_order_relaxed) * sizeof(struct site);
  return bytes;
}

void arena_abandon(void)
{
  abandoned = atomic_load_explicit(&arenas, memory_order_relaxed);
}
