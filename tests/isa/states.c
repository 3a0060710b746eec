#include "states.h"

#include <string.h>

#define FLAGS_FREE 0x8D5U /* CF PF AF ZF SF OF */
#define FLAG_DF 0x400U

#define ADDRESS_MAX 0x7FFFFFFFEFFFU

static unsigned long long *register_of(struct user_regs_struct *regs, ZydisRegister reg)
{
  unsigned long long *by_number[] = {&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx, &regs->rsp, &regs->rbp,
                                     &regs->rsi, &regs->rdi, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
                                     &regs->r12, &regs->r13, &regs->r14, &regs->r15};
  ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  return whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15 ? by_number[whole - ZYDIS_REGISTER_RAX] : NULL;
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
    return value >> 17; /* a user's address */
  case 3:
    return SCRATCH + DATA_SIZE / 2 + value % 256;
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

/* In the middle of an area; mostly aligned as the strictest instruction wants it. */
static uint64_t place_in(uint64_t area, uint64_t *random)
{
  uint64_t offset = next_random(random) % 1024;
  if (next_random(random) % 4)
    offset &= ~63U;
  return area + DATA_SIZE / 2 + offset;
}

void fill_data(uint8_t *data, size_t size, uint64_t *random)
{
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint64_t value = next_random(random) & 1 ? number(random) : vector_number(random);
    memcpy(data + i, &value, sizeof value);
  }
}

static void fill_part(struct state *state, size_t offset, size_t size, uint64_t *random)
{
  for (size_t i = 0; i < size; i += 8) {
    uint64_t value = vector_number(random);
    memcpy(state->xstate + offset + i, &value, sizeof value);
  }
}

static void fill_vectors(struct state *state, uint64_t *random)
{
  uint64_t features = 3;
  state->xstate[4] = (uint8_t)next_random(random); /* which x87 registers are in use */
  for (unsigned i = 0; i < 8; i++) {
    uint64_t mantissa = next_random(random) | 1ULL << 63;
    uint16_t exponent = (uint16_t)(0x3FF0 + next_random(random) % 32);
    memcpy(state->xstate + 32 + i * 16, &mantissa, sizeof mantissa);
    memcpy(state->xstate + 40 + i * 16, &exponent, sizeof exponent);
  }
  fill_part(state, 160, 256, random);
  for (unsigned i = 2; i < 8; i++) {
    const struct component *part = &machine_components[i];
    if (!part->size || i == 3 || i == 4)
      continue;
    fill_part(state, part->offset, part->size, random);
    features |= 1ULL << i;
  }
  uint64_t all;
  memcpy(&all, state->xstate + XSTATE_FEATURES, sizeof all);
  all |= features;
  memcpy(state->xstate + XSTATE_FEATURES, &all, sizeof all);
}

/* The index register of a gather or scatter: small numbers, whether taken as 32 or 64 bits each. */
static void set_vector_index(struct state *state, ZydisRegister reg, uint64_t *random)
{
  int number = ZydisRegisterGetId(reg);
  for (unsigned i = 0; i < 8; i++) {
    uint64_t value = next_random(random) % 64;
    size_t at = i < 2   ? 160 + (size_t)number * 16 + i * 8
                : i < 4 ? machine_components[2].offset + (size_t)number * 16 + (i - 2) * 8
                        : machine_components[6].offset + (size_t)number * 32 + (i - 4) * 8;
    if (number >= 16)
      at = machine_components[7].offset + (size_t)(number - 16) * 64 + i * 8;
    else if ((i >= 2 && !machine_components[2].size) || (i >= 4 && !machine_components[6].size))
      break;
    memcpy(state->xstate + at, &value, sizeof value);
  }
}

/* Lets base + index * scale + disp be `want` by choosing the base, else the segment's base, else the index. */
static void aim(const ZydisDecodedOperandMem *mem, uint64_t want, struct state *state, uint64_t *random)
{
  unsigned long long *base = register_of(&state->regs, mem->base), *index = register_of(&state->regs, mem->index);
  unsigned long long *segment = mem->segment == ZYDIS_REGISTER_FS   ? &state->regs.fs_base
                                : mem->segment == ZYDIS_REGISTER_GS ? &state->regs.gs_base
                                                                    : NULL;
  uint64_t disp = (uint64_t)mem->disp.value, scale = mem->scale;
  bool on_stack = base == &state->regs.rsp;
  if (segment)
    *segment = want;
  if (index && index != &state->regs.rsp)
    *index = next_random(random) % 64;
  if (on_stack)
    return;
  if (segment && base)
    want = next_random(random) % 256;
  else if (segment && want - disp - (index ? *index * scale : 0) <= ADDRESS_MAX)
    *segment = want - disp - (index ? *index * scale : 0); /* else the kernel would not take it */
  if (base && base == index)
    *base = (want - disp) / (1 + scale);
  else if (base)
    *base = want - disp - (index ? *index * scale : 0);
  else if (index && !segment)
    *index = (want - disp) / scale;
}

static void aim_at_operand(const struct decoded *decoded, const ZydisDecodedOperandMem *mem, uint8_t *bytes,
                           uint64_t pc, uint64_t *random, struct state *state)
{
  uint64_t want = place_in(SCRATCH, random);
  if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP) {
    int32_t disp = (int32_t)(want - (pc + decoded->insn.length));
    memcpy(bytes + decoded->insn.raw.disp.offset, &disp, sizeof disp);
    if (mem->segment == ZYDIS_REGISTER_FS || mem->segment == ZYDIS_REGISTER_GS)
      state->regs.fs_base = state->regs.gs_base = 0;
    return;
  }
  if (mem->type == ZYDIS_MEMOP_TYPE_VSIB) {
    ZydisDecodedOperandMem plain = *mem;
    plain.index = ZYDIS_REGISTER_NONE;
    aim(&plain, want, state, random);
    set_vector_index(state, mem->index, random);
    return;
  }
  aim(mem, want, state, random);
}

void make_state(const struct decoded *decoded, uint8_t *bytes, uint64_t pc, uint64_t *random, struct state *state)
{
  const ZydisDecodedInstruction *insn = &decoded->insn;
  *state = *machine_initial();
  for (ZydisRegister reg = ZYDIS_REGISTER_RAX; reg <= ZYDIS_REGISTER_R15; reg++)
    *register_of(&state->regs, reg) = number(random);
  state->regs.rsp = place_in(STACK, random);
  state->regs.eflags = (state->regs.eflags & ~(FLAGS_FREE | FLAG_DF)) | (next_random(random) & FLAGS_FREE);
  if (next_random(random) % 4 == 0)
    state->regs.eflags |= FLAG_DF;
  fill_vectors(state, random);
  if (insn->mnemonic == ZYDIS_MNEMONIC_DIV || insn->mnemonic == ZYDIS_MNEMONIC_IDIV)
    state->regs.rdx = 0;
  for (unsigned i = 0; i < insn->operand_count; i++)
    if (decoded->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
      aim_at_operand(decoded, &decoded->operands[i].mem, bytes, pc, random, state);
  bool counts = insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
  bool tests_count = insn->mnemonic == ZYDIS_MNEMONIC_LOOP || insn->mnemonic == ZYDIS_MNEMONIC_LOOPE ||
                     insn->mnemonic == ZYDIS_MNEMONIC_LOOPNE || insn->mnemonic == ZYDIS_MNEMONIC_JRCXZ ||
                     insn->mnemonic == ZYDIS_MNEMONIC_JECXZ;
  if (counts || tests_count)
    state->regs.rcx = next_random(random) % 4;
  if (tests_count && next_random(random) & 1)
    state->regs.rcx |= next_random(random) << 32; /* matters to the forms that look at ecx only */
}
