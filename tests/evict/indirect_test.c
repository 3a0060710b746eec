/* Indirect jumps straight to every instruction that an entry covers or leans on, with every register, flag and byte of the stack
 * set up: from there on a function must do what it does unhooked, with each site hooked alone and all at once, however little
 * room jumps have; and each site is hit as often as a single-stepped run comes to it. Also beside a thread that changes hooks. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "blocks.h"
#include "hooks.h"
#include "spoil.h"

enum { COVERED = 8, BREAKPOINT = 0xCC, JUMPERS = 2, JUMPS = 30000, CHANGES = 100, AGAIN = 50, LONGER = 20 };

static uint64_t seed;

/* ---- hooked ---- */

static atomic_uint hits[SITES_MAX];
static bool hooked[SITES_MAX];
static sighook_hook hooks[SITES_MAX];
static unsigned long jumps, interior, trapping, trapping_for_others, entries[SIGHOOK_ENTRY_TRAP + 1];

static void count_hit(sighook_context *context, void *user)
{
  (void)context;
  atomic_fetch_add_explicit((atomic_uint *)user, 1, memory_order_relaxed);
  spoil_state();
}

static sighook_spec spec_for(const struct block *block, unsigned site, uint32_t flags)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .address = block->sites[site],
                        .flags = flags,
                        .handler = count_hit,
                        .user = &hits[site]};
}

static void install_one(const struct block *block, unsigned site, uint32_t flags)
{
  sighook_spec spec = spec_for(block, site, flags);

  REQUIRE(sighook_install(&spec, &hooks[site]) == SIGHOOK_OK);
  hooked[site] = true;
}

static void remove_one(unsigned site)
{
  REQUIRE(sighook_remove(hooks[site]) == SIGHOOK_OK);
  hooked[site] = false;
}

static sighook_entry entry_of(unsigned site)
{
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_query(hooks[site], &info) == SIGHOOK_OK);
  return info.entry;
}

/* All sites that `wanted` tells, in one batch; hooked ones go, others come. */
static void change_many(const struct block *block, const bool wanted[SITES_MAX])
{
  sighook_batch *batch;

  REQUIRE(sighook_batch_create(&batch) == SIGHOOK_OK);
  for (unsigned i = 0; i < block->count; i++) {
    sighook_spec spec = spec_for(block, i, 0);

    if (wanted[i])
      REQUIRE((hooked[i] ? sighook_batch_remove(batch, hooks[i]) : sighook_batch_install(batch, &spec, &hooks[i])) == SIGHOOK_OK);
  }
  REQUIRE(sighook_batch_commit(batch, NULL) == SIGHOOK_OK);
  sighook_batch_destroy(batch);
  for (unsigned i = 0; i < block->count; i++)
    hooked[i] ^= wanted[i];
}

static void complain(const struct block *block, unsigned number, const char *what)
{
  const uint8_t *at = (const uint8_t *)block_entry(block, number);

  fprintf(stderr, "%s, jump to its byte %lu, which reads %02x %02x %02x %02x, state %u: %s\n", block->name,
          (unsigned long)((uintptr_t)at - block->start), at[0], at[1], at[2], at[3], number % STATES, what);
  _exit(1);
}

static void jump_to(const struct block *block, unsigned number)
{
  static struct image image;
  uintptr_t at = block_entry(block, number);

  for (unsigned i = 0; i < block->count; i++)
    atomic_store(&hits[i], 0);
  block_set_up(block, number, &image);
  image_run(&image, at);
  jumps++;
  trapping += *(const uint8_t *)at == BREAKPOINT;
  trapping_for_others += *(const uint8_t *)at == BREAKPOINT && !hooked[number / STATES];
  if (!block_is_right(block, number, &image, true))
    complain(block, number, "other results");
  for (unsigned i = 0; i < block->count; i++)
    if (atomic_load(&hits[i]) != (hooked[i] ? block->arrivals[number][i] : 0)) {
      fprintf(stderr, "byte %lu: %u hits, %u arrivals\n", (unsigned long)(block->sites[i] - block->start), atomic_load(&hits[i]),
              block->arrivals[number][i]);
      complain(block, number, "other hits");
    }
}

/* To each instruction from the site on that begins within so many bytes. */
static void jump_around(const struct block *block, unsigned site, size_t bytes)
{
  for (unsigned i = site; i < block->count && block->sites[i] < block->sites[site] + bytes; i++)
    for (unsigned state = 0; state < STATES; state++)
      jump_to(block, i * STATES + state);
}

static void each_alone(const struct block *block, uint32_t flags)
{
  for (unsigned site = 0; site < block->count; site++) {
    unsigned long before = jumps;
    sighook_entry entry;

    install_one(block, site, flags);
    entry = entry_of(site);
    entries[entry] += !(flags & SIGHOOK_FORCE_TRAP);
    jump_around(block, site, COVERED);
    if (entry == SIGHOOK_ENTRY_PUNNED || entry == SIGHOOK_ENTRY_EVICTED)
      interior += jumps - before - STATES;
    remove_one(site);
    REQUIRE(block_is_pristine(block));
    jump_around(block, site, COVERED);
  }
}

static void all_at_once(const struct block *block)
{
  bool all[SITES_MAX];

  memset(all, true, sizeof all);
  for (unsigned way = 0; way < 3; way++) {           /* in one batch; one by one, upwards; downwards */
    if (way == 0)
      change_many(block, all);
    for (unsigned i = 0; way && i < block->count; i++)
      install_one(block, way == 1 ? i : block->count - 1 - i, 0);
    for (unsigned i = 0; i < block->count; i++)
      entries[entry_of(i)]++;
    jump_around(block, 0, block->end - block->start);
    if (way == 0)
      change_many(block, all);
    for (unsigned i = 0; way && i < block->count; i++) {
      remove_one(i);
      if (i % 4 == 0)
        jump_around(block, i, COVERED);
    }
    REQUIRE(block_is_pristine(block));
  }
}

static void jump_everywhere(void)
{
  for (unsigned i = 0; i < block_count; i++) {
    each_alone(&blocks[i], 0);
    each_alone(&blocks[i], SIGHOOK_FORCE_TRAP);
    all_at_once(&blocks[i]);
  }
  printf("%lu branches, %lu punned, %lu evicting, %lu traps where none was asked for; %lu jumps, %lu of them to what the entry "
         "of a lone site leans on, %lu to traps, %lu to such that stand there for another's sake\n",
         entries[SIGHOOK_ENTRY_BRANCH], entries[SIGHOOK_ENTRY_PUNNED], entries[SIGHOOK_ENTRY_EVICTED],
         entries[SIGHOOK_ENTRY_TRAP], jumps, interior, trapping, trapping_for_others);
}

/* ---- the room that jumps have ---- */

static void crowd(void)
{
  blocks_crowd(seed);
}

static void in_free_space(void)
{
  jump_everywhere();
  REQUIRE(entries[SIGHOOK_ENTRY_PUNNED] > 0 && interior > 0);
}

static void in_crowded_space(void)
{
  crowd();
  jump_everywhere();
  REQUIRE(entries[SIGHOOK_ENTRY_EVICTED] > 0 && interior > 0);
}

static void in_no_space(void)
{
  blocks_take_windows();
  jump_everywhere();
  REQUIRE(entries[SIGHOOK_ENTRY_EVICTED] > 0 && interior > 0 && trapping_for_others > 0);
}

/* ---- beside changes ---- */

static atomic_bool stop;
static atomic_uint current;           /* the block that is being changed */
static atomic_ulong jumps_made, wrong;

static void *jump_at_random(void *number)
{
  struct image *image = aligned_alloc(_Alignof(struct image), sizeof *image);
  uint64_t state = seed + 2 * (uintptr_t)number + 2;

  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    unsigned index = random_next(&state) % 4 ? atomic_load(&current) : (unsigned)(random_next(&state) % block_count);
    const struct block *block = &blocks[index];
    unsigned chosen = (unsigned)(random_next(&state) % block->cases);

    block_set_up(block, chosen, image);
    image_run(image, block_entry(block, chosen));
    if (!block_is_right(block, chosen, image, atomic_load(&wrong) < 10))
      atomic_fetch_add(&wrong, 1);
    atomic_fetch_add_explicit(&jumps_made, 1, memory_order_relaxed);
  }
  free(image);
  return NULL;
}

static const struct block *next_block(void)
{
  unsigned index = (unsigned)(random_next(&seed) % block_count);

  atomic_store(&current, index);
  return &blocks[index];
}

/* Some sites of a block, or all: they come as a batch or one by one, and go so too. */
static void change_at_random(void)
{
  static const uint32_t flags[] = {0, 0, 0, SIGHOOK_FORCE_TRAP};
  const struct block *block = next_block();
  unsigned order[SITES_MAX], share = 1 << random_next(&seed) % 5;
  bool chosen[SITES_MAX] = {false};

  for (unsigned i = 0; i < block->count; i++) {
    order[i] = i;
    chosen[i] = random_next(&seed) % share == 0;
  }
  shuffle(order, block->count, sizeof *order, &seed);
  if (random_next(&seed) % 2)
    change_many(block, chosen);
  for (unsigned i = 0; i < block->count; i++)
    if (chosen[order[i]] && !hooked[order[i]])
      install_one(block, order[i], flags[random_next(&seed) % 4]);
  if (random_next(&seed) % 2)
    change_many(block, chosen);
  for (unsigned i = 0; i < block->count; i++)
    if (hooked[order[i]])
      remove_one(order[i]);
  REQUIRE(block_is_pristine(block));
}

/* One of the sites for which others give way, by itself: what happens between two stores is seen by few, so it happens often. */
static void change_one_evicting(void)
{
  const struct block *block = next_block();
  unsigned site = (unsigned)(random_next(&seed) % block->count);
  sighook_spec spec = spec_for(block, site, 0);
  sighook_info info = {.size = sizeof info};

  REQUIRE(sighook_check(&spec, &info) == SIGHOOK_OK);
  if (info.entry != SIGHOOK_ENTRY_EVICTED)
    return;
  for (unsigned i = 0; i < AGAIN; i++) {
    install_one(block, site, 0);
    remove_one(site);
  }
  entries[info.entry] += AGAIN;
  REQUIRE(block_is_pristine(block));
}

static void beside_changes(void (*take_room)(void))
{
  unsigned long share = getenv("SIGHOOK_LONG") ? LONGER : 1, changes = 0;
  pthread_t jumpers[JUMPERS];

  take_room();
  for (uintptr_t i = 0; i < JUMPERS; i++)
    REQUIRE(pthread_create(&jumpers[i], NULL, jump_at_random, (void *)i) == 0);
  for (; changes < CHANGES * share || atomic_load(&jumps_made) < JUMPS * share; changes++) {
    change_at_random();
    change_one_evicting();
  }
  atomic_store(&stop, true);
  for (unsigned i = 0; i < JUMPERS; i++)
    pthread_join(jumpers[i], NULL);
  printf("%lu jumps, %lu rounds of changes, %lu evicting entries by themselves\n", atomic_load(&jumps_made), changes,
         entries[SIGHOOK_ENTRY_EVICTED]);
  REQUIRE(atomic_load(&wrong) == 0);
}

static void beside_changes_in_crowded_space(void)
{
  beside_changes(crowd);
}

static void beside_changes_in_no_space(void)
{
  beside_changes(blocks_take_windows);
}

static void in_a_child(void **work)
{
  assert_true(in_child((void (*)(void))*work));
}

static int start(void **state)
{
  (void)state;
  seed = random_seed();
  blocks_start();
  return 0;
}

#define IN_CHILD(work) {"jumps_are_right_" #work, in_a_child, NULL, NULL, (void *)work}

int main(void)
{
  const struct CMUnitTest tests[] = {IN_CHILD(in_free_space), IN_CHILD(in_crowded_space), IN_CHILD(in_no_space),
                                     IN_CHILD(beside_changes_in_crowded_space), IN_CHILD(beside_changes_in_no_space)};

  return cmocka_run_group_tests(tests, start, NULL);
}
