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
#include "doubt.h"
#include "judge.h"
#include "plan.h"
#include "room.h"
#include "store.h"

/* What the agent brings along is not the program's: no symbols. */
static const struct module ours = {.path = "", .file = ""};

static bool is_ours(const struct count_run *run, uint32_t index, const char *path)
{
  const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

  if (index == 0)                      /* it may be what is asked about */
    return false;
  return strcmp(path, run->agent) == 0 || strncmp(file, "libZydis.so", 11) == 0 ||
         strncmp(file, "libZycore.so", 12) == 0;
}

/* As the agent told them. */
struct modules {
  char told[sizeof ((struct channel_process *)0)->modules];
  uint32_t count;
  const struct module **all;
  uint64_t *biases;
};

/* False where no agent would tell them so; there are none then. */
static bool read_modules(const struct count_run *run, const struct channel_process *process, struct modules *modules)
{
  uint32_t count = __atomic_load_n(&process->module_count, __ATOMIC_RELAXED);
  const char *at = modules->told, *end = at + sizeof modules->told;

  *modules = (struct modules){0};
  channel_copy(modules->told, process->modules, sizeof modules->told);
  if (count > sizeof modules->told / sizeof *modules->biases)
    return false;
  modules->all = checked(calloc(count + 1, sizeof *modules->all));
  modules->biases = checked(calloc(count + 1, sizeof *modules->biases));
  for (uint32_t i = 0; i < count; i++) {
    const char *path = at + sizeof *modules->biases;

    if (path >= end || !memchr(path, 0, (size_t)(end - path)))
      return false;
    memcpy(&modules->biases[i], at, sizeof *modules->biases);
    modules->all[i] = is_ours(run, i, path) ? &ours : module_read(path, process->id, run->list != NULL);
    at = path + ((strlen(path) + 8) & ~(size_t)7);
  }
  modules->count = count;
  return true;
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
  uint32_t calls = (uint32_t)(sizeof *image + plan->count * sizeof image->sites[0]), count = count_calls(plan);
  uint32_t texts = calls + count * (uint32_t)sizeof(struct channel_call);
  struct channel_call *call = (struct channel_call *)((char *)image + calls);
  const char *wild = NULL;

  for (size_t i = 0; i < plan->module_count; i++) {
    const struct module *module = plan->modules[i];

    for (size_t j = 0; j < module->call_count; j++, call++)
      *call = (struct channel_call){.offset = module->calls[j].offset,
                                    .module = (uint32_t)i,
                                    .number = module->calls[j].number,
                                    .length = module->calls[j].length,
                                    .passed = module->calls[j].passed};
    if (module->has_wild_calls && !wild)
      wild = module->file;
  }
  image->calls = calls;
  image->call_count = count;
  image->wild = wild ? texts : 0;
  if (wild)
    snprintf((char *)image + texts, CHANNEL_PATH, "%s", wild);
  image->reasons_used = texts + (wild ? CHANNEL_PATH : 0);
}

static void fill_image(struct count_run *run, struct channel_process *process, const struct plan *plan)
{
  uint64_t extra = count_calls(plan) * sizeof(struct channel_call) + CHANNEL_PATH;
  const struct image *room = plan->count ? room_new_image(run, plan, extra) : NULL;

  if (!room) {
    if (plan->count)
      fprintf(stderr, "sighook: shared memory is full: process %d is not counted\n", process->id);
    return;
  }
  for (size_t i = 0; i < plan->count; i++)
    room->memory->sites[i] = (struct channel_site){.offset = plan->picks[i].offset,
                                                   .module = plan->picks[i].module_index,
                                                   .is_ifunc = plan->picks[i].is_ifunc};
  fill_calls(room->memory, plan);
  room->memory->force_trap = run->force_trap;
  process->image = room->offset;
}

static bool fill_listing(struct count_run *run, const struct plan *plan)
{
  if (!room_new_listing(run, plan, ask_sites(plan, run->list))) {
    fprintf(stderr, "sighook: shared memory is full: %zu functions are too many to list\n", plan->count);
    return false;
  }
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
  struct modules modules;
  const struct plan *plan;
  bool wanted;

  store_retire_predecessors(run, process);
  if (!read_modules(run, process, &modules))
    run->is_broken = true;
  if (!modules.count) {                /* a library that is to be listed is not among them */
    free(modules.all);
    free(modules.biases);
    answer(process, run->list ? PROCESS_REFUSED : PROCESS_TOLD);
    return;
  }
  wanted = !run->only_program || fnmatch(run->only_program, modules.all[0]->file, 0) == 0;
  plan = plan_for(&run->selection, modules.all, modules.biases, modules.count);
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
