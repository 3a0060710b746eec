/* libFuzzer: any bytes, any two places. What is relocated must stay within its bounds, decode again up to its constants, and
 * be the same each time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "isa/x86_64/relocate.h"

#define REQUIRE(condition) \
  do \
    if (!(condition)) \
      abort(); \
  while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reach(const struct x64_insn *insn, uint64_t from, uint64_t to, enum x64_refusal refusal)
{
  uint64_t low, high;

  x64_reach(insn, from, &low, &high);
  if (to >= low && to <= high)
    REQUIRE(refusal != X64_OUT_OF_REACH);
}

static void check_code(const struct x64_displaced *displaced, uint64_t to)
{
  unsigned at = 0;

  REQUIRE(displaced->length <= X64_DISPLACED_MAX && displaced->exit_offset <= displaced->length);
  while (at < displaced->exit_offset) {
    struct x64_insn insn;

    REQUIRE(x64_decode(displaced->bytes + at, displaced->length - at, to + at, &insn));
    at += insn.length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct x64_displaced first, second;
  struct x64_insn insn;
  enum x64_refusal refusal;
  uint64_t from, to;

  if (size < 17)
    return 0;
  memcpy(&from, data, 8);
  memcpy(&to, data + 8, 8);
  from &= UINT64_C(0x7FFFFFFFFFFF);
  to &= UINT64_C(0x7FFFFFFFFFFF);
  refusal = x64_relocate(data + 16, size - 16, from, to, &first);
  REQUIRE((refusal == X64_UNDECODABLE) == !x64_decode(data + 16, size - 16, from, &insn));
  if (refusal == X64_UNDECODABLE)
    return 0;
  REQUIRE(x64_length(data + 16, size - 16) == insn.length);
  check_reach(&insn, from, to, refusal);
  REQUIRE(x64_relocate(data + 16, size - 16, from, to, &second) == refusal);
  if (refusal != X64_RELOCATED)
    return 0;
  REQUIRE(memcmp(&first, &second, sizeof first) == 0);
  check_code(&first, to);
  return 0;
}
