/* What the agent answered: a table, the sites that get a trap or are refused, and what is left to say. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sighook/hook.h>
#include "count.h"
#include "listing.h"
#include "plan.h"
#include "put.h"

enum { SITES_SHOWN = 50, COLUMNS = 6, SIDE = 2, LAST_WIDTH = 5 };

static const char *const kinds[LISTING_ENTRIES] = {"refused", "branch", "punned", "evicted", "trap"};

/* ---- the table ---- */

static void print_table(FILE *out, const struct listing *listing)
{
  static const unsigned order[COLUMNS - 1] = {SIGHOOK_ENTRY_BRANCH, SIGHOOK_ENTRY_PUNNED, SIGHOOK_ENTRY_EVICTED,
                                              SIGHOOK_ENTRY_TRAP, SIGHOOK_ENTRY_NONE};
  char numbers[COLUMNS][32];
  int widths[COLUMNS];

  for (unsigned i = 0; i < COLUMNS; i++) {
    bool last = i == COLUMNS - 1;
    int length = snprintf(numbers[i], sizeof numbers[i], "%" PRIu64, last ? listing->sites_asked : listing->entries[order[i]]);
    int title = last ? LAST_WIDTH : (int)strlen(kinds[order[i]]);

    widths[i] = SIDE + (length > title ? length : title);
  }
  for (unsigned i = 0; i < COLUMNS; i++)
    fprintf(out, "%*s", widths[i], i < COLUMNS - 1 ? kinds[order[i]] : "of");
  fputc('\n', out);
  for (unsigned i = 0; i < COLUMNS; i++)
    fprintf(out, "%*s", widths[i], numbers[i]);
  fputc('\n', out);
}

static void print_batch(FILE *out, const struct listing *listing)
{
  if (*listing->failure)
    fprintf(out, "together: no batch of %" PRIu64 " sites: %s\n", listing->batch_sites, listing->failure);
  else
    fprintf(out, "together: %" PRIu64 " sites in %.1f ms, %+" PRId64 " mappings (%" PRIu64 " now), %+.1f MB of memory%s\n",
            listing->batch_sites, (double)listing->batch_ns / 1e6, (int64_t)(listing->after.mappings - listing->before.mappings),
            listing->after.mappings, (double)(int64_t)(listing->after.memory - listing->before.memory) / 1e6,
            listing->batches > 1 ? ", at the last try" : "");
}

/* ---- sites ---- */

static void print_site(FILE *out, const struct plan *plan, const struct listing *listing, const struct listing_site *site)
{
  const struct listing_function *function = &listing->functions[site->function];
  const struct listing_cause *cause = &listing->causes[site->cause];
  const struct pick *pick = &plan->picks[site->function];
  char *name;

  if (!function->is_ifunc || !site->at)
    name = site->at ? pick_name(pick->module, pick->symbol, pick->offset + site->at) : pick->name;
  else if (function->target_module < plan->module_count)
    name = pick_name(plan->modules[function->target_module], NULL, function->target + site->at);
  else
    name = NULL;
  fprintf(out, "%s: %s: %s\n", name ? name : "a function outside of all modules", kinds[cause->entry], cause->text);
  if (name != pick->name)
    free(name);
}

/* The first ones, in order; then how many more there are for each reason. */
static void print_sites(const struct count_run *run, struct listing *listing)
{
  uint64_t shown = run->verbose || listing->site_count <= SITES_SHOWN ? listing->site_count : SITES_SHOWN;
  uint64_t left[LISTING_CAUSES];

  for (uint32_t i = 0; i < listing->cause_count; i++)
    left[i] = listing->causes[i].count;
  for (uint64_t i = 0; i < shown; i++) {
    print_site(run->out, plan_at(run->listed_plan), listing, &listing_sites(listing)[i]);
    left[listing_sites(listing)[i].cause]--;
  }
  for (uint32_t i = 0; i < listing->cause_count; i++) {
    const struct listing_cause *cause = &listing->causes[i];

    if (left[i] && (cause->entry == SIGHOOK_ENTRY_NONE || cause->entry == SIGHOOK_ENTRY_TRAP))
      fprintf(run->out, "%" PRIu64 " more: %s: %s\n", left[i], kinds[cause->entry], cause->text);
  }
}

/* ---- JSON ---- */

static void put_process(yajl_gen json, const char *name, const struct listing_process *process)
{
  json_text(json, name);
  yajl_gen_map_open(json);
  json_named_number(json, "mappings", process->mappings);
  json_named_number(json, "memory", process->memory);
  yajl_gen_map_close(json);
}

static void put_batch(yajl_gen json, const struct listing *listing)
{
  json_text(json, "together");
  yajl_gen_map_open(json);
  json_named_number(json, "sites", listing->batch_sites);
  json_named_number(json, "ns", listing->batch_ns);
  json_named_number(json, "tries", listing->batches);
  put_process(json, "before", &listing->before);
  put_process(json, "after", &listing->after);
  if (*listing->failure)
    json_named_bytes(json, "failure", listing->failure);
  yajl_gen_map_close(json);
}

static void put_listing(const struct count_run *run, const struct listing *listing)
{
  yajl_gen json = checked(yajl_gen_alloc(NULL));

  yajl_gen_map_open(json);
  json_named_bytes(json, "file", plan_at(run->listed_plan)->modules[0]->file);
  if (run->list->process)
    json_named_number(json, "pid", (uint64_t)run->list->process);
  for (unsigned i = SIGHOOK_ENTRY_BRANCH; i < LISTING_ENTRIES; i++)
    json_named_number(json, kinds[i], listing->entries[i]);
  json_named_number(json, kinds[SIGHOOK_ENTRY_NONE], listing->entries[SIGHOOK_ENTRY_NONE]);
  json_named_number(json, "of", listing->sites_asked);
  json_named_number(json, "fragile", listing->fragile);
  json_text(json, "reasons");
  yajl_gen_array_open(json);
  for (uint32_t i = 0; i < listing->cause_count; i++) {
    yajl_gen_map_open(json);
    json_named_bytes(json, "entry", kinds[listing->causes[i].entry]);
    json_named_bytes(json, "reason", listing->causes[i].text);
    json_named_number(json, "count", listing->causes[i].count);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
  if (listing->together)
    put_batch(json, listing);
  json_end_line(json, run->out);
  yajl_gen_free(json);
}

/* ---- the whole ---- */

static int complain(const struct count_run *run)
{
  char text[32];

  if (run->refused)
    ;
  else if (run->is_broken)
    fprintf(stderr, "sighook: the process that was to list %s wrote over the memory that it shares with sighook\n", run->program);
  else if (run->listing && run->has_ended && WIFSIGNALED(run->status) && !run->only_program)
    fprintf(stderr, "sighook: the process that was to list %s was killed by %s\n", run->program,
            signal_name(WTERMSIG(run->status), text));
  else if (run->listing)
    fprintf(stderr, "sighook: the process that was to list %s ended before it had\n", run->program);
  else if (run->is_library)
    fprintf(stderr, "sighook: %s was not loaded into a process; not listed\n", run->program);
  else if (run->only_program)
    fprintf(stderr, "sighook: no process ran a program named '%s'; not listed\n", run->only_program);
  else
    fprintf(stderr, "sighook: the agent did not start in %s; not listed\n", run->program);
  return LIST_NOTHING;
}

static void print_notes(const struct count_run *run, const struct listing *listing)
{
  const char *path = plan_at(run->listed_plan)->modules[0]->path;
  char program[PROGRAM_PATH];
  bool may_be_script = !run->is_library && !run->only_program && !run->list->process;

  if (may_be_script && realpath(run->program, program) && strcmp(program, path) != 0)
    fprintf(stderr, "sighook: note: %s is a script: this is about %s\n", run->program, path);
  if (listing->endless)
    fprintf(stderr, "sighook: note: %" PRIu64 " function%s whose end is not known: the first instruction only\n",
            listing->endless, listing->endless == 1 ? "" : "s");
  if (listing->unchosen)
    fprintf(stderr, "sighook: note: %" PRIu64 " IFUNC%s left out: no slot tells what %s chose\n", listing->unchosen,
            listing->unchosen == 1 ? "" : "s", listing->unchosen == 1 ? "it" : "they");
}

int list_report(struct count_run *run)
{
  struct listing *listing = run->listing;

  if (run->refused || !listing || !atomic_load(&listing->done))
    return complain(run);
  if (run->json) {
    put_listing(run, listing);
  } else {
    print_table(run->out, listing);
    if (listing->together)
      print_batch(run->out, listing);
    if (!run->quiet)
      print_sites(run, listing);
  }
  if (ferror(run->out) | fflush(run->out)) {
    fprintf(stderr, "sighook: %s: %m; the list is not whole\n", run->output ? run->output : "standard output");
    return LIST_NOTHING;
  }
  if (!run->quiet && !run->json)
    print_notes(run, listing);
  return listing->sites_asked && !*listing->failure ? 0 : LIST_NOTHING;
}
