#include "sink.h"

#include <stdint.h>

struct sink *sink;

static unsigned long emit_word(unsigned long digest, uint64_t word, unsigned char *to)
{
  if (to)
    __builtin_memcpy(to, &word, sizeof word);
  return (digest ^ word) * 0x100000001B3;
}

/* By words, since these are steps too. */
unsigned long emit(unsigned long digest, const void *bytes, size_t length)
{
  const unsigned char *from = bytes;
  unsigned char *to = NULL;
  uint64_t word;
  size_t i;

  if (sink && sink->length <= SINK_MAX && length <= SINK_MAX - sink->length)
    to = sink->bytes + sink->length;
  if (sink)
    sink->length += length;               /* beyond the end too, which is noticed then */
  for (i = 0; i + sizeof word <= length; i += sizeof word) {
    __builtin_memcpy(&word, from + i, sizeof word);
    digest = emit_word(digest, word, to ? to + i : NULL);
  }
  for (word = 0; i < length; i++) {
    word = word << 8 | from[i];
    if (to)
      to[i] = from[i];
  }
  return emit_word(digest, word, NULL);
}
