/* Gaps between mappings. What lies right above the heap or right below the main stack counts as taken. */
#include "codemem/gap.h"
#include "host/host.h"
#include "os/memory.h"

/* Within a branch's reach, a sixteenth of it at most: elsewhere there may be no room at all. */
enum { ROOM_SHARE = 16 };
#define HEAP_ROOM (HOST_JUMP_REACH / ROOM_SHARE < UINT64_C(256) << 20 ? HOST_JUMP_REACH / ROOM_SHARE : UINT64_C(256) << 20)
#define STACK_ROOM (UINT64_C(128) << 20)


#define LOWEST (UINT64_C(64) << 10)           /* vm.mmap_min_addr, as systems set it */

/* The lowest stretch that ends above `address` and is mapped or may be grown into. */
static bool next_taken(struct os_maps *maps, uintptr_t address, struct os_mapping *taken)
{
  uintptr_t heap = os_heap_end(), heap_room = heap + HEAP_ROOM;
  bool mapped = os_maps_next(maps, address, taken);

  if (mapped && taken->stack)
    taken->start -= STACK_ROOM;
  if (heap && address < heap_room && (!mapped || heap < taken->start)) {
    *taken = (struct os_mapping){.start = heap, .end = heap_room};
    return true;
  }
  return mapped;
}

static bool look(struct gap_view *view, uintptr_t address, struct os_mapping *taken)
{
  if (address < view->from || address >= view->end) {
    view->any = next_taken(view->maps, address, &view->taken);
    view->from = address;
    view->end = view->any ? view->taken.end : UINTPTR_MAX;
  }
  *taken = view->taken;
  return view->any;
}

static uintptr_t distance(uintptr_t a, uintptr_t b)
{
  return a > b ? a - b : b - a;
}

/* The nearest place to search->around in the gap [low, high). */
static bool place_in(const struct gap_search *search, uintptr_t low, uintptr_t high, uintptr_t *start)
{
  size_t page = os_page_size();

  low = page_up(low > search->low ? low : search->low, page);
  high = page_down(high < search->high ? high : search->high, page);
  if (low >= high || high - low < search->size)
    return false;
  if (high - search->size < search->around)
    *start = high - search->size;
  else
    *start = low > search->around ? low : page_down(search->around, page);
  return true;
}

bool gap_find(struct os_maps *maps, const struct gap_search *search, uintptr_t *start, unsigned *tried)
{
  uintptr_t at = search->low > LOWEST ? search->low : LOWEST;
  uintptr_t end = search->high < HOST_ADDRESS_END ? search->high : HOST_ADDRESS_END;
  bool found = false;
  struct os_mapping taken;

  *tried = 0;
  while (at < end) {
    bool last = !next_taken(maps, at, &taken);
    uintptr_t gap_end = last ? end : taken.start;
    uintptr_t place;

    if (gap_end > at) {
      ++*tried;
      if (place_in(search, at, gap_end, &place) &&
          (!found || distance(place, search->around) < distance(*start, search->around))) {
        *start = place;
        found = true;
      }
    }
    if (last || (found && at > search->around))
      break;
    at = taken.end;
  }
  return found;
}

bool gap_is_free(struct gap_view *view, uintptr_t start, size_t size)
{
  struct os_mapping taken;

  if (start < LOWEST || start + size > HOST_ADDRESS_END)
    return false;
  return !look(view, start, &taken) || taken.start >= start + size;
}

bool gap_next_page(struct gap_view *view, uintptr_t start, uintptr_t end, uintptr_t *page)
{
  uintptr_t at = page_up(start > LOWEST ? start : LOWEST, os_page_size());
  struct os_mapping taken;

  while (at < end && at < HOST_ADDRESS_END) {
    if (!look(view, at, &taken) || taken.start > at) {
      *page = at;
      return true;
    }
    at = taken.end;
  }
  return false;
}
