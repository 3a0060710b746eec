/* Adding up what processes counted. */
#include "tally.h"

#include <sighook/hook.h>
#include <sighook/status.h>
#include <stdlib.h>
#include <string.h>

static struct tally all;

const struct tally *tally(void)
{
  return &all;
}

/* ---- a process's counters ---- */

struct sums {
  uint64_t *calls;               /* by counter's number */
  uint32_t size;
};

static struct sums sum_counters(struct channel *channel, const struct channel_process *process,
                                const struct channel_image *image)
{
  struct sums sums = {.size = image->thread_counter};

  for (uint32_t i = 0; i < image->site_count; i++)
    if (image->sites[i].answer == ANSWER_HOOKED && image->sites[i].counter >= sums.size)
      sums.size = image->sites[i].counter + 1;
  sums.calls = checked(calloc(sums.size + 1, sizeof *sums.calls));
  for (uint64_t at = atomic_load(&process->chunks); at;) {
    const struct channel_chunk *chunk = channel_at(channel, at);
    uint32_t first = chunk->number * COUNTER_CHUNK;

    for (uint32_t i = 0; i < COUNTER_CHUNK && first + i < sums.size; i++)
      sums.calls[first + i] += chunk->counters[i].hits;
    at = chunk->next;
  }
  return sums;
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

static void add_site(struct block *block, const struct plan *plan, uint32_t index, const struct channel_image *image,
                     const struct sums *sums)
{
  const struct channel_site *site = &image->sites[index];
  struct row *row;

  if (site->answer != ANSWER_HOOKED && site->answer != ANSWER_REFUSED)
    return;
  row = find_row(block, &plan->picks[index]);
  if (site->is_ifunc && !row->target)
    row->target = target_name(plan, site);
  if (site->answer == ANSWER_HOOKED) {
    row->entry = site->entry < ENTRY_KINDS ? site->entry : SIGHOOK_ENTRY_NONE;
    row->calls += sums->calls[site->counter];
  } else if (!row->reason) {
    row->reason = checked(strdup(site->reason ? (const char *)image + site->reason
                                              : sighook_status_text((sighook_status)site->status)));
  }
}

void tally_add(struct count_run *run, const struct channel_process *process)
{
  const struct channel_image *image = process->image ? channel_at(run->channel, process->image) : NULL;
  const struct plan *plan = image ? plan_at(process->plan) : NULL;
  struct block *block;
  struct sums sums;

  all.refused_chunks += atomic_load(&process->refused_chunks);
  if (!image || atomic_load(&process->state) != PROCESS_RUNS)
    return;
  sums = sum_counters(run->channel, process, image);
  block = find_block(plan->modules[0]);
  for (uint32_t i = 0; i < image->site_count; i++)
    add_site(block, plan, i, image, &sums);
  block->processes++;
  block->threads += 1 + (image->thread_counter ? sums.calls[image->thread_counter - 1] : 0);
  free(sums.calls);
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
