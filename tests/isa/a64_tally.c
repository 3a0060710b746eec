#include "a64_tally.h"

#include <stdio.h>

static void summarise(const char *name, const struct tally *tally)
{
  printf("%s: %zu forms tried, %zu compared, %zu of them faulted in every state; %zu states, %zu without a fault, %zu "
         "differ\n",
         name, tally->tried, tally->compared, tally->faulting, tally->runs, tally->ended, tally->failures);
  printf("  left out, forms by name:");
  for (int i = 0; i < A64_NOT_ALONE_MAX; i++)
    if (tally->left_out[i])
      printf(" %s %zu;", a64_not_alone_name(i), tally->left_out[i]);
  printf("\n  refused, states by reason:");
  for (unsigned i = 0; i < REFUSALS_MAX; i++)
    if (tally->refused[i])
      printf(" %s %zu;", a64_refusal_text((enum a64_refusal)i), tally->refused[i]);
  printf("\n");
}

bool conclude(const char *name, bool broad, const struct tally *tally)
{
  bool passed = tally->failures == 0 && broad;
  summarise(name, tally);
  if (!broad)
    printf("  too few were compared for this to mean much\n");
  printf("%s - %s\n", passed ? "ok" : "not ok", name);
  return passed;
}
