/* Which functions the selectors pick. One row an address, under the name that was asked for. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan **plans;
static size_t plans_made, plans_room;

/* A pick, and how good its name is for its address: smaller is better, from left to right. */
struct candidate {
  struct pick pick;
  size_t selector;
  unsigned penalty, underscores;
  size_t length;
};

struct candidates {
  struct candidate *all;
  size_t count, room;
};

const struct plan *plan_at(size_t index)
{
  return plans[index];
}

size_t plan_count(void)
{
  return plans_made;
}

size_t plan_index(const struct plan *plan)
{
  size_t index = 0;

  while (plans[index] != plan)
    index++;
  return index;
}

char *pick_name(const struct module *module, const struct symbol *symbol, uint64_t offset)
{
  const char *where = !symbol || !*symbol->name ? NULL : symbol->is_plt ? "plt" : symbol->is_old ? symbol->version : module->file;
  char *name = NULL;
  int length;

  if (!where)
    length = asprintf(&name, "%s+%#lx", module->file, (unsigned long)offset);
  else if (offset == symbol->offset)
    length = asprintf(&name, "%s@%s", symbol_shown(symbol), where);
  else
    length = asprintf(&name, "%s+%#lx@%s", symbol_shown(symbol), (unsigned long)(offset - symbol->offset), where);
  return checked(length < 0 ? NULL : name);
}

static void add_candidate(struct candidates *list, const struct selection *selection, size_t selector,
                          const struct candidate *found)
{
  const struct symbol *symbol = found->pick.symbol;
  struct candidate *added;

  list->all = grown(list->all, list->count, &list->room, sizeof *list->all);
  added = &list->all[list->count++];
  *added = *found;
  added->selector = selector;
  if (!symbol)
    return;
  added->penalty = !selection->chosen[selector].is_literal * 2u + symbol->is_old;
  added->underscores = (unsigned)strspn(symbol->name, "_");
  added->length = strlen(symbol->name);
}

static bool is_excluded(const struct selection *selection, const struct module *module, size_t index,
                        const struct symbol *symbol)
{
  for (size_t i = 0; i < selection->excluded_count; i++)
    if (selector_takes(&selection->excluded[i], module, index, symbol))
      return true;
  return false;
}

static void consider_symbol(struct candidates *list, const struct selection *selection, struct plan *plan, size_t index,
                            const struct symbol *symbol)
{
  const struct module *module = plan->modules[index];
  int excluded = -1;

  for (size_t i = 0; i < selection->chosen_count; i++) {
    const struct selector *selector = &selection->chosen[i];
    struct candidate found = {.pick = {.module = module,
                                       .symbol = symbol,
                                       .offset = symbol->offset + selector->offset,
                                       .module_index = (uint32_t)index,
                                       .is_ifunc = symbol->is_ifunc && !selector->has_offset}};

    if (selector->is_absolute || !selector_takes(selector, module, index, symbol))
      continue;
    plan->matched[i] = true;
    if (excluded < 0)
      excluded = is_excluded(selection, module, index, symbol);
    if (!excluded)
      add_candidate(list, selection, i, &found);
  }
}

/* MODULE+OFF, and 0xADDR: in the module that begins nearest below. */
static void consider_places(struct candidates *list, const struct selection *selection, struct plan *plan)
{
  for (size_t i = 0; i < selection->chosen_count; i++) {
    const struct selector *selector = &selection->chosen[i];
    size_t best = SIZE_MAX;

    for (size_t j = 0; j < plan->module_count; j++) {
      bool below = selector->is_absolute && plan->biases[j] <= selector->offset;

      if ((below && (best == SIZE_MAX || plan->biases[j] > plan->biases[best])) ||
          selector_takes_place(selector, plan->modules[j], j))
        best = j;
    }
    if (best != SIZE_MAX) {
      struct candidate found = {
          .pick = {.module = plan->modules[best],
                   .offset = selector->offset - (selector->is_absolute ? plan->biases[best] : 0),
                   .module_index = (uint32_t)best}};

      plan->matched[i] = true;
      add_candidate(list, selection, i, &found);
    }
  }
}

static int by_quality(const void *a, const void *b)
{
  const struct candidate *left = a, *right = b;

  if (left->pick.module_index != right->pick.module_index)
    return left->pick.module_index < right->pick.module_index ? -1 : 1;
  if (left->pick.offset != right->pick.offset)
    return left->pick.offset < right->pick.offset ? -1 : 1;
  if (left->pick.is_ifunc != right->pick.is_ifunc)
    return left->pick.is_ifunc ? 1 : -1;
  if (left->penalty / 2 != right->penalty / 2)
    return left->penalty < right->penalty ? -1 : 1;
  if (left->selector != right->selector)
    return left->selector < right->selector ? -1 : 1;
  if (left->penalty != right->penalty)
    return left->penalty < right->penalty ? -1 : 1;
  if (left->underscores != right->underscores)
    return left->underscores < right->underscores ? -1 : 1;
  if (left->length != right->length)
    return left->length < right->length ? -1 : 1;
  return left->pick.symbol && right->pick.symbol ? strcmp(left->pick.symbol->name, right->pick.symbol->name) : 0;
}

static void add_alias(struct plan *plan, const struct candidate *candidate, const char *counted_as)
{
  char *name = pick_name(candidate->pick.module, candidate->pick.symbol, candidate->pick.offset);

  if (strcmp(name, counted_as) == 0) {
    free(name);
    return;
  }
  plan->aliases = grown(plan->aliases, plan->alias_count, &plan->alias_room, sizeof *plan->aliases);
  plan->aliases[plan->alias_count++] = (struct alias){name, counted_as};
}

static void take_best(struct plan *plan, const struct selection *selection, struct candidates *list)
{
  if (list->count)
    qsort(list->all, list->count, sizeof *list->all, by_quality);
  for (size_t i = 0; i < list->count; i++) {
    const struct candidate *candidate = &list->all[i];
    const struct pick *last = plan->count ? &plan->picks[plan->count - 1] : NULL;

    if (last && last->module_index == candidate->pick.module_index && last->offset == candidate->pick.offset &&
        last->is_ifunc == candidate->pick.is_ifunc) {
      if (selection->chosen[candidate->selector].is_literal)
        add_alias(plan, candidate, last->name);
      continue;
    }
    plan->picks = grown(plan->picks, plan->count, &plan->room, sizeof *plan->picks);
    plan->picks[plan->count] = candidate->pick;
    plan->picks[plan->count].name = pick_name(candidate->pick.module, candidate->pick.symbol, candidate->pick.offset);
    plan->count++;
  }
}

static struct plan *make_plan(const struct selection *selection, const struct module **modules, uint64_t *biases,
                              size_t count)
{
  struct plan *plan = checked(calloc(1, sizeof *plan));
  struct candidates list = {0};

  plan->modules = modules;
  plan->biases = biases;
  plan->module_count = count;
  plan->matched = checked(calloc(selection->chosen_count + 1, sizeof *plan->matched));
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < modules[i]->count; j++)
      consider_symbol(&list, selection, plan, i, &modules[i]->symbols[j]);
  consider_places(&list, selection, plan);
  take_best(plan, selection, &list);
  free(list.all);
  return plan;
}

static bool has_addresses(const struct selection *selection)
{
  for (size_t i = 0; i < selection->chosen_count; i++)
    if (selection->chosen[i].is_absolute)
      return true;
  return false;
}

const struct plan *plan_for(const struct selection *selection, const struct module **modules, uint64_t *biases,
                            size_t count)
{
  for (size_t i = 0; i < plans_made; i++) {
    const struct plan *plan = plans[i];

    if (plan->module_count != count || memcmp(plan->modules, modules, count * sizeof *modules) != 0 ||
        (has_addresses(selection) && memcmp(plan->biases, biases, count * sizeof *biases) != 0))
      continue;
    free(modules);
    free(biases);
    return plan;
  }
  plans = grown(plans, plans_made, &plans_room, sizeof *plans);
  return plans[plans_made++] = make_plan(selection, modules, biases, count);
}
