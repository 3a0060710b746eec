/* The table of counts: a block for each program, functions by number of calls. */
#include "count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct row {
  const char *name;
  uint64_t calls;
  uint64_t address;
  bool is_ifunc;
  const char *module;
};

/* All processes that ran one program. */
struct block {
  const char *program;
  unsigned processes, threads;
  struct row *rows;
  size_t count, room;
};

struct totals {
  unsigned hooked, called, refused;
  uint64_t lost;
};

static const char *last_part(const char *path)
{
  const char *slash = strrchr(path, '/');

  return slash ? slash + 1 : path;
}

static uint64_t calls_of(struct channel *channel, const struct channel_process *process, uint32_t counter)
{
  uint64_t calls = 0;

  for (uint64_t at = atomic_load(&process->chunks); at;) {
    const struct channel_chunk *chunk = channel_at(channel, at);

    if (chunk->number == counter / COUNTER_CHUNK)
      calls += chunk->counters[counter % COUNTER_CHUNK].hits;
    at = chunk->next;
  }
  return calls;
}

static unsigned threads_of(struct channel *channel, const struct channel_process *process)
{
  uint32_t seen[1024];
  unsigned count = 0;

  for (uint64_t at = atomic_load(&process->chunks); at;) {
    const struct channel_chunk *chunk = channel_at(channel, at);
    unsigned i = 0;

    while (i < count && seen[i] != chunk->thread)
      i++;
    if (i == count && count < 1024)
      seen[count++] = chunk->thread;
    at = chunk->next;
  }
  return count;
}

static struct row *find_row(struct block *block, const char *name)
{
  for (size_t i = 0; i < block->count; i++)
    if (strcmp(block->rows[i].name, name) == 0)
      return &block->rows[i];
  if (block->count == block->room) {
    block->room = block->room ? block->room * 2 : 64;
    block->rows = realloc(block->rows, block->room * sizeof *block->rows);
  }
  block->rows[block->count] = (struct row){.name = name};
  return &block->rows[block->count++];
}

static void add_process(struct block *block, struct channel *channel, const struct channel_process *process)
{
  const struct channel_site *sites = channel_at(channel, process->sites);

  for (uint32_t i = 0; i < process->site_count; i++) {
    uint64_t calls = sites[i].answer == ANSWER_HOOKED ? calls_of(channel, process, sites[i].counter) : 0;
    struct row *row;

    if (!calls)
      continue;
    row = find_row(block, channel_at(channel, sites[i].name));
    row->calls += calls;
    row->is_ifunc = sites[i].is_ifunc;
    row->address = sites[i].address;
    row->module = channel_at(channel, sites[i].module);
  }
  block->processes++;
  block->threads += threads_of(channel, process);
}

static size_t make_blocks(const struct count_run *run, struct block **blocks)
{
  uint32_t processes = atomic_load(&run->channel->process_count);
  size_t count = 0;

  *blocks = calloc(CHANNEL_PROCESSES, sizeof **blocks);
  for (uint32_t i = 0; i < processes && i < CHANNEL_PROCESSES; i++) {
    const struct channel_process *process = &run->channel->processes[i];
    size_t at = 0;

    if (!process->site_count)
      continue;
    while (at < count && strcmp((*blocks)[at].program, process->program) != 0)
      at++;
    if (at == count)
      (*blocks)[count++] = (struct block){.program = process->program};
    add_process(&(*blocks)[at], run->channel, process);
  }
  return count;
}

static int by_calls(const void *a, const void *b)
{
  const struct row *left = a, *right = b;

  if (left->calls != right->calls)
    return left->calls < right->calls ? 1 : -1;
  return strcmp(left->name, right->name);
}

/* Where the chosen target of an IFUNC lies, by the file's own map: names of such targets are seldom exported. */
static void print_target(FILE *out, const struct row *row, const struct count_run *run)
{
  struct module module = {.path = (char *)row->module};
  uint64_t page = row->address & 0xFFF;

  (void)run;
  module_read_symbols(&module);
  for (size_t i = 0; i < module.count; i++)
    if (!module.symbols[i].is_ifunc && (module.symbols[i].offset & 0xFFF) == page && module.symbols[i].offset == row->address) {
      fprintf(out, " -> %s", module.symbols[i].name);
      return;
    }
}

static void print_json_text(FILE *out, const char *text)
{
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      fprintf(out, "\\%c", *text);
    else if ((unsigned char)*text < 0x20)
      fprintf(out, "\\u%04x", *text);
    else
      fputc(*text, out);
  }
  fputc('"', out);
}

static void print_block(FILE *out, const struct count_run *run, const struct block *block, bool headed)
{
  if (run->json) {
    for (size_t i = 0; i < block->count; i++) {
      fputs("{\"ev\":\"count\",\"program\":", out);
      print_json_text(out, last_part(block->program));
      fputs(",\"fn\":", out);
      print_json_text(out, block->rows[i].name);
      fprintf(out, ",\"calls\":%llu}\n", (unsigned long long)block->rows[i].calls);
    }
    return;
  }
  if (headed)
    fprintf(out, "# %s (%u process%s, %u thread%s)\n", last_part(block->program), block->processes,
            block->processes == 1 ? "" : "es", block->threads, block->threads == 1 ? "" : "s");
  fprintf(out, "%10s  %s\n", "calls", "function");
  for (size_t i = 0; i < block->count; i++) {
    fprintf(out, "%10llu  %s", (unsigned long long)block->rows[i].calls, block->rows[i].name);
    if (block->rows[i].is_ifunc)
      print_target(out, &block->rows[i], run);
    fputc('\n', out);
  }
}

static struct totals add_up(const struct count_run *run)
{
  const struct channel_process *first = run->channel->processes;
  const struct channel_site *sites = channel_at(run->channel, first->sites);
  uint32_t processes = atomic_load(&run->channel->process_count);
  struct totals totals = {0};

  for (uint32_t i = 0; i < first->site_count; i++) {
    totals.hooked += sites[i].answer == ANSWER_HOOKED;
    totals.refused += sites[i].answer == ANSWER_REFUSED;
    totals.called += sites[i].answer == ANSWER_HOOKED && calls_of(run->channel, first, sites[i].counter) > 0;
  }
  for (uint32_t i = 0; i < processes && i < CHANNEL_PROCESSES; i++)
    totals.lost += atomic_load(&run->channel->processes[i].lost);
  return totals;
}

static void print_notes(const struct count_run *run, const struct totals *totals)
{
  enum { REFUSED_SHOWN = 3 };
  const struct channel_process *first = run->channel->processes;
  const struct channel_site *sites = channel_at(run->channel, first->sites);
  uint32_t notes = atomic_load(&run->channel->note_count), processes = atomic_load(&run->channel->process_count);
  unsigned shown = 0;

  for (uint32_t i = 0; i < first->site_count; i++)
    if (sites[i].answer == ANSWER_REFUSED && (run->verbose || shown++ < REFUSED_SHOWN))
      fprintf(stderr, "sighook: note: not hooked: %s: %s\n", (char *)channel_at(run->channel, sites[i].name), sites[i].reason);
  if (!run->verbose && totals->refused > REFUSED_SHOWN)
    fprintf(stderr, "sighook: note: %u more not hooked; -v names them\n", totals->refused - REFUSED_SHOWN);
  for (uint32_t i = 0; i < notes && i < CHANNEL_NOTES; i++)
    fprintf(stderr, "sighook: note: not followed: %s\n", run->channel->notes[i]);
  if (processes > CHANNEL_PROCESSES)
    fprintf(stderr, "sighook: note: %u processes beyond the first %d were not counted\n", processes - CHANNEL_PROCESSES,
            CHANNEL_PROCESSES);
}

static void print_end(const struct count_run *run, const struct totals *totals)
{
  char how[64];

  if (WIFSIGNALED(run->status))
    snprintf(how, sizeof how, "was killed by signal %d", WTERMSIG(run->status));
  else
    snprintf(how, sizeof how, "exited %d", WEXITSTATUS(run->status));
  fprintf(stderr, "sighook: %s %s, %.2f s; %u functions hooked (%u branch), %u never called, %llu lost\n",
          last_part(run->command[0]), how, (double)(run->end_ns - run->start_ns) / 1e9, totals->hooked, totals->hooked,
          totals->hooked - totals->called, (unsigned long long)totals->lost);
}

void report(const struct count_run *run)
{
  FILE *out = run->output ? fopen(run->output, "we") : stderr;
  struct totals totals = add_up(run);
  struct block *blocks;
  size_t count = make_blocks(run, &blocks);

  if (!out) {
    perror(run->output);
    out = stderr;
  }
  if (!atomic_load(&run->channel->process_count))
    fprintf(stderr, "sighook: the agent did not start in %s: nothing was counted\n", run->program);
  for (size_t i = 0; i < count; i++) {
    qsort(blocks[i].rows, blocks[i].count, sizeof *blocks[i].rows, by_calls);
    print_block(out, run, &blocks[i], count > 1);
  }
  if (!run->quiet && !run->json) {
    print_notes(run, &totals);
    print_end(run, &totals);
  }
  if (run->json)
    fprintf(out, "{\"ev\":\"end\",\"exit\":%d,\"signal\":%d,\"hooked\":%u,\"lost\":%llu}\n",
            WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1, WIFSIGNALED(run->status) ? WTERMSIG(run->status) : 0,
            totals.hooked, (unsigned long long)totals.lost);
  if (out != stderr)
    fclose(out);
}
