/* JSON lines: one object a line. Integers above 2^53 are strings, since readers in JavaScript round them. */
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <yajl/yajl_gen.h>
#include "notes.h"
#include "tally.h"

enum { FORMAT_VERSION = 1, TEXT_MAX = 8192 };
#define EXACT_MAX (UINT64_C(1) << 53)

static void put_text(yajl_gen json, const char *text)
{
  yajl_gen_string(json, (const unsigned char *)text, strlen(text));
}

/* Names and arguments are bytes; JSON is UTF-8. A byte that is not part of a valid sequence becomes U+FFFD. */
static size_t sequence_length(const unsigned char *at)
{
  size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xC2 && at[0] < 0xE0 ? 2 : (at[0] & 0xF0) == 0xE0 ? 3 : at[0] >= 0xF0 && at[0] < 0xF5 ? 4 : 0;

  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xC0) != 0x80)
      return 0;
  if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) || (at[0] == 0xF0 && at[1] < 0x90) ||
      (at[0] == 0xF4 && at[1] > 0x8F))
    return 0;
  return length;
}

static void put_bytes(yajl_gen json, const char *bytes)
{
  const unsigned char *at = (const unsigned char *)bytes;
  char text[TEXT_MAX + 4];
  size_t used = 0;

  while (*at && used < TEXT_MAX) {
    size_t length = sequence_length(at);

    memcpy(text + used, length ? (const char *)at : "\xEF\xBF\xBD", length ? length : 3);
    used += length ? length : 3;
    at += length ? length : 1;
  }
  yajl_gen_string(json, (const unsigned char *)text, used);
}

static void put_number(yajl_gen json, uint64_t value)
{
  char text[32];

  if (value <= EXACT_MAX) {
    yajl_gen_integer(json, (long long)value);
    return;
  }
  snprintf(text, sizeof text, "%" PRIu64, value);
  put_text(json, text);
}

static void put_named_number(yajl_gen json, const char *name, uint64_t value)
{
  put_text(json, name);
  put_number(json, value);
}

static void put_named_bytes(yajl_gen json, const char *name, const char *bytes)
{
  put_text(json, name);
  put_bytes(json, bytes);
}

static void begin(yajl_gen json, const char *event)
{
  yajl_gen_map_open(json);
  put_text(json, "ev");
  put_text(json, event);
}

static void end_line(yajl_gen json, FILE *out)
{
  const unsigned char *text;
  size_t length;

  yajl_gen_map_close(json);
  yajl_gen_get_buf(json, &text, &length);
  fwrite(text, 1, length, out);
  fputc('\n', out);
  yajl_gen_clear(json);
  yajl_gen_reset(json, NULL);
}

static void put_start(yajl_gen json, const struct count_run *run, const struct totals *totals)
{
  struct tm at;
  char text[64], fraction[64];

  gmtime_r(&run->start_time.tv_sec, &at);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &at);
  snprintf(fraction, sizeof fraction, "%.40s.%03ldZ", text, run->start_time.tv_nsec / 1000000);
  begin(json, "start");
  put_named_number(json, "v", FORMAT_VERSION);
  put_named_number(json, "pid", (uint64_t)run->child);
  put_text(json, "argv");
  yajl_gen_array_open(json);
  for (char **argument = run->command; *argument; argument++)
    put_bytes(json, *argument);
  yajl_gen_array_close(json);
  put_named_bytes(json, "time", fraction);
  put_named_number(json, "hooked", totals->hooked);
  end_line(json, run->out);
}

static void put_row(yajl_gen json, FILE *out, const struct block *block, const struct row *row)
{
  static const char *const names[ENTRY_KINDS] = {"none", "branch", "punned", "evicted", "trap"};

  if (row->reason) {
    begin(json, "skipped");
    put_named_bytes(json, "program", block->program->file);
    put_named_bytes(json, "fn", row->pick->name);
    put_named_bytes(json, "why", row->reason);
    end_line(json, out);
  }
  if (!row->calls)
    return;
  begin(json, "count");
  put_named_bytes(json, "program", block->program->file);
  put_named_bytes(json, "fn", row->pick->name);
  if (row->target)
    put_named_bytes(json, "target", row->target);
  put_named_number(json, "calls", row->calls);
  put_named_bytes(json, "entry", names[row->entry]);
  end_line(json, out);
}

static void put_unfollowed(yajl_gen json, const struct count_run *run)
{
  const struct unfollowed_list list = unfollowed_of(run->channel);

  for (size_t i = 0; i < list.count; i++) {
    begin(json, "skipped");
    put_named_bytes(json, "program", list.all[i].text);
    put_named_number(json, "processes", list.all[i].processes);
    end_line(json, run->out);
  }
}

static void put_end(yajl_gen json, const struct count_run *run, const struct totals *totals)
{
  char text[32];

  begin(json, "end");
  put_text(json, "exit");
  if (run->has_ended && WIFEXITED(run->status))
    put_number(json, (uint64_t)WEXITSTATUS(run->status));
  else
    yajl_gen_null(json);
  put_text(json, "signal");
  if (run->has_ended && WIFSIGNALED(run->status))
    put_text(json, signal_name(WTERMSIG(run->status), text));
  else
    yajl_gen_null(json);
  put_named_number(json, "calls", totals->calls);
  put_named_number(json, "lost", tally()->refused_chunks + atomic_load(&run->channel->processes_refused));
  end_line(json, run->out);
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
