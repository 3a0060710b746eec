/* Adding up what processes counted. */
#include "tally.h"

#include <sighook/hook.h>
#include <sighook/status.h>
#include <stdlib.h>
#include <string.h>
#include "doubt.h"

static struct tally all;

const struct tally *tally(void)
{
  return &all;
}

/* ---- a process's counters ---- */

enum { COUNTERS_MAX = COUNTER_CHUNK * COUNTER_CHUNKS_MAX };

/* The command's own copy of what a process left behind. */
struct sums {
  struct channel_site *sites;    /* of the plan's picks */
  uint32_t thread_counter;       /* see struct channel_image */
  uint64_t *calls;               /* by counter's number */
  uint32_t size;
  bool is_sound;
};

/* A site with a counter or an entry that cannot be is left out. */
static void read_sites(struct sums *sums, const struct image *image)
{
  size_t count = image->plan->count;

  sums->sites = checked(malloc(count * sizeof *sums->sites));
  channel_copy(sums->sites, image->memory->sites, count * sizeof *sums->sites);
  sums->thread_counter = __atomic_load_n(&image->memory->thread_counter, __ATOMIC_RELAXED);
  sums->is_sound = sums->thread_counter <= COUNTERS_MAX;
  if (!sums->is_sound)
    sums->thread_counter = 0;
  sums->size = sums->thread_counter;
  for (size_t i = 0; i < count; i++) {
    struct channel_site *site = &sums->sites[i];

    if (site->answer != ANSWER_HOOKED)
      continue;
    if (site->counter >= COUNTERS_MAX || site->entry == SIGHOOK_ENTRY_NONE || site->entry >= ENTRY_KINDS) {
      sums->is_sound = false;
      site->answer = ANSWER_NONE;
    } else if (site->counter >= sums->size) {
      sums->size = site->counter + 1;
    }
  }
}

static void sum_counters(struct sums *sums, struct channel *channel, const struct chunks *chunks)
{
  sums->calls = checked(calloc(sums->size + 1, sizeof *sums->calls));
  for (size_t i = 0; i < chunks->count; i++) {
    const struct channel_chunk *chunk = channel_at(channel, chunks->offsets[i]);
    uint32_t number = __atomic_load_n(&chunk->number, __ATOMIC_RELAXED), first = number * COUNTER_CHUNK;

    if (number >= COUNTER_CHUNKS_MAX) {
      sums->is_sound = false;
      continue;
    }
    for (uint32_t j = 0; j < COUNTER_CHUNK && first + j < sums->size; j++)
      sums->calls[first + j] += chunk->counters[j].hits;
  }
}

/* ---- rows ---- */

static size_t hash_of(const struct pick *pick)
{
  return ((size_t)pick->module ^ pick->offset) * UINT64_C(0x9E3779B97F4A7C15) >> 24;
}

static bool same_pick(const struct pick *a, const struct pick *b)
{
  return a == b || (a->module == b->module && a->offset == b->offset);
}

bool row_same(const struct row *a, const struct row *b)
{
  return same_pick(a->pick, b->pick);
}

static void rebuild_index(struct block *block)
{
  free(block->index);
  block->index_size = block->index_size ? block->index_size * 2 : 256;
  block->index = checked(calloc(block->index_size, sizeof *block->index));
  for (size_t i = 0; i < block->count; i++) {
    size_t slot = hash_of(block->rows[i].pick);

    while (block->index[slot % block->index_size])
      slot++;
    block->index[slot % block->index_size] = (uint32_t)i + 1;
  }
}

static struct row *find_row(struct block *block, const struct pick *pick)
{
  size_t slot = hash_of(pick);

  if (block->count * 2 >= block->index_size)
    rebuild_index(block);
  for (; block->index[slot % block->index_size]; slot++) {
    struct row *row = &block->rows[block->index[slot % block->index_size] - 1];

    if (same_pick(row->pick, pick))
      return row;
  }
  block->rows = grown(block->rows, block->count, &block->room, sizeof *block->rows);
  block->rows[block->count] = (struct row){.pick = pick};
  block->index[slot % block->index_size] = (uint32_t)++block->count;
  return &block->rows[block->count - 1];
}

static struct block *find_block(const struct module *program)
{
  for (size_t i = 0; i < all.count; i++)
    if (strcmp(all.blocks[i].program->path, program->path) == 0)
      return &all.blocks[i];
  all.blocks = grown(all.blocks, all.count, &all.room, sizeof *all.blocks);
  all.blocks[all.count] = (struct block){.program = program};
  return &all.blocks[all.count++];
}

/* ---- adding ---- */

/* "__memcmp_evex_movbe", or where names are stripped "libc.so.6+0x17c640". */
static char *target_name(const struct plan *plan, const struct channel_site *site)
{
  const struct module *module = site->target_module < plan->module_count ? plan->modules[site->target_module] : NULL;
  const char *name = module ? module_name_at(module, site->target) : NULL;
  char *text = NULL;
  int length = name     ? asprintf(&text, "%s", name)
               : module ? asprintf(&text, "%s+%#lx", module->file, (unsigned long)site->target)
                        : asprintf(&text, "%#lx", (unsigned long)site->target);

  return checked(length < 0 ? NULL : text);
}

/* Why a site was refused. */
static char *reason_of(const struct image *image, const struct channel_site *site)
{
  uint64_t room = site->reason < image->size ? image->size - site->reason : 0;
  char text[CHANNEL_REASON];

  if (!site->reason || !room)
    return checked(strdup(sighook_status_text((sighook_status)site->status)));
  if (room > sizeof text)
    room = sizeof text;
  channel_copy(text, (const char *)image->memory + site->reason, room);
  channel_end_text(text, room);
  return checked(strdup(text));
}

static void add_site(struct block *block, const struct image *image, size_t index, const struct sums *sums)
{
  const struct channel_site *site = &sums->sites[index];
  struct row *row;

  if (site->answer != ANSWER_HOOKED && site->answer != ANSWER_REFUSED)
    return;
  row = find_row(block, &image->plan->picks[index]);
  if (site->is_ifunc && !row->target)
    row->target = target_name(image->plan, site);
  if (site->answer == ANSWER_HOOKED) {
    row->entry = site->entry;
    row->calls += sums->calls[site->counter];
  } else if (!row->reason) {
    row->reason = reason_of(image, site);
  }
}

void tally_refused(uint64_t chunks)
{
  all.refused_chunks += chunks;
}

bool tally_add(struct count_run *run, const struct image *image, const struct chunks *chunks)
{
  struct block *block = find_block(image->plan->modules[0]);
  struct sums sums;

  read_sites(&sums, image);
  sum_counters(&sums, run->channel, chunks);
  for (size_t i = 0; i < image->plan->count; i++)
    add_site(block, image, i, &sums);
  block->processes++;
  block->threads += 1 + (sums.thread_counter ? sums.calls[sums.thread_counter - 1] : 0);
  free(sums.calls);
  free(sums.sites);
  return sums.is_sound;
}

/* ---- totals ---- */

static int by_function(const void *a, const void *b)
{
  const struct row *left = *(const struct row *const *)a, *right = *(const struct row *const *)b;

  if (left->pick->module != right->pick->module)
    return left->pick->module < right->pick->module ? -1 : 1;
  return (left->pick->offset > right->pick->offset) - (left->pick->offset < right->pick->offset);
}

static void add_function(struct totals *totals, const struct row *const *rows, size_t count)
{
  bool hooked = false, called = false;
  unsigned entry = SIGHOOK_ENTRY_NONE;

  for (size_t i = 0; i < count; i++) {
    hooked |= rows[i]->entry != SIGHOOK_ENTRY_NONE;
    called |= rows[i]->calls != 0;
    entry = rows[i]->entry > entry ? rows[i]->entry : entry;
    totals->calls += rows[i]->calls;
  }
  totals->hooked += hooked;
  totals->called += called;
  totals->refused += !hooked;
  totals->entries[entry]++;
}

struct totals tally_totals(void)
{
  struct totals totals = {0};
  const struct row **rows;
  size_t count = 0, at = 0;

  for (size_t i = 0; i < all.count; i++)
    count += all.blocks[i].count;
  rows = checked(calloc(count + 1, sizeof *rows));
  for (size_t i = 0; i < all.count; i++)
    for (size_t j = 0; j < all.blocks[i].count; j++)
      rows[at++] = &all.blocks[i].rows[j];
  qsort(rows, count, sizeof *rows, by_function);
  for (size_t i = 0, end; i < count; i = end) {
    for (end = i + 1; end < count && row_same(rows[i], rows[end]); end++)
      ;
    add_function(&totals, &rows[i], end - i);
  }
  free(rows);
  return totals;
}
