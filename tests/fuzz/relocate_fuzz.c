/* libFuzzer: any bytes, any two places. The input is `from`, `to` (8 bytes each), then code. What is relocated must
 * stay within its bounds, decode again up to its constants, go only where the original could, and be the same each
 * time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "isa/x86_64/relocate.h"

#define REQUIRE(condition) \
  do \
    if (!(condition)) \
      abort(); \
  while (0)

enum { NONE = 0xFF };

struct trial {
  const uint8_t *bytes;
  size_t size;
  uint64_t from, to;
  struct x64_insn insn;
  struct x64_displaced displaced;
  bool starts[X64_DISPLACED_MAX + 1];   /* where the displaced form's instructions begin, and where they end */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reach(const struct trial *trial, enum x64_refusal refusal)
{
  uint64_t low, high;

  x64_reach(&trial->insn, trial->from, &low, &high);
  if (trial->to >= low && trial->to <= high)
    REQUIRE(refusal != X64_OUT_OF_REACH);
}

static bool is_inside(const struct trial *trial, uint64_t address)
{
  return address - trial->to < trial->displaced.length;
}

/* Never happens, and what is a constant or a branch within the form could not be told then. */
static bool refers_into_displaced(const struct trial *trial)
{
  return is_inside(trial, trial->from + trial->insn.length) ||
         (trial->insn.rip_relative && is_inside(trial, trial->insn.operand_address)) ||
         (trial->insn.has_target && is_inside(trial, trial->insn.target));
}

/* Whole instructions up to the first constant that they refer to; padding before it is int3. Operands and direct
 * targets lead to constants, to the form itself, or to where the original's led. */
static void check_code(struct trial *trial)
{
  const struct x64_displaced *displaced = &trial->displaced;
  unsigned at = 0, end = displaced->length;

  while (at < end) {
    struct x64_insn insn;

    trial->starts[at] = true;
    REQUIRE(x64_decode(displaced->bytes + at, end - at, trial->to + at, &insn));
    if (insn.rip_relative && is_inside(trial, insn.operand_address)) {
      unsigned constant = (unsigned)(insn.operand_address - trial->to);

      REQUIRE(constant + 8 <= displaced->length && insn.operand_address % 8 == 0);
      if (constant < end && constant > at)
        end = constant;
    } else if (insn.rip_relative) {
      uint64_t operand = trial->insn.rip_relative ? trial->insn.operand_address : trial->from + trial->insn.length;

      REQUIRE((trial->insn.rip_relative || trial->insn.kind == X64_SYSCALL) && insn.operand_address == operand);
    }
    if (insn.has_target && !is_inside(trial, insn.target))
      REQUIRE(insn.target == trial->from + trial->insn.length ||
              (trial->insn.has_target && insn.target == trial->insn.target));
    at += insn.length;
  }
  REQUIRE(at == end);
  trial->starts[at] = true;
}

/* Offsets stand at instructions' beginnings, in the order that the header tells. */
static void check_offsets(const struct trial *trial)
{
  const struct x64_displaced *displaced = &trial->displaced;
  unsigned last = 0;

  REQUIRE(displaced->exit_offset > 0 && displaced->exit_offset <= displaced->length);
  REQUIRE(trial->starts[displaced->exit_offset]);
  REQUIRE((displaced->trap_offset != NONE) == (trial->insn.kind == X64_INT3));
  REQUIRE((displaced->taken_offset != NONE) == (trial->insn.kind == X64_LOOP));
  if (displaced->trap_offset != NONE)
    REQUIRE(displaced->trap_offset == trial->insn.length - 1);
  if (displaced->taken_offset != NONE)
    REQUIRE(displaced->taken_offset > displaced->exit_offset && trial->starts[displaced->taken_offset]);
  for (unsigned i = 0; i < X64_LOWERED_MAX && displaced->lowered[i].bytes; i++) {
    REQUIRE(displaced->lowered[i].offset > last && displaced->lowered[i].offset < displaced->exit_offset);
    REQUIRE(trial->starts[displaced->lowered[i].offset]);
    last = displaced->lowered[i].offset;
  }
}

/* Nothing but a displacement changes in a copy. */
static void check_copy(const struct trial *trial)
{
  for (unsigned i = 0; i < trial->insn.length; i++) {
    bool displacement = trial->insn.rip_relative && i - trial->insn.disp_offset < 4U;

    REQUIRE(displacement || trial->displaced.bytes[i] == trial->bytes[i]);
  }
}

static void check_told_pc(const struct trial *trial)
{
  unsigned lowered;

  REQUIRE(x64_original_pc(&trial->displaced, &trial->insn, trial->from, 0, &lowered) == trial->from && lowered == 0);
  for (unsigned offset = 0; offset < trial->displaced.length; offset++) {
    uint64_t pc = x64_original_pc(&trial->displaced, &trial->insn, trial->from, offset, &lowered);

    REQUIRE(lowered == 0 || (offset < trial->displaced.exit_offset && lowered <= 144));
    REQUIRE(pc == (offset < trial->displaced.exit_offset    ? trial->from
                   : offset < trial->displaced.taken_offset ? trial->from + trial->insn.length
                                                            : trial->insn.target));
  }
}

static void check_again(const struct trial *trial, enum x64_refusal refusal)
{
  struct x64_displaced again;

  memset(&again, 0xA5, sizeof again);
  REQUIRE(x64_relocate(trial->bytes, trial->size, trial->from, trial->to, &again) == refusal);
  REQUIRE(refusal != X64_RELOCATED || memcmp(&again, &trial->displaced, sizeof again) == 0);
  REQUIRE(x64_relocate(trial->bytes, trial->insn.length, trial->from, trial->to, &again) == refusal);
  REQUIRE(x64_relocate(trial->bytes, trial->insn.length - 1U, trial->from, trial->to, &again) == X64_UNDECODABLE);
}

static void check(struct trial *trial)
{
  enum x64_refusal refusal = x64_relocate(trial->bytes, trial->size, trial->from, trial->to, &trial->displaced);

  REQUIRE(x64_refusal_text(refusal) != NULL);
  if (!x64_decode(trial->bytes, trial->size, trial->from, &trial->insn)) {
    REQUIRE(refusal == X64_UNDECODABLE && x64_length(trial->bytes, trial->size) == 0);
    return;
  }
  REQUIRE(refusal != X64_UNDECODABLE && x64_length(trial->bytes, trial->size) == trial->insn.length);
  REQUIRE(trial->insn.length <= X64_INSN_MAX && trial->insn.prefix_length < trial->insn.length);
  check_reach(trial, refusal);
  check_again(trial, refusal);
  if (refusal != X64_RELOCATED || refers_into_displaced(trial))
    return;
  REQUIRE(trial->displaced.length > 0 && trial->displaced.length <= X64_DISPLACED_MAX);
  check_code(trial);
  check_offsets(trial);
  check_told_pc(trial);
  if (trial->insn.kind == X64_ORDINARY || trial->insn.kind == X64_INT3 || trial->insn.kind == X64_JMP_INDIRECT)
    check_copy(trial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct trial trial = {0};

  if (size < 17)
    return 0;
  memcpy(&trial.from, data, 8);
  memcpy(&trial.to, data + 8, 8);
  trial.from &= UINT64_C(0x7FFFFFFFFFFF);
  trial.to &= UINT64_C(0x7FFFFFFFFFFF);
  trial.bytes = data + 16;
  trial.size = size - 16;
  check(&trial);
  return 0;
}
