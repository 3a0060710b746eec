/* Facts about A64 instructions. The top-level groups of the encoding (Arm ARM C4.1, bits 25 to 28) come first, since
 * most instructions lie in those that hold nothing of interest. */
#include "isa/aarch64/insn.h"

#include "isa/aarch64/encode.h"

enum { EXCLUSIVE_LOOK = 32 }; /* words */

static enum a64_kind kind_of_register_branch(uint32_t word)
{
  if (a64_is_br(word) || a64_is_braa(word) || a64_is_braaz(word))
    return A64_BR;
  if (a64_is_blr(word) || a64_is_blraa(word) || a64_is_blraaz(word))
    return A64_BLR;
  if (a64_is_ret(word) || a64_is_retaa(word) || a64_is_retaasppc(word))
    return A64_RET;
  return a64_is_eret(word) || a64_is_eretaa(word) ? A64_ERET : A64_ORDINARY;
}

static enum a64_kind kind_of_system(uint32_t word)
{
  if (a64_is_svc(word))
    return A64_SVC;
  if (a64_is_brk(word))
    return A64_BRK;
  if (a64_is_hlt(word))
    return A64_HLT;
  if (a64_is_clrex(word))
    return A64_CLREX;
  return a64_is_bti(word) || a64_is_paciasp(word) ? A64_LANDING_PAD : kind_of_register_branch(word);
}

static enum a64_kind kind_of_branch(uint32_t word)
{
  if (a64_is_b(word))
    return A64_B;
  if (a64_is_bl(word))
    return A64_BL;
  if (a64_is_b_cond(word))
    return A64_B_COND;
  if (a64_is_cbz(word) || a64_is_compare_and_branch(word))
    return A64_CBZ;
  return a64_is_tbz(word) ? A64_TBZ : kind_of_system(word);
}

static enum a64_kind kind_of_mops(uint32_t word)
{
  static const enum a64_kind kinds[] = {A64_MOPS_PROLOGUE, A64_MOPS_MAIN, A64_MOPS_EPILOGUE, A64_ORDINARY};

  return kinds[a64_get_mops_stage(word)];
}

static enum a64_kind kind_of_load_or_store(uint32_t word)
{
  if (a64_is_ldr_w_literal(word) || a64_is_ldr_x_literal(word) || a64_is_ldrsw_literal(word))
    return A64_LDR_LITERAL;
  if (a64_is_ldr_s_literal(word) || a64_is_ldr_d_literal(word) || a64_is_ldr_q_literal(word))
    return A64_LDR_LITERAL_FP;
  if (a64_is_prfm_literal(word))
    return A64_PRFM_LITERAL;
  if (a64_is_ldxr(word) || a64_is_ldxp(word) || a64_is_ldtxr(word))
    return A64_LOAD_EXCLUSIVE;
  if (a64_is_stxr(word) || a64_is_stxp(word) || a64_is_sttxr(word))
    return A64_STORE_EXCLUSIVE;
  return a64_is_mops(word) ? kind_of_mops(word) : A64_ORDINARY;
}

static enum a64_kind kind_of_address(uint32_t word)
{
  if (a64_is_adr(word))
    return A64_ADR;
  return a64_is_adrp(word) ? A64_ADRP : A64_ORDINARY;
}

static enum a64_kind kind_of(uint32_t word)
{
  switch (word >> 25 & 0xF) {
  case 0x0:
    return a64_is_udf(word) ? A64_UDF : A64_ORDINARY;
  case 0x4:
  case 0x6:
  case 0xC:
  case 0xE:
    return kind_of_load_or_store(word);
  case 0x8:
    return kind_of_address(word);
  case 0xA:
  case 0xB:
    return kind_of_branch(word);
  case 0xD:
    return a64_is_paciasppc(word) ? A64_LANDING_PAD : A64_ORDINARY;
  default:
    return A64_ORDINARY;
  }
}

static bool falls_through(enum a64_kind kind, uint32_t word)
{
  switch (kind) {
  case A64_B:
  case A64_BR:
  case A64_RET:
  case A64_ERET:
  case A64_UDF:
    return false;
  case A64_B_COND:
    return a64_get_cond(word) < 14;
  default:
    return true;
  }
}

static void set_target(struct a64_insn *insn, uint64_t target)
{
  insn->has_target = true;
  insn->target = target;
}

static void set_operand(struct a64_insn *insn, uint64_t address)
{
  insn->has_operand = true;
  insn->operand_address = address;
}

static void set_references(struct a64_insn *insn, uint32_t word, uint64_t pc)
{
  switch (insn->kind) {
  case A64_B:
  case A64_BL:
    set_target(insn, pc + (uint64_t)a64_get_distance26(word));
    break;
  case A64_B_COND:
  case A64_CBZ:
  case A64_TBZ:
    set_target(insn, pc + (uint64_t)a64_get_branch_distance(word));
    break;
  case A64_ADR:
    set_operand(insn, pc + (uint64_t)a64_get_adr(word));
    break;
  case A64_ADRP:
    set_operand(insn, (pc & ~UINT64_C(0xFFF)) + (uint64_t)(a64_get_adr(word) * 4096));
    break;
  case A64_LDR_LITERAL:
  case A64_LDR_LITERAL_FP:
  case A64_PRFM_LITERAL:
    set_operand(insn, pc + (uint64_t)a64_get_distance19(word));
    break;
  default:
    break;
  }
}

static bool is_authenticated(uint32_t word)
{
  return !a64_is_br(word) && !a64_is_blr(word) && !a64_is_ret(word) && !a64_is_eret(word);
}

void a64_decode(uint32_t word, uint64_t pc, struct a64_insn *insn)
{
  *insn = (struct a64_insn){.kind = kind_of(word),
                            .rd = (uint8_t)a64_get_rd(word),
                            .rn = (uint8_t)a64_get_rn(word),
                            .rm = (uint8_t)a64_get_rm(word)};
  insn->falls_through = falls_through(insn->kind, word);
  set_references(insn, word, pc);
  switch (insn->kind) {
  case A64_BR:
  case A64_BLR:
    insn->rm = insn->rd;
    insn->authenticated = is_authenticated(word);
    break;
  case A64_RET:
  case A64_ERET:
    insn->authenticated = is_authenticated(word);
    break;
  default:
    break;
  }
}

struct look {
  const uint32_t *code;
  size_t count;
};

/* Decoded as if code[0] stood at 0, so that a target is an index times four. */
static struct a64_insn decode_at(const struct look *look, size_t index)
{
  struct a64_insn insn;

  a64_decode(look->code[index], index * A64_INSN_LENGTH, &insn);
  return insn;
}

static bool ends_look(const struct a64_insn *insn)
{
  return !insn->falls_through || insn->kind == A64_CLREX;
}

/* A store-exclusive straight ahead of `index`, with no load of its own. */
static bool find_store(const struct look *look, size_t index, size_t *store)
{
  for (size_t i = index; i < look->count && i - index < EXCLUSIVE_LOOK; i++) {
    struct a64_insn insn = decode_at(look, i);

    *store = i;
    if (insn.kind == A64_STORE_EXCLUSIVE)
      return true;
    if (insn.kind == A64_LOAD_EXCLUSIVE || ends_look(&insn))
      return false;
  }
  return false;
}

/* Compilers put what happens after the comparison, the store, anywhere. */
static bool find_store_by_branch(const struct look *look, size_t index, size_t *store)
{
  for (size_t i = index; i < look->count && i - index < EXCLUSIVE_LOOK; i++) {
    struct a64_insn insn = decode_at(look, i);

    if (insn.kind == A64_LOAD_EXCLUSIVE)
      return false;
    if (insn.has_target && find_store(look, (size_t)(insn.target / A64_INSN_LENGTH), store))
      return true;
    if (ends_look(&insn))
      return false;
  }
  return false;
}

/* The load-exclusive straight behind `index`. */
static bool find_load(const struct look *look, size_t index, size_t *load)
{
  for (size_t i = index; i-- > 0 && index - i <= EXCLUSIVE_LOOK;) {
    struct a64_insn insn = decode_at(look, i);

    *load = i;
    if (insn.kind == A64_LOAD_EXCLUSIVE)
      return true;
    if (insn.kind == A64_STORE_EXCLUSIVE || ends_look(&insn))
      return false;
  }
  return false;
}

bool a64_inside_exclusive(const uint32_t *code, size_t count, size_t index, size_t *good_before, size_t *good_after)
{
  const struct look look = {code, count};
  size_t load, store;
  bool loaded = find_load(&look, index, &load);

  /* What runs on into a store with no load between has its load behind it, in sight or not. */
  if (!find_store(&look, index, &store) && !(loaded && find_store_by_branch(&look, index, &store)))
    return false;
  *good_before = loaded ? load : index;
  *good_after = store + 1;
  return true;
}
