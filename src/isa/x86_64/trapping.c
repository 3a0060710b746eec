/* Bytes that trap whatever follows, by the CPU's maker and family. */
#include "isa/x86_64/trapping.h"

#include <stdbool.h>

/* What is invalid and has no operands. Each list begins with CC. */
static const uint8_t invalid_alone[] = {0xCC, 0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F,
                                        0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61, 0xCE, 0xD6};

/* Families on which tests/isa/trapping_test.c was run and found all of the list trapping. */
static const struct {
  char vendor[X64_VENDOR_LENGTH + 1];
  unsigned family;
  const uint8_t *bytes;
  size_t count;
} families[] = {
    {"AuthenticAMD", 0x19, invalid_alone, sizeof invalid_alone}, /* Zen 4, model 11h */
};

static bool same_vendor(const char *vendor, const char *other)
{
  for (unsigned i = 0; i < X64_VENDOR_LENGTH; i++)
    if (vendor[i] != other[i])
      return false;
  return true;
}

size_t x64_trapping_bytes(const char vendor[X64_VENDOR_LENGTH], unsigned family, const uint8_t **bytes)
{
  for (unsigned i = 0; i < sizeof families / sizeof families[0]; i++)
    if (family == families[i].family && same_vendor(vendor, families[i].vendor)) {
      *bytes = families[i].bytes;
      return families[i].count;
    }
  *bytes = invalid_alone;
  return 1;
}
