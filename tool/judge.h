/* Whether the selectors match anything in what they are meant for. */
#ifndef TOOL_JUDGE_H
#define TOOL_JUDGE_H

#include <stdbool.h>
#include "count.h"
#include "plan.h"

/* False, with a message, where a selector that was given matches nothing, or nothing is left. */
bool judge(const struct count_run *run, const struct plan *plan);

#endif
