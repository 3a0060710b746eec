#include "isa/x86_64/trapping.h"

size_t x64_trapping_bytes(const char vendor[12], unsigned family, const uint8_t **bytes)
{
  static const uint8_t all[] = {0xCC, 0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61};

  *bytes = all;
  return vendor[0] == 'A' && family == 0x19 ? sizeof all : 1;
}
