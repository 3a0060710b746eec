/* Answering agents: which functions of the modules of their process to count, or to list. */
#include <fnmatch.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "count.h"
#include "plan.h"
#include "store.h"

/* What the agent brings along is not the program's: no symbols. */
static const struct module ours = {.path = "", .file = ""};

static bool is_ours(const struct channel *channel, uint32_t index, const char *path)
{
  const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

  if (index == 0)                      /* it may be what is asked about */
    return false;
  return strcmp(path, channel->agent) == 0 || strncmp(file, "libZydis.so", 11) == 0 ||
         strncmp(file, "libZycore.so", 12) == 0;
}

static void read_modules(const struct count_run *run, const struct channel_process *process,
                         const struct module ***modules, uint64_t **biases)
{
  uint32_t count = process->module_count;
  const char *at = process->modules;

  *modules = checked(calloc(count + 1, sizeof **modules));
  *biases = checked(calloc(count + 1, sizeof **biases));
  for (uint32_t i = 0; i < count; i++) {
    memcpy(&(*biases)[i], at, sizeof **biases);
    at += sizeof **biases;
    (*modules)[i] = is_ours(run->channel, i, at) ? &ours : module_read(at, process->id, run->list != NULL);
    at += (strlen(at) + 8) & ~(size_t)7;
  }
}

static size_t libraries_of(const struct plan *plan)
{
  size_t count = 0;

  for (size_t i = 1; i < plan->module_count; i++)
    count += plan->modules[i] != &ours;
  return count;
}

static void complain_about(const struct selector *selector, const struct plan *plan)
{
  size_t libraries = libraries_of(plan);
  char near[1024];

  selector_near(selector, plan->modules, plan->module_count, near, sizeof near);
  fprintf(stderr, "sighook: nothing matches '%s' in %s and its %zu librar%s; not run\n", selector->text,
          plan->modules[0]->file, libraries, libraries == 1 ? "y" : "ies");
  if (*near)
    fprintf(stderr, "  near: %s\n", near);
}

/* Every selector must match in the program that is meant: the first one, or the first that --exe names. */
static bool complain(const struct count_run *run, const struct plan *plan)
{
  bool complained = false;

  for (size_t i = 0; i < run->selection.chosen_count; i++) {
    const struct selector *selector = &run->selection.chosen[i];

    if (plan->matched[i] || selector->is_default)
      continue;
    complain_about(selector, plan);
    complained = true;
  }
  if (complained || plan->count)
    return complained;
  fprintf(stderr, "sighook: %s has no %s%s; not run\n", plan->modules[0]->file,
          run->list ? "functions" : "function symbols and no stubs of imports",
          run->selection.excluded_count ? " that -x leaves" : "");
  fprintf(stderr, "  try: sighook %s -e '*@libc' ...\n", run->list ? "list --entry" : "count");
  return true;
}

static void fill_image(struct count_run *run, struct channel_process *process, const struct plan *plan)
{
  struct channel_image *image = plan->count ? store_new_image(run, (uint32_t)plan->count) : NULL;

  if (!image) {
    if (plan->count)
      fprintf(stderr, "sighook: shared memory is full: process %d is not counted\n", process->id);
    return;
  }
  for (size_t i = 0; i < plan->count; i++)
    image->sites[i] = (struct channel_site){.offset = plan->picks[i].offset,
                                            .module = plan->picks[i].module_index,
                                            .is_ifunc = plan->picks[i].is_ifunc};
  process->image = (uint64_t)((char *)image - (char *)run->channel);
  process->plan = (uint32_t)plan_index(plan);
}

/* Of a function, from where the pick is; 0: unknown. A place inside a function is one instruction. */
static uint64_t size_of(const struct pick *pick)
{
  if (!pick->symbol)
    return 0;
  return pick->offset == pick->symbol->offset ? pick->symbol->size : 1;
}

static bool fill_listing(struct count_run *run, const struct plan *plan)
{
  uint64_t sites = plan->count;

  for (size_t i = 0; i < plan->count && run->list->by_instruction; i++)
    sites += size_of(&plan->picks[i]);
  run->listing = store_new_listing(run, plan->count, sites);
  if (!run->listing) {
    fprintf(stderr, "sighook: shared memory is full: %zu functions are too many to list\n", plan->count);
    return false;
  }
  run->listed_plan = plan_index(plan);
  run->listing->by_instruction = run->list->by_instruction;
  run->listing->together = run->list->together;
  run->listing->random = run->list->random;
  run->listing->seed = run->list->seed;
  for (size_t i = 0; i < plan->count; i++)
    run->listing->functions[i] = (struct listing_function){.offset = plan->picks[i].offset,
                                                           .size = size_of(&plan->picks[i]),
                                                           .module = plan->picks[i].module_index,
                                                           .is_ifunc = plan->picks[i].is_ifunc};
  return true;
}

static void answer(struct channel_process *process, uint32_t state)
{
  atomic_store(&process->state, state);
  syscall(SYS_futex, &process->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void serve(struct count_run *run, struct channel_process *process)
{
  const struct module **modules;
  const struct plan *plan;
  uint64_t *biases;
  bool wanted;

  store_retire_predecessors(run, process);
  read_modules(run, process, &modules, &biases);
  if (!process->module_count) {        /* a library that is to be listed is not among them */
    answer(process, run->list ? PROCESS_REFUSED : PROCESS_TOLD);
    return;
  }
  wanted = !run->only_program || fnmatch(run->only_program, modules[0]->file, 0) == 0;
  plan = plan_for(&run->selection, modules, biases, process->module_count);
  if (wanted && !run->judged) {
    run->judged = true;
    run->refused = complain(run, plan) || (run->list && !fill_listing(run, plan));
    if (run->refused || run->list) {
      answer(process, run->refused ? PROCESS_REFUSED : PROCESS_LISTS);
      return;
    }
  }
  if (wanted && !run->list)
    fill_image(run, process, plan);
  answer(process, PROCESS_TOLD);
}
