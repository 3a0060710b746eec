/* libFuzzer: any word, any two places. The input is `from`, `to` (8 bytes each), then the word as the vectors write it.
 * What is relocated must stay within its bounds, be the same each time, and mean the same: the moves, loads, spills and
 * branches of the displaced form are run here, on registers that only this file knows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "isa/aarch64/encode.h"
#include "isa/aarch64/relocate.h"

#define REQUIRE(condition) \
  do \
    if (!(condition)) \
      abort(); \
  while (0)

enum { STEPS_MAX = 16, REGISTERS = 31 };

struct trial {
  uint32_t word;
  uint64_t from, to;
  bool far;
  struct a64_insn insn;
  struct a64_displaced displaced;
};

struct machine {
  uint64_t registers[REGISTERS], pc, spilled, loaded_from;
  unsigned lowered;
  bool taken;    /* conditions hold */
  bool loaded;   /* a literal was read, from loaded_from */
  bool worked;   /* the copy ran */
  bool left;     /* control went where only registers tell */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t initial(unsigned number)
{
  return UINT64_C(0x5EED000000000000) + number * UINT64_C(0x10001);
}

static void move(struct machine *machine, uint32_t word)
{
  unsigned shift = 16 * a64_get_hw(word);
  uint64_t part = (uint64_t)a64_get_imm16(word) << shift;
  uint64_t *rd = &machine->registers[a64_get_rd(word)];

  REQUIRE(a64_get_rd(word) < REGISTERS);
  if (a64_is_movz_x(word))
    *rd = part;
  else if (a64_is_movn_x(word))
    *rd = ~part;
  else
    *rd = (*rd & ~(UINT64_C(0xFFFF) << shift)) | part;
}

static bool is_move(uint32_t word)
{
  return a64_is_movz_x(word) || a64_is_movn_x(word) || a64_is_movk_x(word);
}

/* str x16,[sp,#-16]! and ldr x16,[sp],#16 */
static bool spill(struct machine *machine, uint32_t word)
{
  if (word == 0xF81F0FF0) {
    machine->spilled = machine->registers[16];
    machine->lowered += 16;
    return true;
  }
  if (word != 0xF84107F0 || !machine->lowered)
    return false;
  machine->registers[16] = machine->spilled;
  machine->lowered -= 16;
  return true;
}

/* The destination gets a value that nothing else has: it is the literal's. */
static void read_literal(const struct trial *trial, struct machine *machine, uint32_t word)
{
  unsigned rd = a64_get_rd(word);

  REQUIRE(rd == trial->insn.rd && a64_get_rn(word) < REGISTERS && a64_get_imm12(word) == 0);
  machine->loaded = true;
  machine->loaded_from = machine->registers[a64_get_rn(word)];
  if (trial->insn.kind == A64_LDR_LITERAL && rd < REGISTERS)
    machine->registers[rd] = 0x11;
}

/* A breakpoint in place of a branch that does not reach: the handler's part. */
static bool finish(const struct trial *trial, struct machine *machine, uint32_t word)
{
  unsigned offset = (unsigned)(machine->pc - trial->to);

  if (word != a64_encode_brk(A64_FAR_BRANCH) || offset == trial->displaced.trap_offset)
    return false;
  REQUIRE(trial->far);
  machine->pc = a64_leads_to(&trial->insn, trial->from, trial->displaced.exit_offset, offset);
  REQUIRE(!a64_reaches(trial->to + offset, machine->pc, A64_B_REACH));
  return true;
}

/* One instruction that the relocator made; false: it is the copy. */
static bool run_made(const struct trial *trial, struct machine *machine, uint32_t word, const struct a64_insn *insn)
{
  bool is_literal = trial->insn.kind == A64_LDR_LITERAL || trial->insn.kind == A64_LDR_LITERAL_FP;

  if (finish(trial, machine, word))
    return true;
  machine->pc += 4;
  if (insn->has_target) {
    REQUIRE(insn->kind == trial->insn.kind || insn->kind == A64_B);
    if (!insn->falls_through || machine->taken)
      machine->pc = insn->target;
    return true;
  }
  if (trial->insn.kind == A64_ORDINARY)
    return false;
  if (is_move(word))
    move(machine, word);
  else if (is_literal && !spill(machine, word))
    read_literal(trial, machine, word);
  return is_move(word) || is_literal;
}

static void run_copy(const struct trial *trial, struct machine *machine, uint32_t word, const struct a64_insn *insn)
{
  REQUIRE(!machine->worked);
  machine->worked = true;
  if (trial->insn.kind == A64_BLR) {
    REQUIRE(insn->kind == A64_BR || word == a64_encode_brk(A64_LINK_TRAP));
    REQUIRE(insn->kind != A64_BR || (insn->rn == trial->insn.rn && insn->rm == trial->insn.rm));
    REQUIRE(insn->kind != A64_BR || insn->authenticated == trial->insn.authenticated);
  } else {
    REQUIRE(word == trial->word || word == A64_WORD_NOP);
  }
  machine->left = trial->insn.kind == A64_BLR || trial->insn.kind == A64_BR || trial->insn.kind == A64_RET ||
                  trial->insn.kind == A64_ERET;
}

static struct machine run(const struct trial *trial, bool taken)
{
  struct machine machine = {.pc = trial->to + trial->displaced.entry_offset, .taken = taken};

  for (unsigned i = 0; i < REGISTERS; i++)
    machine.registers[i] = initial(i);
  for (unsigned steps = 0; !machine.left && machine.pc - trial->to < trial->displaced.length; steps++) {
    uint32_t word = trial->displaced.words[(machine.pc - trial->to) / 4];
    struct a64_insn insn;

    REQUIRE(steps < STEPS_MAX);
    a64_decode(word, machine.pc, &insn);
    if (!run_made(trial, &machine, word, &insn))
      run_copy(trial, &machine, word, &insn);
  }
  return machine;
}

static uint64_t expected_register(const struct trial *trial, unsigned number)
{
  const struct a64_insn *insn = &trial->insn;
  bool links = insn->kind == A64_BL || (insn->kind == A64_BLR && insn->rn != A64_LR);

  if (links && number == A64_LR)
    return trial->from + 4;
  if ((insn->kind == A64_ADR || insn->kind == A64_ADRP) && number == insn->rd)
    return insn->operand_address;
  return insn->kind == A64_LDR_LITERAL && number == insn->rd ? 0x11 : initial(number);
}

static void check_meaning(const struct trial *trial, bool taken)
{
  const struct a64_insn *insn = &trial->insn;
  struct machine machine = run(trial, taken);
  bool is_literal = insn->kind == A64_LDR_LITERAL || insn->kind == A64_LDR_LITERAL_FP;
  bool goes = insn->has_target && (taken || !insn->falls_through || insn->kind == A64_BL);

  for (unsigned i = 0; i < REGISTERS; i++)
    REQUIRE(machine.registers[i] == expected_register(trial, i));
  REQUIRE(machine.lowered == 0 && machine.loaded == is_literal);
  REQUIRE(!machine.loaded || machine.loaded_from == insn->operand_address);
  if (!machine.left)
    REQUIRE(machine.pc == (goes ? insn->target : trial->from + 4));
}

static void check_reach(const struct trial *trial, enum a64_refusal refusal)
{
  uint64_t low, high;

  a64_reach(&trial->insn, trial->from, &low, &high);
  if ((trial->far && trial->insn.kind != A64_LOAD_EXCLUSIVE) || (trial->to >= low && trial->to <= high))
    REQUIRE(refusal != A64_OUT_OF_REACH);
}

static void check_offsets(const struct trial *trial)
{
  const struct a64_displaced *displaced = &trial->displaced;

  REQUIRE(displaced->length > 0 && displaced->length <= A64_DISPLACED_MAX * 4 && displaced->length % 4 == 0);
  REQUIRE(displaced->exit_offset > displaced->entry_offset && displaced->exit_offset <= displaced->length);
  REQUIRE((displaced->trap_offset != A64_NO_OFFSET) == (trial->insn.kind == A64_BRK));
  REQUIRE((displaced->link_trap_offset != A64_NO_OFFSET) ==
          (trial->insn.kind == A64_BLR && trial->insn.rn == A64_LR && !trial->insn.authenticated));
  REQUIRE(displaced->entry_offset == 0 || trial->insn.kind == A64_MOPS_MAIN || trial->insn.kind == A64_MOPS_EPILOGUE);
}

static void check_told_pc(const struct trial *trial)
{
  for (unsigned offset = 0; offset < trial->displaced.length; offset += 4) {
    unsigned lowered;
    uint64_t pc = a64_original_pc(&trial->displaced, &trial->insn, trial->from, offset, &lowered);

    REQUIRE(lowered == 0 || (lowered == 16 && pc == trial->from));
    if (offset < trial->displaced.entry_offset)
      REQUIRE(pc == trial->from - (trial->displaced.entry_offset - offset));
    else if (offset < trial->displaced.exit_offset)
      REQUIRE(pc == trial->from);
    else
      REQUIRE(pc == trial->from + 4 || (trial->insn.has_target && pc == trial->insn.target));
  }
}

static void check(struct trial *trial)
{
  struct a64_displaced again;
  enum a64_refusal refusal = a64_relocate(trial->word, trial->from, trial->to, trial->far, &trial->displaced);

  a64_decode(trial->word, trial->from, &trial->insn);
  REQUIRE(a64_refusal_text(refusal) != NULL);
  memset(&again, 0xA5, sizeof again);
  REQUIRE(a64_relocate(trial->word, trial->from, trial->to, trial->far, &again) == refusal);
  check_reach(trial, refusal);
  if (refusal != A64_RELOCATED)
    return;
  REQUIRE(memcmp(&again, &trial->displaced, offsetof(struct a64_displaced, lowered) + sizeof again.lowered) == 0);
  check_offsets(trial);
  check_told_pc(trial);
  if (trial->insn.has_target && trial->insn.target - trial->to < trial->displaced.length)
    return;   /* a place of our own, where no branch leads */
  if (trial->from + 4 - trial->to < trial->displaced.length)
    return;
  check_meaning(trial, false);
  check_meaning(trial, true);
}

/* Words as they come, cut up as if they were code. */
static void check_exclusive(const uint8_t *data, size_t size)
{
  uint32_t code[64];
  size_t count = size / 4 < 64 ? size / 4 : 64, before, after;

  memcpy(code, data, count * 4);
  for (size_t i = 0; i < count; i++)
    if (a64_inside_exclusive(code, count, i, &before, &after))
      REQUIRE(before <= i && after > 0 && after <= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct trial trial = {0};

  if (size < 20)
    return 0;
  memcpy(&trial.from, data, 8);
  memcpy(&trial.to, data + 8, 8);
  trial.from &= UINT64_C(0xFFFFFFFFFFFC);
  trial.far = trial.to & 2;
  /* Mostly in reach. */
  trial.to = trial.to & 1 ? trial.to & UINT64_C(0xFFFFFFFFFFFC) : trial.from + (trial.to & 0xFFFFFFC) - 0x8000000;
  trial.word = (uint32_t)data[16] << 24 | (uint32_t)data[17] << 16 | (uint32_t)data[18] << 8 | data[19];
  check(&trial);
  check_exclusive(data + 16, size - 16);
  return 0;
}
