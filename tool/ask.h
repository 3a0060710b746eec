/* From a plan to what is asked about its functions. */
#ifndef TOOL_ASK_H
#define TOOL_ASK_H

#include "list.h"
#include "listing.h"
#include "plan.h"

/* How many sites there may be. */
uint64_t ask_sites(const struct plan *plan, const struct list_request *request);

/* Writes the question into a zeroed listing of that many functions and sites. */
void ask_fill(struct listing *listing, const struct plan *plan, const struct list_request *request);

#endif
