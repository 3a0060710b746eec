/* Where the stubs of sites before boundaries go back to: see site_is_boundary. */
#ifndef CORE_LEAD_H
#define CORE_LEAD_H

#include <stdbool.h>
#include "core/transaction.h"

/* Before the code is changed: the stubs of what goes live go on to those of the boundaries behind it. */
void lead_on(const struct transaction *t);

/* Afterwards: the boundaries are gone, or those that failed to come never stood. */
void lead_back(const struct transaction *t, bool failed);

#endif
