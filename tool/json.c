/* `count --json`: one object a line. */
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include "notes.h"
#include "put.h"
#include "tally.h"

enum { FORMAT_VERSION = 1 };

static void begin(yajl_gen json, const char *event)
{
  yajl_gen_map_open(json);
  json_text(json, "ev");
  json_text(json, event);
}

static void put_start(yajl_gen json, const struct count_run *run, const struct totals *totals)
{
  struct tm at;
  char text[64], fraction[64];

  gmtime_r(&run->start_time.tv_sec, &at);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &at);
  snprintf(fraction, sizeof fraction, "%.40s.%03ldZ", text, run->start_time.tv_nsec / 1000000);
  begin(json, "start");
  json_named_number(json, "v", FORMAT_VERSION);
  json_named_number(json, "pid", (uint64_t)run->child);
  json_text(json, "argv");
  yajl_gen_array_open(json);
  for (char **argument = run->command; *argument; argument++)
    json_bytes(json, *argument);
  yajl_gen_array_close(json);
  json_named_bytes(json, "time", fraction);
  json_named_number(json, "hooked", totals->hooked);
  json_end_line(json, run->out);
}

static void put_row(yajl_gen json, FILE *out, const struct block *block, const struct row *row)
{
  static const char *const names[ENTRY_KINDS] = {"none", "branch", "punned", "evicted", "trap"};

  if (row->reason) {
    begin(json, "skipped");
    json_named_bytes(json, "program", block->program->file);
    json_named_bytes(json, "fn", row->pick->name);
    json_named_bytes(json, "why", row->reason);
    json_end_line(json, out);
  }
  if (!row->calls)
    return;
  begin(json, "count");
  json_named_bytes(json, "program", block->program->file);
  json_named_bytes(json, "fn", row->pick->name);
  if (row->target)
    json_named_bytes(json, "target", row->target);
  json_named_number(json, "calls", row->calls);
  json_named_bytes(json, "entry", names[row->entry]);
  json_end_line(json, out);
}

static void put_unfollowed(yajl_gen json, const struct count_run *run)
{
  const struct unfollowed_list list = unfollowed_of(run->channel);

  for (size_t i = 0; i < list.count; i++) {
    begin(json, "skipped");
    json_named_bytes(json, "program", list.all[i].text);
    json_named_number(json, "processes", list.all[i].processes);
    json_end_line(json, run->out);
  }
}

static void put_end(yajl_gen json, const struct count_run *run, const struct totals *totals)
{
  char text[32];

  begin(json, "end");
  json_text(json, "exit");
  if (run->has_ended && WIFEXITED(run->status))
    json_number(json, (uint64_t)WEXITSTATUS(run->status));
  else
    yajl_gen_null(json);
  json_text(json, "signal");
  if (run->has_ended && WIFSIGNALED(run->status))
    json_text(json, signal_name(WTERMSIG(run->status), text));
  else
    yajl_gen_null(json);
  json_named_number(json, "calls", totals->calls);
  json_named_number(json, "lost", tally()->refused_chunks + atomic_load(&run->channel->processes_refused));
  json_end_line(json, run->out);
}

void report_json(struct count_run *run)
{
  const struct totals totals = tally_totals();
  yajl_gen json = checked(yajl_gen_alloc(NULL));

  put_start(json, run, &totals);
  for (size_t i = 0; i < tally()->count; i++)
    for (size_t j = 0; j < tally()->blocks[i].count; j++)
      put_row(json, run->out, &tally()->blocks[i], &tally()->blocks[i].rows[j]);
  put_unfollowed(json, run);
  put_end(json, run, &totals);
  yajl_gen_free(json);
}
