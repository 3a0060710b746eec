/* Landing pages, sorted by address, each with the offsets of its islands. Islands do not cross pages. */
#include "codemem/landing.h"

#include <errno.h>
#include "codemem/gap.h"
#include "core/heap.h"
#include "host/host.h"
#include "os/memory.h"
#include "patch/poke.h"

enum { FIRST_STARTS = 8, CANDIDATES_MAX = 64 };

struct landing_page {
  uintptr_t address;
  uint16_t count, room;
  uint16_t *starts;
};

static struct landing_page *pages;
static size_t page_count, page_room;

/* The first page that does not lie below `address`. */
static size_t lower_bound(uintptr_t address)
{
  size_t low = 0, high = page_count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (pages[middle].address < address)
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

  return index < page_count && pages[index].address == start ? &pages[index] : NULL;
}

static bool fits_in_page(const struct landing_page *page, size_t offset)
{
  for (unsigned i = 0; i < page->count; i++)
    if (offset < page->starts[i] + (size_t)HOST_ISLAND_MAX && page->starts[i] < offset + HOST_ISLAND_MAX)
      return false;
  return true;
}

/* Whether an island that leads to `target` begins at that offset. */
static bool leads_to(const struct landing_page *page, size_t offset, uintptr_t target)
{
  uint8_t bytes[HOST_ISLAND_MAX];
  size_t length = host_island(page->address + offset, target, bytes);
  bool begins = false;

  for (unsigned i = 0; i < page->count; i++)
    begins |= page->starts[i] == offset;
  for (size_t i = 0; begins && i < length; i++)
    begins = ((const volatile uint8_t *)page->address)[offset + i] == bytes[i];
  return begins;
}

static bool fits_on(const struct landing_page *page, size_t offset, uintptr_t target)
{
  return fits_in_page(page, offset) || leads_to(page, offset, target);
}

static bool fits(struct os_maps *maps, uintptr_t place, uintptr_t target)
{
  size_t size = os_page_size(), offset = place & (size - 1);
  struct landing_page *page;

  if (offset + HOST_ISLAND_MAX > size)
    return false;
  page = find_page(place);
  return page ? fits_on(page, offset, target) : gap_is_free(maps, place - offset, size);
}

static unsigned fitting_offsets(struct os_maps *maps, const struct landing_request *request, uintptr_t place)
{
  unsigned count = 0;

  for (unsigned i = 0; i < request->offset_count; i++)
    count += fits(maps, place + (uintptr_t)request->offsets[i], request->target);
  return count;
}

/* The next place at or above `at` in the window, on a landing page or on a page that is free. */
static bool next_place(struct os_maps *maps, const struct landing_request *request, uintptr_t at, uintptr_t *place)
{
  size_t size = os_page_size();

  while (at <= request->last) {
    struct landing_page *page = find_page(at);
    uintptr_t free_page;

    if (page) {
      uintptr_t end = page->address + size - HOST_ISLAND_MAX;

      for (; at <= request->last && at <= end; at++)
        if (fits_on(page, at - page->address, request->target)) {
          *place = at;
          return true;
        }
      at = page->address + size;
      continue;
    }
    if (!gap_next_page(maps, page_down(at, size), request->last + 1, &free_page))
      return false;
    if (free_page > at)
      at = free_page;
    if (find_page(at))
      continue;
    if ((at & (size - 1)) + HOST_ISLAND_MAX <= size && at <= request->last) {
      *place = at;
      return true;
    }
    at = page_down(at, size) + size;
  }
  return false;
}

bool landing_find(struct os_maps *maps, const struct landing_request *request, uintptr_t *place, bool *complete)
{
  uintptr_t at = request->first, candidate;
  unsigned best = 0;
  bool found = false;

  *complete = false;
  for (unsigned i = 0; i < CANDIDATES_MAX && !*complete && next_place(maps, request, at, &candidate); i++) {
    unsigned count = fitting_offsets(maps, request, candidate);

    if (!found || count > best) {
      *place = candidate;
      best = count;
      *complete = count == request->offset_count;
    }
    found = true;
    at = page_down(candidate, os_page_size()) + os_page_size();
  }
  return found;
}

static bool make_room_for_page(void)
{
  size_t room = page_room ? page_room * 2 : 256;
  struct landing_page *larger;

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

  if (!make_room_for_page())
    return ENOMEM;
  failure = os_allocate_at(address, os_page_size(), OS_READ | OS_EXECUTE);
  if (failure)
    return failure;
  index = lower_bound(address);
  for (size_t i = page_count; i > index; i--)
    pages[i] = pages[i - 1];
  pages[index] = (struct landing_page){.address = address};
  page_count++;
  *page = &pages[index];
  return 0;
}

static bool add_start(struct landing_page *page, size_t offset)
{
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
  page->starts[page->count++] = (uint16_t)offset;
  return true;
}

int landing_put(struct os_text *text, uintptr_t place, uintptr_t target)
{
  struct landing_page *page = find_page(place);
  uint8_t bytes[HOST_ISLAND_MAX];
  size_t length = host_island(place, target, bytes);
  int failure = page ? 0 : add_page(page_down(place, os_page_size()), &page);

  if (page && leads_to(page, place - page->address, target))
    return 0;
  if (failure)
    return failure;
  if (!add_start(page, place - page->address))
    return ENOMEM;
  return poke_idle(text, place, bytes, length);
}

size_t landing_page_count(void)
{
  return page_count;
}

uintptr_t landing_at(uintptr_t pc)
{
  struct landing_page *page = find_page(pc);

  for (unsigned i = 0; page && i < page->count; i++)
    if (pc >= page->address + page->starts[i] && pc < page->address + page->starts[i] + HOST_ISLAND_MAX)
      return page->address + page->starts[i];
  return 0;
}

void landing_abandon(void)
{
  pages = NULL;
  page_count = page_room = 0;
}
