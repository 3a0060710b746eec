/* Answering agents: which functions of the modules of their process to count, or to list. */
#include <fnmatch.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "ask.h"
#include "count.h"
#include "judge.h"
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

static uint32_t count_calls(const struct plan *plan)
{
  size_t count = 0;

  for (size_t i = 0; i < plan->module_count; i++)
    count += plan->modules[i]->call_count;
  return (uint32_t)count;
}

static void fill_calls(struct channel_image *image, const struct plan *plan)
{
  struct channel_call *call = (struct channel_call *)((char *)image + image->calls);

  for (size_t i = 0; i < plan->module_count; i++) {
    const struct module *module = plan->modules[i];

    for (size_t j = 0; j < module->call_count; j++, call++)
      *call = (struct channel_call){.offset = module->calls[j].offset,
                                    .module = (uint32_t)i,
                                    .number = module->calls[j].number,
                                    .length = module->calls[j].length};
    if (module->has_wild_calls && !image->wild) {
      image->wild = image->reasons_used;
      image->reasons_used += (uint32_t)snprintf((char *)image + image->wild, CHANNEL_PATH, "%s", module->file) + 1;
    }
  }
}

static void fill_image(struct count_run *run, struct channel_process *process, const struct plan *plan)
{
  struct channel_image *image = plan->count ? store_new_image(run, (uint32_t)plan->count, count_calls(plan)) : NULL;

  if (!image) {
    if (plan->count)
      fprintf(stderr, "sighook: shared memory is full: process %d is not counted\n", process->id);
    return;
  }
  for (size_t i = 0; i < plan->count; i++)
    image->sites[i] = (struct channel_site){.offset = plan->picks[i].offset,
                                            .module = plan->picks[i].module_index,
                                            .is_ifunc = plan->picks[i].is_ifunc};
  fill_calls(image, plan);
  image->force_trap = run->force_trap;
  process->image = (uint64_t)((char *)image - (char *)run->channel);
  process->plan = (uint32_t)plan_index(plan);
}

static bool fill_listing(struct count_run *run, const struct plan *plan)
{
  run->listing = store_new_listing(run, plan->count, ask_sites(plan, run->list));
  if (!run->listing) {
    fprintf(stderr, "sighook: shared memory is full: %zu functions are too many to list\n", plan->count);
    return false;
  }
  run->listed_plan = plan_index(plan);
  ask_fill(run->listing, plan, run->list);
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
    run->refused = !judge(run, plan) || (run->list && !fill_listing(run, plan));
    if (run->refused || run->list) {
      answer(process, run->refused ? PROCESS_REFUSED : PROCESS_LISTS);
      return;
    }
  }
  if (wanted && !run->list)
    fill_image(run, process, plan);
  answer(process, PROCESS_TOLD);
}
