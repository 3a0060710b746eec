/* `sighook list --entry -p`: the same of a process that runs already. The library that the command has in it is asked, and is
 * shown that process in place of ours (process/os.c). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/lister.h"
#include "ask.h"
#include "count.h"
#include "judge.h"
#include "process/process.h"

#define SITES_MAX (UINT64_C(1) << 25)  /* those that get a trap or are refused; further ones are counted only */

static void note(const struct count_run *run, const struct process_module *module, const char *what)
{
  if (!run->quiet && !run->json)
    fprintf(stderr, "sighook: note: %s: %s\n", module->path, what);
}

static void read_symbols(const struct count_run *run, struct process_module *module)
{
  int descriptor = process_open_file(module);

  if (descriptor < 0 && process_is_there())
    note(run, module, "the file that was loaded is not to be had, and so are no names of functions");
  module->symbols = module_read_file(module->path, descriptor, true);
  if (descriptor >= 0)
    close(descriptor);
  if (strncmp(module->symbols->file, "libsighook", 10) == 0)
    note(run, module, "hooks that are there already count as the program's own code");
}

static const struct plan *make_plan(const struct count_run *run)
{
  const struct module **modules = checked(calloc(subject.module_count, sizeof *modules));
  uint64_t *biases = checked(calloc(subject.module_count, sizeof *biases));

  for (size_t i = 0; i < subject.module_count; i++) {
    read_symbols(run, &subject.modules[i]);
    modules[i] = subject.modules[i].symbols;
    biases[i] = subject.modules[i].image.base;
  }
  return plan_for(&run->selection, modules, biases, subject.module_count);
}

static bool is_there(void)
{
  if (process_is_there())
    return true;
  fprintf(stderr, "sighook: process %d ended, or executed another program, meanwhile; not listed\n", subject.id);
  return false;
}

static bool copy_modules(const struct plan *plan)
{
  for (size_t i = 0; i < plan->count; i++) {
    struct process_module *module = &subject.modules[plan->picks[i].module_index];

    if (!process_copy(module)) {
      fprintf(stderr, "sighook: no memory for a copy of %s: %m\n", module->path);
      return false;
    }
  }
  return is_there();
}

static struct listing *make_listing(const struct count_run *run, const struct plan *plan)
{
  uint64_t sites = ask_sites(plan, run->list), room = sites < SITES_MAX ? sites : SITES_MAX;
  struct listing *listing = checked(calloc(1, sizeof *listing + plan->count * sizeof *listing->functions +
                                                  room * sizeof(struct listing_site)));

  listing->function_count = plan->count;
  listing->site_room = room;
  ask_fill(listing, plan, run->list);
  return listing;
}

int list_process(struct count_run *run)
{
  const struct plan *plan;

  if (!process_open(run->list->process))
    return LIST_NOTHING;
  snprintf(run->program, sizeof run->program, "%s", subject.modules[0].path);
  plan = make_plan(run);
  if (!is_there() || !judge(run, plan) || !copy_modules(plan))
    return LIST_NOTHING;
  run->listed_plan = plan_index(plan);
  run->listing = make_listing(run, plan);
  list_entries(run->listing, list_each);
  return list_report(run);
}
