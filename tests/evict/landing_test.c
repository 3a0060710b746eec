/* Islands on landing pages: whatever is asked for, none lies over another, each is where the search said, and pages are filled.
 * */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include "code.h"
#include "codemem/landing.h"
#include "host/host.h"
#include "isa/x86_64/insn.h"

enum { PAGE = 4096, PAGES = 64, ISLANDS_MAX = 40000, ROUNDS = 6000, WINDOWS = 3000 };

struct island {
  uintptr_t place, target;
};

static struct os_maps maps;
static struct os_text text;
static uint64_t seed;
static uintptr_t ground;              /* where nothing is mapped */
static struct island islands[ISLANDS_MAX];
static unsigned island_count;

/* What an island leads to is never run here. */
static uintptr_t random_target(void)
{
  return ground + (random_next(&seed) % 8 ? random_next(&seed) % (UINT64_C(1) << 28) : random_next(&seed) % (UINT64_C(1) << 44));
}

static size_t length_of(uintptr_t place, uintptr_t target)
{
  uint8_t bytes[HOST_ISLAND_MAX];

  return host_island(place, target, bytes);
}

static void note(uintptr_t place, uintptr_t target)
{
  for (unsigned i = 0; i < island_count; i++) {
    if (islands[i].place == place && islands[i].target == target)
      return;
    assert_true(islands[i].place + length_of(islands[i].place, islands[i].target) <= place ||
                place + length_of(place, target) <= islands[i].place);
  }
  assert_true(island_count < ISLANDS_MAX);
  islands[island_count++] = (struct island){place, target};
}

static bool put(uintptr_t place, uintptr_t target)
{
  if (landing_put(&text, place, target) != 0)
    return false;
  note(place, target);
  return true;
}

static void check_islands(void)
{
  for (unsigned i = 0; i < island_count; i++) {
    uint8_t bytes[HOST_ISLAND_MAX];
    size_t length = host_island(islands[i].place, islands[i].target, bytes);

    assert_memory_equal(bytes, (const void *)islands[i].place, length);
    for (unsigned at = 0; at < length; at++)
      assert_true(landing_at(islands[i].place + at) == islands[i].place);
    assert_true(islands[i].place % PAGE <= PAGE - length);
  }
}

static struct landing_request random_request(void)
{
  struct landing_request request = {.first = ground + random_next(&seed) % (PAGES * PAGE), .target = random_target()};

  request.last = request.first + (random_next(&seed) % 2 ? 0 : random_next(&seed) % (2 * PAGE));
  request.offset_count = (unsigned)(random_next(&seed) % (LANDING_OFFSETS_MAX + 1));
  for (unsigned i = 0; i < request.offset_count; i++)
    request.offsets[i] = (intptr_t)(random_next(&seed) % 64) - 32 + (intptr_t)(random_next(&seed) % 3 * 256);
  return request;
}

static void islands_never_overlap(void **state)
{
  unsigned complete_ones = 0;

  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    struct landing_request request = random_request();
    uintptr_t place;
    bool complete;

    if (!landing_find(&maps, &request, &place, &complete))
      continue;
    assert_in_range(place, request.first, request.last);
    assert_true(put(place, request.target));
    complete_ones += complete;
    for (unsigned i = 0; i < request.offset_count; i++)
      if (!put(place + (uintptr_t)request.offsets[i], request.target))
        assert_false(complete);        /* what was promised can be had */
  }
  print_message("%u islands, %u requests fulfilled\n", island_count, complete_ones);
  assert_true(complete_ones > ROUNDS / 100);
  check_islands();
}

/* The same place for the same target costs nothing. */
static void an_island_is_used_again(void **state)
{
  (void)state;
  for (unsigned i = 0; i < island_count; i += 7) {
    struct landing_request request = {.first = islands[i].place, .last = islands[i].place, .target = islands[i].target};
    uintptr_t place;
    bool complete;

    assert_true(landing_find(&maps, &request, &place, &complete));
    assert_true(place == islands[i].place && complete);
    assert_int_equal(landing_put(&text, place, request.target), 0);
    request.target++;
    assert_false(landing_find(&maps, &request, &place, &complete));
    assert_int_not_equal(landing_put(&text, islands[i].place, request.target), 0);
  }
  check_islands();
}

/* Windows that meet share pages: these hold almost as many islands as there is room for. */
static void wide_windows_share_pages(void **state)
{
  uintptr_t base = ground + (UINT64_C(1) << 32);
  size_t before = landing_page_count(), pages;

  (void)state;
  for (unsigned i = 0; i < WINDOWS; i++) {
    struct landing_request request = {.first = base + random_next(&seed) % (UINT64_C(1) << 24), .target = random_target()};
    uintptr_t place;
    bool complete;

    request.last = request.first + (UINT64_C(1) << 24) - 1;
    assert_true(landing_find(&maps, &request, &place, &complete));
    assert_true(put(place, request.target));
  }
  pages = landing_page_count() - before;
  print_message("%u islands on %zu pages\n", (unsigned)WINDOWS, pages);
  assert_in_range(pages, 1, 2 * WINDOWS * HOST_ISLAND_MAX / PAGE + 8);
  check_islands();
}

static int start(void **state)
{
  (void)state;
  seed = random_seed();
  ground = UINT64_C(0x100000000000);
  host_start();
  os_text_open(&text);
  return os_maps_open(&maps);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(islands_never_overlap),
      cmocka_unit_test(an_island_is_used_again),
      cmocka_unit_test(wide_windows_share_pages),
  };

  return cmocka_run_group_tests(tests, start, NULL);
}
