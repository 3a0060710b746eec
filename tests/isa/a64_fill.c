#include "a64_fill.h"
#include "a64_forms.h"

#include "isa/aarch64/encode.h"
#include "isa/aarch64/insn.h"

#include <string.h>

#define FPCR_FREE 0x07C80000U /* rounding, flushing to zero, default NaN, alternative half precision */
#define FPSR_FREE 0x0800009FU

static bool one_in(unsigned count, uint64_t *random)
{
  return next_random(random) % count == 0;
}

/* In the middle of an area; mostly aligned as the strictest instruction wants it. */
static uint64_t place_in(uint64_t area, uint64_t *random)
{
  uint64_t offset = next_random(random) % 1024;
  if (!one_in(4, random))
    offset &= ~UINT64_C(63);
  return area + A64_AREA_SIZE / 2 + offset;
}

static uint64_t number(uint64_t *random)
{
  uint64_t value = next_random(random);
  switch (next_random(random) % 8) {
  case 0:
    return value % 256;
  case 1:
    return value >> 32;
  case 2:
    return value >> 17;
  case 3:
    return place_in(A64_SCRATCH, random);
  default:
    return value;
  }
}

static uint64_t vector_number(uint64_t *random)
{
  uint64_t value = next_random(random);
  double wide = (double)(value >> 40) / 256.0;
  float narrow[2] = {(float)(value >> 50), (float)(value & 0xFFFF) / 16.0F};
  switch (next_random(random) % 4) {
  case 0:
    memcpy(&value, &wide, sizeof value);
    break;
  case 1:
    memcpy(&value, narrow, sizeof value);
    break;
  default:
    break;
  }
  return value;
}

void a64_fill_data(uint8_t *data, size_t size, uint64_t *random)
{
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint64_t value = next_random(random) & 1 ? number(random) : vector_number(random);
    memcpy(data + i, &value, sizeof value);
  }
}

static void fill_scalable(struct a64_state *state, uint64_t *random)
{
  size_t vectors = 32 * a64_machine_vector_length, predicate = a64_machine_vector_length / 8;
  for (size_t i = 0; i + 8 <= vectors + 16 * predicate; i += 8) {
    uint64_t value = i < vectors ? vector_number(random) : next_random(random);
    memcpy(state->scalable + i, &value, sizeof value);
  }
  /* Of ffr only a run of ones from the bottom is a value (Arm ARM, WRFFR). */
  memset(state->scalable + vectors + 16 * predicate, next_random(random) & 1 ? 0xFF : 0, predicate);
  for (unsigned i = 0; i < 32; i++)
    memcpy(state->scalable + i * a64_machine_vector_length, state->v[i], a64_machine_vector_length ? 16 : 0);
}

static void fill_registers(struct a64_state *state, uint64_t *random)
{
  for (unsigned i = 0; i < 31; i++)
    state->x[i] = number(random);
  state->sp = place_in(A64_STACK, random) & ~UINT64_C(15);
  state->pstate = next_random(random) & UINT64_C(0xF0000000);
  state->fpcr = one_in(2, random) ? (uint32_t)next_random(random) & FPCR_FREE : 0;
  state->fpsr = (uint32_t)next_random(random) & FPSR_FREE;
  a64_fill_data(state->v[0], sizeof state->v, random);
  fill_scalable(state, random);
}

static uint64_t get(const struct a64_state *state, unsigned reg)
{
  return reg == A64_SP ? state->sp : state->x[reg];
}

/* sp stays aligned: else the processor takes exception at any access by it, that of a displaced form included. */
static void set(struct a64_state *state, unsigned reg, uint64_t value)
{
  if (reg == A64_SP)
    state->sp = value & ~UINT64_C(15);
  else
    state->x[reg] = value;
}

static bool is_scalable(uint32_t word)
{
  return (word & 0x1E000000) == 0x04000000;
}

static bool is_zva(uint32_t word)
{
  return (word & 0xFFFFFFE0) == 0xD50B7420;
}

/* Of an unsigned offset, the only one that leads out of the area. */
static uint64_t immediate_offset(uint32_t word)
{
  if ((word & 0x3B000000) != 0x39000000)
    return 0;
  unsigned shift = (word & 0x04800000) == 0x04800000 && word >> 30 == 0 ? 4 : word >> 30;
  return (uint64_t)a64_get_imm12(word) << shift;
}

/* Lets a load or store hit the scratch area, or the stack where its base is sp. */
static void aim_at_data(uint32_t word, uint64_t *random, struct a64_state *state)
{
  unsigned base = a64_get_rn(word), index = a64_get_rm(word);
  bool by_register = (word & 0x3B200C00) == 0x38200800 || (is_scalable(word) && word >> 31);
  if (a64_is_mops(word) || a64_is_mops_set(word)) {
    set(state, base, next_random(random) % 256);
    set(state, index, place_in(A64_SCRATCH, random));
    base = a64_get_rd(word);
  } else if (by_register && index != A64_SP) {
    set(state, index, next_random(random) % 64);
  } else if (is_zva(word)) {
    base = a64_get_rd(word);
  }
  uint64_t want = place_in(base == A64_SP ? A64_STACK : A64_SCRATCH, random) - immediate_offset(word);
  if ((word & 0xFF200400) == 0xF8200400 && !one_in(4, random)) /* ldraa, ldrab */
    want = a64_machine_sign(want, 0, word >> 23 & 1 ? A64_KEY_DB : A64_KEY_DA);
  /* Now and then it stays a number, and most likely faults. */
  if ((base != A64_SP || !is_zva(word)) && !one_in(16, random))
    set(state, base, want);
}

static bool is_load_or_store(uint32_t word)
{
  return (word & 0x0A000000) == 0x08000000 || (is_scalable(word) && word >> 31) || is_zva(word);
}

/* Code there is, or nothing, or no code address at all. */
static uint64_t place_to_go(uint64_t *random)
{
  uint64_t target = A64_TARGETS + next_random(random) % A64_AREA_SIZE;
  return one_in(8, random) ? number(random) : one_in(8, random) ? target : target & ~UINT64_C(3);
}

static void aim_branch_by_register(uint32_t word, const struct a64_insn *insn, uint64_t *random,
                                   struct a64_state *state)
{
  bool returns = insn->kind == A64_RET;
  unsigned rn = insn->authenticated && returns ? A64_LR : insn->rn;
  uint64_t target = place_to_go(random);
  if (insn->authenticated && !one_in(4, random)) {
    bool modified = returns || (word & 0xFF000000) == 0xD7000000;
    uint64_t modifier = !modified ? 0 : returns ? state->sp : get(state, insn->rm);
    target = a64_machine_sign(target, modifier, word >> 10 & 1 ? A64_KEY_IB : A64_KEY_IA);
  }
  if (rn != A64_ZR)
    state->x[rn] = target;
}

/* autiasp and its kin get something to authenticate. */
static void sign_link(uint64_t *random, struct a64_state *state)
{
  if (one_in(2, random))
    state->x[A64_LR] = a64_machine_sign(place_to_go(random), state->sp, one_in(2, random) ? A64_KEY_IB : A64_KEY_IA);
}

/* Any distance that the field has, but not 0: to itself it would run for ever. */
static uint32_t random_distance(uint32_t word, uint32_t (*put)(uint32_t, int64_t), uint64_t *random)
{
  uint32_t chosen = word;
  do
    chosen = put(word, (int64_t)(next_random(random) << 2 & 0xFFFFFFC) - 0x8000000);
  while (chosen == put(word, 0));
  return chosen;
}

static uint32_t aim_branch(uint32_t word, uint32_t (*put)(uint32_t, int64_t), int64_t reach, uint64_t from,
                           uint64_t *random)
{
  uint64_t target = A64_TARGETS + next_random(random) % (A64_AREA_SIZE / 4) * 4;
  if (one_in(2, random) && a64_reaches(from, target, reach))
    return put(word, (int64_t)(target - from));
  return random_distance(word, put, random);
}

static uint32_t aim_literal(uint32_t word, uint64_t from, uint64_t *random)
{
  uint64_t target = A64_SCRATCH + next_random(random) % (A64_AREA_SIZE / 4 - 4) * 4;
  /* A load into xzr shows only by its faults. */
  if (one_in(a64_get_rd(word) == A64_ZR ? 2 : 8, random))
    return random_distance(word, a64_set_distance19, random);
  return a64_set_distance19(word, (int64_t)(target - from));
}

/* By nearly all values cbz would do the same. */
static void fill_compared(uint32_t word, uint64_t *random, struct a64_state *state)
{
  unsigned reg = a64_get_rd(word);
  if (a64_is_cbz(word) && reg != A64_ZR && one_in(2, random))
    state->x[reg] = one_in(2, random) ? 0 : next_random(random) << 32;
}

void a64_fill_state(uint32_t *word, uint64_t from, uint64_t *random, struct a64_state *state)
{
  struct a64_insn insn;
  a64_decode(*word, from, &insn);
  fill_registers(state, random);
  sign_link(random, state);
  switch (insn.kind) {
  case A64_ADR:
  case A64_ADRP:
    *word = a64_set_adr(*word, (int64_t)next_random(random));
    break;
  case A64_LDR_LITERAL:
  case A64_LDR_LITERAL_FP:
  case A64_PRFM_LITERAL:
    *word = aim_literal(*word, from, random);
    break;
  case A64_B:
  case A64_BL:
    *word = aim_branch(*word, a64_set_distance26, A64_B_REACH, from, random);
    break;
  case A64_B_COND:
  case A64_CBZ:
  case A64_TBZ: {
    int64_t reach = insn.kind == A64_TBZ               ? A64_TBZ_REACH
                    : a64_is_compare_and_branch(*word) ? A64_CB_REACH
                                                       : A64_B_COND_REACH;
    *word = aim_branch(*word, a64_set_branch_distance, reach, from, random);
    fill_compared(*word, random, state);
    break;
  }
  case A64_BR:
  case A64_BLR:
  case A64_RET:
    aim_branch_by_register(*word, &insn, random, state);
    break;
  default:
    if (is_load_or_store(*word))
      aim_at_data(*word, random, state);
  }
  state->pc = from;
}
