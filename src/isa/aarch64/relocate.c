/* Displaced instructions of A64. Addresses relative to the pc become constants; calls become a constant in x30 and a
 * jump; conditional branches lead to jumps; the rest is copied. Left as it is: a call does not push on a guarded
 * control stack, and a literal is loaded by a register, which memory tagging checks and a load relative to the pc not. */
#include "isa/aarch64/relocate.h"

#include "isa/aarch64/encode.h"

enum {
  SPILL = 16, /* bytes: sp stays aligned */
  REACH_MARGIN = A64_DISPLACED_MAX * A64_INSN_LENGTH + 256
};

struct code {
  struct a64_displaced *out;
  uint64_t next, to; /* behind the original instruction; where the code will run */
  bool far;          /* a branch that does not reach becomes a breakpoint */
  bool out_of_reach;
};

static void emit(struct code *code, uint32_t word)
{
  code->out->words[code->out->length / A64_INSN_LENGTH] = word;
  code->out->length += A64_INSN_LENGTH;
}

static void emit_b(struct code *code, uint64_t target)
{
  uint64_t pc = code->to + code->out->length;
  bool reaches = a64_reaches(pc, target, A64_B_REACH);

  code->out_of_reach |= !reaches && !code->far;
  emit(code, reaches || !code->far ? a64_encode_b(pc, target) : a64_encode_brk(A64_FAR_BRANCH));
}

static void emit_constant(struct code *code, unsigned rd, uint64_t value)
{
  uint32_t words[A64_CONSTANT_WORDS];
  unsigned count = a64_encode_constant(words, rd, value);

  for (unsigned i = 0; i < count; i++)
    emit(code, words[i]);
}

/* From here on the original instruction has had its effect. */
static void mark_exit(struct code *code)
{
  code->out->exit_offset = code->out->length;
}

static void go_on(struct code *code)
{
  mark_exit(code);
  emit_b(code, code->next);
}

/* Control leaves within the copy; where the copy faults or traps, the pc still stands for the site. */
static void copy_transfer(struct code *code, uint32_t word)
{
  emit(code, word);
  mark_exit(code);
}

static void copy(struct code *code, uint32_t word)
{
  emit(code, word);
  go_on(code);
}

static void address(struct code *code, const struct a64_insn *insn)
{
  if (insn->rd == A64_ZR)
    emit(code, A64_WORD_NOP);
  else
    emit_constant(code, insn->rd, insn->operand_address);
  go_on(code);
}

/* The load by register that does the same. */
static uint32_t indirect_load(uint32_t literal)
{
  if (a64_is_ldr_w_literal(literal))
    return A64_WORD_LDR_W;
  if (a64_is_ldr_x_literal(literal))
    return A64_WORD_LDR_X;
  if (a64_is_ldrsw_literal(literal))
    return A64_WORD_LDRSW;
  if (a64_is_ldr_s_literal(literal))
    return A64_WORD_LDR_S;
  return a64_is_ldr_d_literal(literal) ? A64_WORD_LDR_D : A64_WORD_LDR_Q;
}

static void emit_load(struct code *code, uint32_t word, const struct a64_insn *insn, unsigned base)
{
  emit_constant(code, base, insn->operand_address);
  emit(code, a64_set_rn(a64_set_rd(indirect_load(word), insn->rd), base));
}

static void mark_lowered(struct code *code, unsigned index, unsigned bytes)
{
  code->out->lowered[index].offset = code->out->length;
  code->out->lowered[index].bytes = (uint8_t)bytes;
}

static void load_by_spilled(struct code *code, uint32_t word, const struct a64_insn *insn)
{
  emit(code, a64_encode_x_step(A64_WORD_STR_X_PRE, A64_X16, A64_SP, -SPILL));
  mark_lowered(code, 0, SPILL);
  emit_load(code, word, insn, A64_X16);
  emit(code, a64_encode_x_step(A64_WORD_LDR_X_POST, A64_X16, A64_SP, SPILL));
  mark_lowered(code, 1, 0);
  go_on(code);
}

/* A load into xzr reads all the same: it may fault, or be of a device. */
static void load(struct code *code, uint32_t word, const struct a64_insn *insn)
{
  if (insn->kind == A64_LDR_LITERAL_FP || insn->rd == A64_ZR) {
    load_by_spilled(code, word, insn);
    return;
  }
  emit_load(code, word, insn, insn->rd);
  go_on(code);
}

static void jump(struct code *code, const struct a64_insn *insn)
{
  emit_b(code, insn->target);
  mark_exit(code);
}

static void jump_if(struct code *code, uint32_t word, const struct a64_insn *insn)
{
  if (!insn->falls_through) { /* al, nv */
    jump(code, insn);
    return;
  }
  emit(code, a64_set_branch_distance(word, 2 * A64_INSN_LENGTH));
  go_on(code);
  emit_b(code, insn->target);
}

static void call(struct code *code, const struct a64_insn *insn)
{
  emit_constant(code, A64_LR, code->next);
  jump(code, insn);
}

static enum a64_refusal call_indirect(struct code *code, uint32_t word, const struct a64_insn *insn)
{
  if (insn->authenticated && (insn->rn == A64_LR || insn->rm == A64_LR))
    return A64_LINK_AUTHENTICATED;
  if (insn->rn == A64_LR) {
    code->out->link_trap_offset = code->out->length;
    copy_transfer(code, a64_encode_brk(A64_LINK_TRAP));
    return A64_RELOCATED;
  }
  emit_constant(code, A64_LR, code->next);
  /* blr, blraa and so on differ from br, braa in this bit alone. */
  copy_transfer(code, word & ~(A64_WORD_BLR ^ A64_WORD_BR));
  return A64_RELOCATED;
}

/* Where a thread comes to a processor that does the stages otherwise, the kernel sets the pc back to the prologue, one
 * or two instructions before (Arm ARM, FEAT_MOPS exceptions). So the earlier stages stand here too, and are entered
 * only so. */
static void copy_stages(struct code *code, uint32_t word)
{
  uint32_t last = a64_get_mops_stage(word);

  for (uint32_t stage = A64_PROLOGUE; stage < last; stage++)
    emit(code, a64_set_mops_stage(word, stage));
  code->out->entry_offset = code->out->length;
  copy(code, word);
}

static bool depends_on_own_address(uint32_t word)
{
  return a64_is_retaasppc(word) || a64_is_autiasppc(word) || a64_is_paciasppc(word) || a64_is_pacnbiasppc(word) ||
         a64_is_pacm(word);
}

static enum a64_refusal relocate(struct code *code, uint32_t word, const struct a64_insn *insn)
{
  switch (insn->kind) {
  case A64_ADR:
  case A64_ADRP:
    address(code, insn);
    break;
  case A64_LDR_LITERAL:
  case A64_LDR_LITERAL_FP:
    load(code, word, insn);
    break;
  case A64_B:
    jump(code, insn);
    break;
  case A64_BL:
    call(code, insn);
    break;
  case A64_B_COND:
  case A64_CBZ:
  case A64_TBZ:
    jump_if(code, word, insn);
    break;
  case A64_BR:
  case A64_RET:
  case A64_ERET:
    copy_transfer(code, word);
    break;
  case A64_BLR:
    return call_indirect(code, word, insn);
  case A64_LOAD_EXCLUSIVE: /* a breakpoint would lose the monitor, which exception returns clear */
    code->far = false;
    copy(code, word);
    break;
  case A64_STORE_EXCLUSIVE:
    return A64_EXCLUSIVE_STORE;
  case A64_PRFM_LITERAL:
    copy(code, A64_WORD_NOP);
    break;
  case A64_LANDING_PAD: /* nothing lands here */
    copy(code, a64_is_bti(word) ? A64_WORD_NOP : word);
    break;
  case A64_MOPS_PROLOGUE:
  case A64_MOPS_MAIN:
  case A64_MOPS_EPILOGUE:
    copy_stages(code, word);
    break;
  case A64_BRK:
    code->out->trap_offset = code->out->length;
    copy(code, word);
    break;
  case A64_ORDINARY:
  case A64_SVC:
  case A64_HLT:
  case A64_UDF: /* comes back too: a handler may step over it */
  case A64_CLREX:
    copy(code, word);
    break;
  }
  return A64_RELOCATED;
}

static bool comes_back(const struct a64_insn *insn)
{
  return insn->kind == A64_UDF || (insn->falls_through && insn->kind != A64_BL && insn->kind != A64_BLR);
}

/* Makes the range one from which `target` is in reach too. */
static void narrow(uint64_t target, uint64_t *low, uint64_t *high)
{
  const uint64_t distance = (uint64_t)A64_B_REACH - REACH_MARGIN;
  uint64_t lowest = target > distance ? target - distance : 0;
  uint64_t highest = target < UINT64_MAX - distance ? target + distance : UINT64_MAX;

  *low = lowest > *low ? lowest : *low;
  *high = highest < *high ? highest : *high;
}

void a64_reach(const struct a64_insn *insn, uint64_t from, uint64_t *low, uint64_t *high)
{
  *low = 0;
  *high = UINT64_MAX;
  if (comes_back(insn))
    narrow(from + A64_INSN_LENGTH, low, high);
  if (insn->has_target)
    narrow(insn->target, low, high);
}

enum a64_refusal a64_relocate(uint32_t word, uint64_t from, uint64_t to, bool far, struct a64_displaced *out)
{
  struct code code = {.out = out, .next = from + A64_INSN_LENGTH, .to = to, .far = far};
  struct a64_insn insn;
  enum a64_refusal refusal;

  *out = (struct a64_displaced){.trap_offset = A64_NO_OFFSET, .link_trap_offset = A64_NO_OFFSET};
  if (depends_on_own_address(word))
    return A64_OWN_ADDRESS;
  a64_decode(word, from, &insn);
  refusal = relocate(&code, word, &insn);
  return refusal == A64_RELOCATED && code.out_of_reach ? A64_OUT_OF_REACH : refusal;
}

/* Behind the way back stands the jump to a conditional branch's target; that of any other branch stands before exit_offset, where
 * there is no way back. */
uint64_t a64_leads_to(const struct a64_insn *insn, uint64_t from, unsigned exit_offset, unsigned offset)
{
  return insn->has_target && offset != exit_offset ? insn->target : from + A64_INSN_LENGTH;
}

uint64_t a64_original_pc(const struct a64_displaced *displaced, const struct a64_insn *insn, uint64_t from,
                         unsigned offset, unsigned *lowered)
{
  *lowered = 0;
  for (unsigned i = 0; i < A64_LOWERED_MAX; i++)
    if (displaced->lowered[i].offset && offset >= displaced->lowered[i].offset)
      *lowered = displaced->lowered[i].bytes;
  if (offset < displaced->entry_offset)
    return from - (displaced->entry_offset - offset);
  if (offset < displaced->exit_offset)
    return from;
  return a64_leads_to(insn, from, displaced->exit_offset, offset);
}

const char *a64_refusal_text(enum a64_refusal refusal)
{
  switch (refusal) {
  case A64_RELOCATED:
    return "it can be relocated";
  case A64_OUT_OF_REACH:
    return "its target or the way back is out of reach from there";
  case A64_LINK_AUTHENTICATED:
    return "an authenticated call that reads the link register";
  case A64_EXCLUSIVE_STORE:
    return "a store-exclusive, which would fail each time";
  case A64_OWN_ADDRESS:
    return "it signs or authenticates its own address";
  }
  return "unknown";
}
