/* Answering agents: which functions of the modules of their process to count. */
#include "count.h"

#include <fnmatch.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct answer {
  struct channel_site *sites;
  size_t count, room;
  uint64_t *seen;           /* addresses taken already: an open hash */
  size_t seen_size, seen_count;
};

static uint32_t put_text(struct channel *channel, const char *text)
{
  uint64_t offset = channel_take(channel, strlen(text) + 1);

  if (offset)
    strcpy(channel_at(channel, offset), text);
  return (uint32_t)offset;
}

static bool first_seen(struct answer *answer, uint64_t address)
{
  size_t slot;

  if (answer->seen_count * 2 >= answer->seen_size) {
    struct answer larger = {.seen_size = answer->seen_size ? answer->seen_size * 2 : 4096};

    larger.seen = calloc(larger.seen_size, sizeof *larger.seen);
    for (size_t i = 0; i < answer->seen_size; i++)
      if (answer->seen[i])
        first_seen(&larger, answer->seen[i]);
    free(answer->seen);
    answer->seen = larger.seen;
    answer->seen_size = larger.seen_size;
  }
  for (slot = address * UINT64_C(0x9E3779B97F4A7C15) >> 20; answer->seen[slot % answer->seen_size]; slot++)
    if (answer->seen[slot % answer->seen_size] == address)
      return false;
  answer->seen[slot % answer->seen_size] = address;
  answer->seen_count++;
  return true;
}

static void add_site(struct count_run *run, struct answer *answer, const struct module *module, const struct symbol *symbol,
                     uint64_t offset)
{
  uint64_t address = module->bias + offset;
  struct channel_site *site;
  char name[1024];

  if (!first_seen(answer, address))
    return;
  if (answer->count == answer->room) {
    answer->room = answer->room ? answer->room * 2 : 256;
    answer->sites = realloc(answer->sites, answer->room * sizeof *answer->sites);
  }
  site = &answer->sites[answer->count++];
  if (offset == symbol->offset)
    snprintf(name, sizeof name, "%s@%s", symbol->name, symbol->is_plt ? "plt" : module->file);
  else
    snprintf(name, sizeof name, "%s+%#lx@%s", symbol->name, (unsigned long)(offset - symbol->offset), module->file);
  *site = (struct channel_site){.address = address,
                                .name = put_text(run->channel, name),
                                .module = put_text(run->channel, module->path),
                                .is_ifunc = symbol->is_ifunc && offset == symbol->offset};
}

static void add_by_offset(struct count_run *run, struct answer *answer, const struct module *modules, size_t count)
{
  for (size_t i = 0; i < run->selection.chosen_count; i++) {
    struct selector *selector = &run->selection.chosen[i];
    struct symbol place = {.name = selector->text};

    for (size_t j = 0; j < count; j++) {
      bool named = selector->name && selector->offset && strcmp(modules[j].file, selector->name) == 0;

      if (!named && !(selector->is_absolute && j == 0))
        continue;
      selector->matches++;
      place.offset = selector->offset - (selector->is_absolute ? modules[j].bias : 0);
      add_site(run, answer, &modules[j], &place, place.offset);
    }
  }
}

static bool complain(struct count_run *run, const struct module *modules, size_t count)
{
  bool complained = false;

  for (size_t i = 0; i < run->selection.chosen_count; i++) {
    const struct selector *selector = &run->selection.chosen[i];
    char near[1024];

    if (selector->matches || strcmp(selector->text, "*@plt") == 0 || strcmp(selector->text, "*@PROGRAM") == 0)
      continue;
    selection_near(selector, modules, count, near, sizeof near);
    fprintf(stderr, "sighook: nothing matches '%s' in %s and its %zu libraries; not run\n", selector->text, modules[0].file,
            count - 1);
    if (*near)
      fprintf(stderr, "  near: %s\n", near);
    complained = true;
  }
  return complained;
}

static void collect(struct count_run *run, struct answer *answer, struct module *modules, size_t count)
{
  const char *agent = strrchr(run->channel->agent, '/') + 1;

  for (size_t i = 0; i < count; i++) {
    if (strcmp(modules[i].file, agent) == 0 || strncmp(modules[i].file, "libZy", 5) == 0)
      continue;                        /* our own are not the program's */
    module_read_symbols(&modules[i]);
    for (size_t j = 0; j < modules[i].count; j++) {
      uint64_t offset;

      if (selection_takes(&run->selection, &modules[i], i, &modules[i].symbols[j], &offset))
        add_site(run, answer, &modules[i], &modules[i].symbols[j], offset);
    }
  }
  add_by_offset(run, answer, modules, count);
}

static void publish(struct count_run *run, struct channel_process *process, const struct answer *answer, uint32_t state)
{
  uint64_t offset = channel_take(run->channel, (answer->count + 1) * sizeof *answer->sites);

  if (offset && state == PROCESS_TOLD) {
    if (answer->count)
      memcpy(channel_at(run->channel, offset), answer->sites, answer->count * sizeof *answer->sites);
    process->sites = offset;
    process->site_count = (uint32_t)answer->count;
  }
  atomic_store(&process->state, state);
  syscall(SYS_futex, &process->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void serve(struct count_run *run, struct channel_process *process)
{
  struct answer answer = {0};
  struct module *modules;
  size_t count;
  const char *file = strrchr(process->program, '/');
  bool wanted = !run->only_program || fnmatch(run->only_program, file ? file + 1 : process->program, 0) == 0;

  if (wanted && modules_of_process(process->id, &modules, &count)) {
    collect(run, &answer, modules, count);
    if (process == run->channel->processes && complain(run, modules, count))
      run->refused = true;
    modules_free(modules, count);
  }
  publish(run, process, &answer, run->refused ? PROCESS_REFUSED : PROCESS_TOLD);
  free(answer.sites);
  free(answer.seen);
}
