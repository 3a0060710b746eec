/* Landing pages, sorted by address, each with the offsets of its islands in order. Islands do not cross pages. */
#include "codemem/landing.h"

#include <errno.h>
#include "codemem/describe.h"
#include "codemem/gap.h"
#include "core/heap.h"
#include "host/host.h"
#include "os/memory.h"
#include "patch/poke.h"
#include "table/table.h"

enum { FIRST_STARTS = 8, CANDIDATES_MAX = 16 };

struct landing_page {
  uintptr_t address;
  uint16_t count, room;
  uint16_t *starts;
};

static struct landing_page **pages;
static size_t page_count, page_room, page_limit = SIZE_MAX;

/* The first page that does not lie below `address`. */
static size_t lower_bound(uintptr_t address)
{
  size_t low = 0, high = page_count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (pages[middle]->address < address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct landing_page *find_page(uintptr_t address)
{
  uintptr_t start = page_down(address, os_page_size());
  size_t index = lower_bound(start);

  return index < page_count && pages[index]->address == start ? pages[index] : NULL;
}

static size_t island_length(uintptr_t place, uintptr_t target)
{
  uint8_t bytes[HOST_ISLAND_MAX];

  return host_island(place, target, bytes);
}

/* Where the page's island of that index ends. */
static size_t end_of(const struct landing_page *page, unsigned index)
{
  return page->starts[index] + host_island_stands((const uint8_t *)page->address + page->starts[index]);
}

/* The first of the page's islands that ends behind `offset`. */
static unsigned first_behind(const struct landing_page *page, size_t offset)
{
  unsigned low = 0, high = page->count;

  while (low < high) {
    unsigned middle = low + (high - low) / 2;

    if (end_of(page, middle) <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Whether the page's island of that index leads to `target`. */
static bool leads_to(const struct landing_page *page, unsigned index, uintptr_t target)
{
  uintptr_t place = page->address + page->starts[index];
  uint8_t bytes[HOST_ISLAND_MAX];
  size_t length = host_island(place, target, bytes);
  bool same = true;

  for (size_t i = 0; same && i < length; i++)
    same = ((const volatile uint8_t *)place)[i] == bytes[i];
  return same;
}

static bool stands_at(const struct landing_page *page, size_t offset, uintptr_t target)
{
  unsigned i = first_behind(page, offset);

  return i < page->count && page->starts[i] == offset && leads_to(page, i, target);
}

/* Where an island of that length that leads to `target` fits on the page, or stands already, at `offset` or behind it; perhaps
 * beyond the page's end. Who asks again gets the same, so that toggling uses up nothing. */
static size_t next_fit(const struct landing_page *page, size_t offset, size_t length, uintptr_t target)
{
  for (unsigned i = first_behind(page, offset); i < page->count && page->starts[i] < offset + length; i++) {
    if (page->starts[i] >= offset && leads_to(page, i, target))
      return page->starts[i];
    offset = end_of(page, i);
  }
  return offset;
}

static bool fits(struct gap_view *view, uintptr_t place, uintptr_t target)
{
  size_t size = os_page_size(), offset = place & (size - 1), length = island_length(place, target);
  const struct landing_page *page = find_page(place);

  if (offset + length > size)
    return false;
  if (!page)
    return !landing_is_full() && gap_is_free(view, place - offset, size);
  return next_fit(page, offset, length, target) == offset;
}

/* Two islands of the same target. */
static bool overlap(uintptr_t one, uintptr_t other, uintptr_t target)
{
  return one != other && (one < other ? one + island_length(one, target) > other : other + island_length(other, target) > one);
}

struct found {
  bool any;
  uintptr_t place;
  unsigned count;                     /* of the offsets that can be had too */
};

static unsigned fitting_offsets(struct gap_view *view, const struct landing_request *request, uintptr_t place)
{
  unsigned count = 0;

  for (unsigned i = 0; i < request->offset_count; i++) {
    uintptr_t other = place + (uintptr_t)request->offsets[i];
    bool clear = !overlap(place, other, request->target);

    for (unsigned j = 0; j < i && clear; j++)
      clear = !overlap(place + (uintptr_t)request->offsets[j], other, request->target);
    count += clear && fits(view, other, request->target);
  }
  return count;
}

static bool next_own_page(uintptr_t at, uintptr_t *next)
{
  size_t index = lower_bound(at);

  if (index < page_count)
    *next = pages[index]->address;
  return index < page_count;
}

/* The next place at or above `at` in the window, on a landing page or on a page that is free. */
static bool next_place(struct gap_view *view, const struct landing_request *request, uintptr_t at, uintptr_t *place)
{
  size_t size = os_page_size();

  while (at <= request->last) {
    struct landing_page *page = find_page(at);
    uintptr_t free_page;

    if (page) {
      size_t length = island_length(at, request->target);
      uintptr_t end = page->address + size - length;

      if (at <= end)
        at = page->address + next_fit(page, at - page->address, length, request->target);
      if (at <= request->last && at <= end) {
        *place = at;
        return true;
      }
      at = page->address + size;
      continue;
    }
    if (landing_is_full()) {
      if (!next_own_page(at, &at))
        return false;
      continue;
    }
    if (!gap_next_page(view, page_down(at, size), request->last + 1, &free_page))
      return false;
    if (free_page > at)
      at = free_page;
    if (find_page(at))
      continue;
    if ((at & (size - 1)) + island_length(at, request->target) <= size && at <= request->last) {
      *place = at;
      return true;
    }
    at = page_down(at, size) + size;
  }
  return false;
}

/* The best of some places from `at` on: one with all that is wanted as well, or else most of it. */
static bool search(struct gap_view *view, const struct landing_request *request, uintptr_t at, struct found *found)
{
  uintptr_t candidate;

  for (unsigned i = 0; i < CANDIDATES_MAX && next_place(view, request, at, &candidate); i++) {
    unsigned count = fitting_offsets(view, request, candidate);

    if (!found->any || count > found->count)
      *found = (struct found){.any = true, .place = candidate, .count = count};
    if (count == request->offset_count)
      return true;
    at = page_down(candidate, os_page_size()) + os_page_size();
  }
  return false;
}

/* The address in the window with most zeros at its end, where the islands of many windows come to lie together. */
static uintptr_t meeting_place(const struct landing_request *request)
{
  uintptr_t differing = request->first ^ request->last;

  return differing ? request->last >> (63 - __builtin_clzl(differing)) << (63 - __builtin_clzl(differing)) : request->last;
}

bool landing_find(struct os_maps *maps, const struct landing_request *request, uintptr_t *place, bool *complete)
{
  struct gap_view view = {.maps = maps};
  struct found found = {0};

  *complete = search(&view, request, meeting_place(request), &found) || search(&view, request, request->first, &found);
  *place = found.place;
  return found.any;
}

static bool make_room_for_page(void)
{
  size_t room = page_room ? page_room * 2 : 256;
  struct landing_page **larger;

  if (page_count < page_room)
    return true;
  larger = heap_take(room * sizeof *larger);
  if (!larger)
    return false;
  for (size_t i = 0; i < page_count; i++)
    larger[i] = pages[i];
  if (pages)
    heap_give(pages, page_room * sizeof *pages);
  pages = larger;
  page_room = room;
  return true;
}

static int add_page(uintptr_t address, struct landing_page **page)
{
  size_t index;
  int failure;

  if (landing_is_full() || !make_room_for_page() || !table_reserve(1) || !(*page = heap_take(sizeof **page)))
    return ENOMEM;
  failure = os_allocate_at(address, os_page_size(), OS_READ | OS_EXECUTE);
  if (failure) {
    heap_give(*page, sizeof **page);
    *page = NULL;
    return failure;
  }
  **page = (struct landing_page){.address = address};
  index = lower_bound(address);
  for (size_t i = page_count; i > index; i--)
    pages[i] = pages[i - 1];
  pages[index] = *page;
  page_count++;
  table_put(address, NULL, TABLE_LANDING_PAGE);
  describe_islands(address, os_page_size());
  return 0;
}

static bool add_start(struct landing_page *page, size_t offset)
{
  unsigned at;

  if (page->count == page->room) {
    uint16_t room = page->room ? (uint16_t)(page->room * 2) : FIRST_STARTS;
    uint16_t *starts = heap_take(room * sizeof *starts);

    if (!starts)
      return false;
    for (unsigned i = 0; i < page->count; i++)
      starts[i] = page->starts[i];
    if (page->starts)
      heap_give(page->starts, page->room * sizeof *starts);
    page->starts = starts;
    page->room = room;
  }
  for (at = page->count++; at > 0 && page->starts[at - 1] > offset; at--)
    page->starts[at] = page->starts[at - 1];
  page->starts[at] = (uint16_t)offset;
  return true;
}

int landing_put(struct os_text *text, uintptr_t place, uintptr_t target)
{
  struct landing_page *page = find_page(place);
  uint8_t bytes[HOST_ISLAND_MAX];
  size_t length = host_island(place, target, bytes), offset = place & (os_page_size() - 1);
  int failure = page ? 0 : add_page(page_down(place, os_page_size()), &page);

  if (page && stands_at(page, offset, target))
    return 0;
  if (failure)
    return failure;
  if (offset + length > os_page_size() || next_fit(page, offset, length, target) != offset)
    return EEXIST;
  failure = poke_idle(text, place, bytes, length);
  if (failure)
    return failure;
  return add_start(page, offset) ? 0 : ENOMEM;
}

void landing_set_limit(size_t pages_max)
{
  page_limit = pages_max;
}

bool landing_is_full(void)
{
  return page_count >= page_limit;
}

size_t landing_page_count(void)
{
  return page_count;
}

uintptr_t landing_at(uintptr_t pc)
{
  struct landing_page *page = find_page(pc);
  size_t offset = pc & (os_page_size() - 1);
  unsigned i = page ? first_behind(page, offset) : 0;

  return page && i < page->count && page->starts[i] <= offset ? page->address + page->starts[i] : 0;
}

void landing_abandon(void)
{
  pages = NULL;
  page_count = page_room = 0;
}
