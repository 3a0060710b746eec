/* The landing pad before a shifted site. */
#ifndef HOST_AARCH64_PAD_H
#define HOST_AARCH64_PAD_H

#include "core/site.h"
#include "isa/aarch64/encode.h"

static inline uint32_t host_pad_word(const struct site *site)
{
  uint32_t word;

  __builtin_memcpy(&word, site->original, sizeof word);
  return word;
}

static inline bool host_pad_uses_key_b(const struct site *site)
{
  return host_pad_word(site) != A64_WORD_PACIASP;
}

#endif
