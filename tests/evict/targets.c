#define _GNU_SOURCE
#include "targets.h"


#define EVERY(X) X(before_long) X(before_short) X(before_relative) X(before_call) X(before_branch) X(before_padding) X(before_little)
#define DECLARE(name) \
  long name(long);    \
  extern const uint8_t name##_site[], name##_next[];
EVERY(DECLARE)
#define TARGET(name) {#name, name, name##_site, name##_next},
const struct target targets[] = {EVERY(TARGET)};
const unsigned target_count = sizeof targets / sizeof *targets;

void targets_crowd(void)
{
  for (unsigned i = 0; i < target_count; i++)
    take_windows(targets[i].site, (unsigned)(targets[i].next - targets[i].site));
}
