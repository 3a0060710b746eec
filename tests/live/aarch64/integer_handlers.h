/* Handlers of integer-only hooks, in a file of their own since no vector register may be used in it. */
#ifndef TESTS_LIVE_INTEGER_HANDLERS_H
#define TESTS_LIVE_INTEGER_HANDLERS_H

#include <sighook/sighook.h>
#include "registers.h"

struct integers {
  const struct registers *in, *wanted;   /* what the handler must see, what it writes */
  const char **wrong;                    /* set to what it saw wrongly */
};

void look_at_integers(sighook_context *context, void *integers);
void look_at_integers_alone(sighook_context *context, void *integers);   /* and vectors must not have been saved */
void go_elsewhere_with_integers(sighook_context *context, void *integers);

#endif
