/* Filling in a listing's question. */
#include "ask.h"

/* Of a function, from where the pick is; 0: unknown. A place inside a function is one instruction. */
static uint64_t size_of(const struct pick *pick)
{
  if (!pick->symbol)
    return 0;
  return pick->offset == pick->symbol->offset ? pick->symbol->size : 1;
}

uint64_t ask_sites(const struct plan *plan, const struct list_request *request)
{
  uint64_t sites = plan->count;

  for (size_t i = 0; i < plan->count && request->by_instruction; i++)
    sites += size_of(&plan->picks[i]);
  return sites;
}

void ask_fill(struct listing *listing, const struct plan *plan, const struct list_request *request)
{
  listing->by_instruction = request->by_instruction;
  listing->together = request->together;
  listing->random = request->random;
  listing->seed = request->seed;
  for (size_t i = 0; i < plan->count; i++)
    listing->functions[i] = (struct listing_function){.offset = plan->picks[i].offset,
                                                      .size = size_of(&plan->picks[i]),
                                                      .module = plan->picks[i].module_index,
                                                      .is_ifunc = plan->picks[i].is_ifunc};
}
