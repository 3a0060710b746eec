/* Complaints about selectors. */
#include "judge.h"

#include <stdio.h>

static const char *consequence(const struct count_run *run)
{
  return run->list && run->list->process ? "not listed" : "not run";
}

/* What the agent brings along has no name. */
static size_t libraries_of(const struct plan *plan)
{
  size_t count = 0;

  for (size_t i = 1; i < plan->module_count; i++)
    count += *plan->modules[i]->file != 0;
  return count;
}

static void complain(const struct count_run *run, const struct selector *selector, const struct plan *plan)
{
  size_t libraries = libraries_of(plan);
  char near[1024];

  selector_near(selector, plan->modules, plan->module_count, near, sizeof near);
  fprintf(stderr, "sighook: nothing matches '%s' in %s and its %zu librar%s; %s\n", selector->text, plan->modules[0]->file,
          libraries, libraries == 1 ? "y" : "ies", consequence(run));
  if (*near)
    fprintf(stderr, "  near: %s\n", near);
}

bool judge(const struct count_run *run, const struct plan *plan)
{
  bool complained = false;

  for (size_t i = 0; i < run->selection.chosen_count; i++) {
    const struct selector *selector = &run->selection.chosen[i];

    if (plan->matched[i] || selector->is_default)
      continue;
    complain(run, selector, plan);
    complained = true;
  }
  if (complained || plan->count)
    return !complained;
  fprintf(stderr, "sighook: %s has no %s%s; %s\n", plan->modules[0]->file,
          run->list ? "functions" : "function symbols and no stubs of imports",
          run->selection.excluded_count ? " that -x leaves" : "", consequence(run));
  fprintf(stderr, "  try: sighook %s -e '*@libc' ...\n", run->list ? "list --entry" : "count");
  return false;
}
