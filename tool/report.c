/* The table of counts: a block for each program, functions by number of calls; then what was not counted, and the last line. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "notes.h"
#include "tally.h"

enum { COLUMN = 10, REASONS_SHOWN = 3, NAMES_SHOWN = 8, NUMBER = 32 };

static const char bold[] = "\033[1m", plain[] = "\033[0m";

/* ---- the table ---- */

static int by_calls(const void *a, const void *b)
{
  const struct row *left = a, *right = b;

  if (left->calls != right->calls)
    return left->calls < right->calls ? 1 : -1;
  return strcmp(left->pick->name, right->pick->name);
}

/* 18314243, or for a terminal 18,314,243. */
static const char *number(uint64_t value, bool separated, char text[NUMBER])
{
  char *at = text + NUMBER - 1;

  *at = 0;
  for (unsigned digits = 0; value || !digits; digits++, value /= 10) {
    if (separated && digits && digits % 3 == 0)
      *--at = ',';
    *--at = (char)('0' + value % 10);
  }
  return at;
}

static int width_of(const struct block *block, bool separated)
{
  char text[NUMBER];
  int length = block->count ? (int)strlen(number(block->rows[0].calls, separated, text)) : 0;

  return length > COLUMN ? length : COLUMN;
}

static void print_block(const struct count_run *run, const struct block *block, bool headed, bool on_terminal)
{
  bool colored = run->color == COLOR_ALWAYS || (run->color == COLOR_AUTO && on_terminal && !getenv("NO_COLOR"));
  int width = width_of(block, on_terminal);
  char text[NUMBER];

  if (headed)
    fprintf(run->out, "%s# %s (%u process%s, %llu thread%s)%s\n", colored ? bold : "", block->program->file,
            block->processes, block->processes == 1 ? "" : "es", (unsigned long long)block->threads,
            block->threads == 1 ? "" : "s", colored ? plain : "");
  if (headed && (!block->count || !block->rows[0].calls))
    return;
  fprintf(run->out, "%s%*s  %s%s\n", colored ? bold : "", width, "calls", "function", colored ? plain : "");
  for (size_t i = 0; i < block->count && block->rows[i].calls; i++) {
    const struct row *row = &block->rows[i];

    fprintf(run->out, "%*s  %s", width, number(row->calls, on_terminal, text), row->pick->name);
    if (row->target)
      fprintf(run->out, " -> %s", row->target);
    fputc('\n', run->out);
  }
}

/* ---- what was not counted ---- */

/* A function that several programs have is named with the first. */
static bool told_before(size_t block, const struct row *row)
{
  for (size_t i = 0; i < block; i++)
    for (size_t j = 0; j < tally()->blocks[i].count; j++)
      if (tally()->blocks[i].rows[j].reason && row_same(&tally()->blocks[i].rows[j], row))
        return true;
  return false;
}

static void print_refused(const struct count_run *run)
{
  unsigned refused = 0;

  for (size_t i = 0; i < tally()->count; i++)
    for (size_t j = 0; j < tally()->blocks[i].count; j++) {
      const struct row *row = &tally()->blocks[i].rows[j];

      if (!row->reason || told_before(i, row))
        continue;
      refused++;
      if (run->verbose || refused <= REASONS_SHOWN)
        fprintf(stderr, "sighook: note: not hooked%s: %s: %s\n", row->entry ? " in every process" : "", row->pick->name,
                row->reason);
      else if (refused <= REASONS_SHOWN + NAMES_SHOWN)
        fprintf(stderr, "%s%s", refused == REASONS_SHOWN + 1 ? "sighook: note: not hooked: " : ", ", row->pick->name);
    }
  if (run->verbose || refused <= REASONS_SHOWN)
    return;
  if (refused > REASONS_SHOWN + NAMES_SHOWN)
    fprintf(stderr, " and %u more", refused - REASONS_SHOWN - NAMES_SHOWN);
  fputs("; -v says why\n", stderr);
}

static void print_aliases(void)
{
  for (size_t i = 0; i < plan_count(); i++)
    for (size_t j = 0; j < plan_at(i)->alias_count; j++) {
      const struct alias *alias = &plan_at(i)->aliases[j];
      bool told = false;

      for (size_t k = 0; k < i && !told; k++)
        for (size_t l = 0; l < plan_at(k)->alias_count && !told; l++)
          told = strcmp(plan_at(k)->aliases[l].name, alias->name) == 0;
      if (!told)
        fprintf(stderr, "sighook: note: %s is the same code as %s: one row\n", alias->name, alias->counted_as);
    }
}

static void print_unfollowed(const struct count_run *run)
{
  const struct unfollowed_list list = unfollowed_of(run->channel);

  for (size_t i = 0; i < list.count; i++)
    fprintf(stderr, "sighook: note: not followed: %s, %u process%s\n", list.all[i].text, list.all[i].processes,
            list.all[i].processes == 1 ? "" : "es");
  if (list.unnamed)
    fprintf(stderr, "sighook: note: not followed: %u processes more\n", list.unnamed);
}

static void print_lost(const struct count_run *run)
{
  uint32_t refused = atomic_load(&run->channel->processes_refused);

  if (refused)
    fprintf(stderr, "sighook: note: %u processes were not counted: more than %d at a time\n", refused, CHANNEL_PROCESSES);
  if (tally()->refused_chunks)
    fprintf(stderr, "sighook: note: some calls of %llu threads were not counted: no memory left for their counters\n",
            (unsigned long long)tally()->refused_chunks);
  if (run->is_broken)
    fputs("sighook: note: a target wrote over the memory that it shares with sighook: what it counted is not whole\n", stderr);
  else if (!tally()->count && run->only_program && !run->judged)
    fprintf(stderr, "sighook: note: no process ran a program named '%s'\n", run->only_program);
  else if (!tally()->count)
    fprintf(stderr, "sighook: note: the agent did not start in %s: nothing was counted\n", run->program);
}

/* ---- the last line ---- */

static void print_entries(const struct totals *totals)
{
  static const char *const names[ENTRY_KINDS] = {NULL, "branch", "punned", "evicted", "trap"};
  const char *separator = " (";

  for (unsigned i = 1; i < ENTRY_KINDS; i++)
    if (totals->entries[i]) {
      fprintf(stderr, "%s%u %s", separator, totals->entries[i], names[i]);
      separator = ", ";
    }
  if (totals->hooked)
    fputc(')', stderr);
}

const char *signal_name(int signal_number, char text[32])
{
  const char *name = sigabbrev_np(signal_number);

  if (name)
    snprintf(text, 32, "SIG%s", name);
  else
    snprintf(text, 32, "signal %d", signal_number);
  return text;
}

static void print_end(const struct count_run *run, const struct totals *totals)
{
  const char *name = strrchr(run->command[0], '/') ? strrchr(run->command[0], '/') + 1 : run->command[0];
  uint64_t lost = tally()->refused_chunks + atomic_load(&run->channel->processes_refused);
  unsigned unfollowed = atomic_load(&run->channel->note_count);
  char text[32];

  fprintf(stderr, "sighook: %s ", name);
  if (!run->has_ended)
    fputs("runs on", stderr);
  else if (WIFSIGNALED(run->status))
    fprintf(stderr, "was killed by %s", signal_name(WTERMSIG(run->status), text));
  else
    fprintf(stderr, "exited %d", WEXITSTATUS(run->status));
  fprintf(stderr, ", %.2f s; %u function%s hooked", (double)(run->end_ns - run->start_ns) / 1e9, totals->hooked,
          totals->hooked == 1 ? "" : "s");
  print_entries(totals);
  if (totals->refused)
    fprintf(stderr, ", %u not hooked", totals->refused);
  fprintf(stderr, ", %u never called, %llu lost", totals->hooked - totals->called, (unsigned long long)lost);
  if (unfollowed)
    fprintf(stderr, ", %u not followed", unfollowed);
  fputc('\n', stderr);
}

void report(struct count_run *run)
{
  const struct totals totals = tally_totals();
  bool on_terminal = isatty(fileno(run->out)), failed;

  for (size_t i = 0; i < tally()->count; i++)
    qsort(tally()->blocks[i].rows, tally()->blocks[i].count, sizeof(struct row), by_calls);
  if (run->json)
    report_json(run);
  for (size_t i = 0; i < tally()->count && !run->json; i++)
    print_block(run, &tally()->blocks[i], tally()->count > 1, on_terminal);
  failed = ferror(run->out) | fflush(run->out);
  if (failed && run->output)
    fprintf(stderr, "sighook: %s: %m; the table is not whole\n", run->output);
  if (run->quiet || run->json)
    return;
  print_refused(run);
  print_aliases();
  print_unfollowed(run);
  print_lost(run);
  print_end(run, &totals);
}
