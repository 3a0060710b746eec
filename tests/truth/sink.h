/* Where a job lays what comes out, so that it can be compared byte for byte. */
#ifndef TESTS_TRUTH_SINK_H
#define TESTS_TRUTH_SINK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SINK_MAX = 1 << 18 };

struct sink {
  size_t length;
  unsigned char bytes[SINK_MAX];
};

extern struct sink *sink;             /* NULL: nothing is kept */

/* Adds to the sink; the answer is the digest so far with these bytes added. */
unsigned long emit(unsigned long digest, const void *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
