/* Encodings of A64, as the Arm ARM has them (C4.1 the map, C6.2 the instructions): one line a family, which gives the
 * test `a64_is_<name>` and the base word `A64_WORD_<NAME>` with its variable fields zero; then the fields, as set and
 * get pairs; then whole words for what is emitted. Words are numbers, in memory little-endian whatever the data are.
 * What cannot be encoded becomes A64_WORD_UDF, which traps, never a branch to a wrong place. */
#ifndef ISA_AARCH64_ENCODE_H
#define ISA_AARCH64_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

/* Distances in bytes, from the instruction itself: at least -reach, less than +reach. */
#define A64_B_REACH (INT64_C(128) << 20)    /* b, bl */
#define A64_B_COND_REACH (INT64_C(1) << 20) /* b.cond, cbz, ldr (literal), adr */
#define A64_TBZ_REACH (INT64_C(32) << 10)
#define A64_CB_REACH (INT64_C(1) << 10)
#define A64_ADRP_REACH (INT64_C(4) << 30)

enum { A64_X16 = 16, A64_X17 = 17, A64_FP = 29, A64_LR = 30, A64_SP = 31, A64_ZR = 31, A64_INSN_LENGTH = 4 };

#define A64_INSN(name, NAME, mask, value) \
  static const uint32_t A64_WORD_##NAME = (value); \
  static inline bool a64_is_##name(uint32_t word) \
  { \
    return (word & UINT32_C(mask)) == UINT32_C(value); \
  }

/* clang-format off */
A64_INSN(udf,              UDF,              0xFFFF0000, 0x00000000)
A64_INSN(adr,              ADR,              0x9F000000, 0x10000000)
A64_INSN(adrp,             ADRP,             0x9F000000, 0x90000000)
A64_INSN(movn_x,           MOVN_X,           0xFF800000, 0x92800000)
A64_INSN(movz_x,           MOVZ_X,           0xFF800000, 0xD2800000)
A64_INSN(movk_x,           MOVK_X,           0xFF800000, 0xF2800000)
A64_INSN(add_x_immediate,  ADD_X_IMMEDIATE,  0xFF800000, 0x91000000)
A64_INSN(sub_x_immediate,  SUB_X_IMMEDIATE,  0xFF800000, 0xD1000000)
A64_INSN(orr_x,            ORR_X,            0xFF200000, 0xAA000000)   /* mov xd,xm is orr xd,xzr,xm */

A64_INSN(b,                B,                0xFC000000, 0x14000000)
A64_INSN(bl,               BL,               0xFC000000, 0x94000000)
A64_INSN(b_cond,           B_COND,           0xFF000000, 0x54000000)   /* bc.cond has bit 4 set */
A64_INSN(cbz,              CBZ,              0x7E000000, 0x34000000)   /* cbnz too */
A64_INSN(tbz,              TBZ,              0x7E000000, 0x36000000)   /* tbnz too */
A64_INSN(cb_register,      CB_REGISTER,      0x7F00C000, 0x74000000)   /* cbgt x1,x2,label; FEAT_CMPBR */
A64_INSN(cb_narrow,        CB_NARROW,        0xFF008000, 0x74008000)   /* cbbgt, cbhgt w1,w2,label */
A64_INSN(cb_immediate,     CB_IMMEDIATE,     0x7F004000, 0x75000000)   /* cbgt x1,#2,label */
A64_INSN(br,               BR,               0xFFFFFC1F, 0xD61F0000)
A64_INSN(blr,              BLR,              0xFFFFFC1F, 0xD63F0000)
A64_INSN(ret,              RET,              0xFFFFFC1F, 0xD65F0000)
A64_INSN(eret,             ERET,             0xFFFFFFFF, 0xD69F03E0)
A64_INSN(braaz,            BRAAZ,            0xFFFFF81F, 0xD61F081F)   /* brabz too, and so on with the next ones */
A64_INSN(braa,             BRAA,             0xFFFFF800, 0xD71F0800)
A64_INSN(blraaz,           BLRAAZ,           0xFFFFF81F, 0xD63F081F)
A64_INSN(blraa,            BLRAA,            0xFFFFF800, 0xD73F0800)
A64_INSN(retaa,            RETAA,            0xFFFFFBE0, 0xD65F0BE0)   /* retaasppcr: bits 0 to 4 are its register */
A64_INSN(retaasppc,        RETAASPPC,        0xFFC0001F, 0x5500001F)   /* FEAT_PAuth_LR, as the next four */
A64_INSN(eretaa,           ERETAA,           0xFFFFFBFF, 0xD69F0BFF)
A64_INSN(autiasppc,        AUTIASPPC,        0xFFC0001F, 0xF380001F)
A64_INSN(paciasppc,        PACIASPPC,        0xFFFFFBFF, 0xDAC1A3FE)
A64_INSN(pacnbiasppc,      PACNBIASPPC,      0xFFFFFBFF, 0xDAC183FE)
A64_INSN(pacm,             PACM,             0xFFFFFFFF, 0xD50324FF)

A64_INSN(svc,              SVC,              0xFFE0001F, 0xD4000001)
A64_INSN(brk,              BRK,              0xFFE0001F, 0xD4200000)
A64_INSN(hlt,              HLT,              0xFFE0001F, 0xD4400000)
A64_INSN(nop,              NOP,              0xFFFFFFFF, 0xD503201F)
A64_INSN(bti,              BTI,              0xFFFFFF3F, 0xD503241F)   /* c, j and jc in bits 6 and 7 */
A64_INSN(paciasp,          PACIASP,          0xFFFFFFBF, 0xD503233F)   /* pacibsp too */
A64_INSN(clrex,            CLREX,            0xFFFFF0FF, 0xD503305F)

A64_INSN(ldr_w_literal,    LDR_W_LITERAL,    0xFF000000, 0x18000000)
A64_INSN(ldr_x_literal,    LDR_X_LITERAL,    0xFF000000, 0x58000000)
A64_INSN(ldrsw_literal,    LDRSW_LITERAL,    0xFF000000, 0x98000000)
A64_INSN(prfm_literal,     PRFM_LITERAL,     0xFF000000, 0xD8000000)
A64_INSN(ldr_s_literal,    LDR_S_LITERAL,    0xFF000000, 0x1C000000)
A64_INSN(ldr_d_literal,    LDR_D_LITERAL,    0xFF000000, 0x5C000000)
A64_INSN(ldr_q_literal,    LDR_Q_LITERAL,    0xFF000000, 0x9C000000)
A64_INSN(ldr_w,            LDR_W,            0xFFC00000, 0xB9400000)   /* an unsigned offset, in units of its size */
A64_INSN(ldr_x,            LDR_X,            0xFFC00000, 0xF9400000)
A64_INSN(ldrsw,            LDRSW,            0xFFC00000, 0xB9800000)
A64_INSN(ldr_s,            LDR_S,            0xFFC00000, 0xBD400000)
A64_INSN(ldr_d,            LDR_D,            0xFFC00000, 0xFD400000)
A64_INSN(ldr_q,            LDR_Q,            0xFFC00000, 0x3DC00000)
A64_INSN(str_x,            STR_X,            0xFFC00000, 0xF9000000)
A64_INSN(ldr_x_post,       LDR_X_POST,       0xFFE00C00, 0xF8400400)
A64_INSN(str_x_pre,        STR_X_PRE,        0xFFE00C00, 0xF8000C00)
A64_INSN(ldp_x,            LDP_X,            0xFFC00000, 0xA9400000)
A64_INSN(stp_x,            STP_X,            0xFFC00000, 0xA9000000)
A64_INSN(ldp_x_post,       LDP_X_POST,       0xFFC00000, 0xA8C00000)
A64_INSN(stp_x_pre,        STP_X_PRE,        0xFFC00000, 0xA9800000)
A64_INSN(ldxr,             LDXR,             0x3FE00000, 0x08400000)   /* any size; ldaxr has bit 15 set */
A64_INSN(ldxp,             LDXP,             0xBFE00000, 0x88600000)
A64_INSN(stxr,             STXR,             0x3FE00000, 0x08000000)
A64_INSN(stxp,             STXP,             0xBFE00000, 0x88200000)
A64_INSN(ldtxr,            LDTXR,            0xBFE00000, 0x89400000)   /* unprivileged; FEAT_LSUI */
A64_INSN(sttxr,            STTXR,            0xBFE00000, 0x89000000)
A64_INSN(mops,             MOPS,             0xFB200C00, 0x19000400)   /* FEAT_MOPS: cpy, cpyf, set, setg */
A64_INSN(mops_set,         MOPS_SET,         0xFBE00C00, 0x19C00400)
/* clang-format on */

#define A64_FIELD(name, shift, width) \
  static inline uint32_t a64_get_##name(uint32_t word) \
  { \
    return word >> (shift) & ((UINT32_C(1) << (width)) - 1); \
  } \
  static inline uint32_t a64_set_##name(uint32_t word, uint32_t value) \
  { \
    uint32_t mask = ((UINT32_C(1) << (width)) - 1) << (shift); \
    return (word & ~mask) | (value << (shift)&mask); \
  }

/* clang-format off */
A64_FIELD(rd, 0, 5)               /* rt of loads and stores */
A64_FIELD(rn, 5, 5)
A64_FIELD(rt2, 10, 5)
A64_FIELD(rm, 16, 5)              /* rs of exclusive stores and of copies */
A64_FIELD(cond, 0, 4)
A64_FIELD(cb_condition, 21, 3)
A64_FIELD(imm16, 5, 16)           /* movz, svc, brk */
A64_FIELD(hw, 21, 2)
A64_FIELD(imm12, 10, 12)
A64_FIELD(imm9, 12, 9)            /* bytes, signed */
A64_FIELD(imm7, 15, 7)            /* units of 8 bytes, signed */
A64_FIELD(immlo, 29, 2)
A64_FIELD(immhi, 5, 19)
A64_FIELD(cpy_stage, 22, 2)
A64_FIELD(set_stage, 14, 2)
/* clang-format on */

static inline int64_t a64_sign_extend(uint64_t value, unsigned width)
{
  uint64_t sign = UINT64_C(1) << (width - 1);

  return (int64_t)((value ^ sign) - sign);
}

/* A distance in bytes, which the word holds in units of four. */
#define A64_DISTANCE(name, shift, width) \
  A64_FIELD(name##_raw, shift, width) \
  static inline int64_t a64_get_##name(uint32_t word) \
  { \
    return a64_sign_extend(a64_get_##name##_raw(word), width) * A64_INSN_LENGTH; \
  } \
  static inline uint32_t a64_set_##name(uint32_t word, int64_t distance) \
  { \
    return a64_set_##name##_raw(word, (uint32_t)(distance / A64_INSN_LENGTH)); \
  }

/* clang-format off */
A64_DISTANCE(distance26, 0, 26)   /* b, bl */
A64_DISTANCE(distance19, 5, 19)   /* b.cond, cbz, literals */
A64_DISTANCE(distance14, 5, 14)   /* tbz */
A64_DISTANCE(distance9, 5, 9)     /* cb<cond> */
/* clang-format on */

/* adr: bytes; adrp: pages of 4 KiB. */
static inline int64_t a64_get_adr(uint32_t word)
{
  return a64_sign_extend(a64_get_immhi(word) << 2 | a64_get_immlo(word), 21);
}

static inline uint32_t a64_set_adr(uint32_t word, int64_t distance)
{
  return a64_set_immhi(a64_set_immlo(word, (uint32_t)distance & 3), (uint32_t)(distance >> 2));
}

static inline bool a64_is_compare_and_branch(uint32_t word)
{
  bool family = a64_is_cb_register(word) || a64_is_cb_narrow(word) || a64_is_cb_immediate(word);

  return family && a64_get_cb_condition(word) >> 1 != 2; /* 4 and 5 are no conditions */
}

/* Of a conditional branch of any family. */
static inline int64_t a64_get_branch_distance(uint32_t word)
{
  if (a64_is_tbz(word))
    return a64_get_distance14(word);
  return a64_is_compare_and_branch(word) ? a64_get_distance9(word) : a64_get_distance19(word);
}

static inline uint32_t a64_set_branch_distance(uint32_t word, int64_t distance)
{
  if (a64_is_tbz(word))
    return a64_set_distance14(word, distance);
  return a64_is_compare_and_branch(word) ? a64_set_distance9(word, distance) : a64_set_distance19(word, distance);
}

enum { A64_PROLOGUE, A64_MAIN, A64_EPILOGUE }; /* stages of FEAT_MOPS, as they are encoded */

static inline uint32_t a64_get_mops_stage(uint32_t word)
{
  return a64_is_mops_set(word) ? a64_get_set_stage(word) : a64_get_cpy_stage(word);
}

static inline uint32_t a64_set_mops_stage(uint32_t word, uint32_t stage)
{
  return a64_is_mops_set(word) ? a64_set_set_stage(word, stage) : a64_set_cpy_stage(word, stage);
}

/* Whether an instruction at `pc` with that reach can refer to `target`. */
static inline bool a64_reaches(uint64_t pc, uint64_t target, int64_t reach)
{
  int64_t distance = (int64_t)(target - pc);

  return distance >= -reach && distance < reach && distance % A64_INSN_LENGTH == 0;
}

static inline uint32_t a64_encode_b(uint64_t pc, uint64_t target)
{
  if (!a64_reaches(pc, target, A64_B_REACH))
    return A64_WORD_UDF;
  return a64_set_distance26(A64_WORD_B, (int64_t)(target - pc));
}

static inline uint32_t a64_encode_bl(uint64_t pc, uint64_t target)
{
  if (!a64_reaches(pc, target, A64_B_REACH))
    return A64_WORD_UDF;
  return a64_set_distance26(A64_WORD_BL, (int64_t)(target - pc));
}

/* br, blr or ret. */
static inline uint32_t a64_encode_branch_register(uint32_t base, unsigned rn)
{
  return a64_set_rn(base, rn);
}

/* base: one of the literal loads. */
static inline uint32_t a64_encode_literal(uint32_t base, unsigned rt, uint64_t pc, uint64_t literal)
{
  if (!a64_reaches(pc, literal, A64_B_COND_REACH))
    return A64_WORD_UDF;
  return a64_set_rd(a64_set_distance19(base, (int64_t)(literal - pc)), rt);
}

static inline uint32_t a64_encode_adr(unsigned rd, uint64_t pc, uint64_t target)
{
  int64_t distance = (int64_t)(target - pc);

  if (distance < -A64_B_COND_REACH || distance >= A64_B_COND_REACH)
    return A64_WORD_UDF;
  return a64_set_rd(a64_set_adr(A64_WORD_ADR, distance), rd);
}

/* base: LDR_X or STR_X; offset: up to 32760, a multiple of 8. */
static inline uint32_t a64_encode_x(uint32_t base, unsigned rt, unsigned rn, unsigned offset)
{
  if (offset % 8 || offset / 8 > 0xFFF)
    return A64_WORD_UDF;
  return a64_set_imm12(a64_set_rn(a64_set_rd(base, rt), rn), offset / 8);
}

/* base: LDR_X_POST or STR_X_PRE; step: -256 to 255. */
static inline uint32_t a64_encode_x_step(uint32_t base, unsigned rt, unsigned rn, int step)
{
  if (step < -256 || step > 255)
    return A64_WORD_UDF;
  return a64_set_imm9(a64_set_rn(a64_set_rd(base, rt), rn), (uint32_t)step);
}

/* base: LDP_X, STP_X, LDP_X_POST or STP_X_PRE; offset: -512 to 504, a multiple of 8. */
static inline uint32_t a64_encode_pair(uint32_t base, unsigned rt, unsigned rt2, unsigned rn, int offset)
{
  if (offset % 8 || offset < -512 || offset > 504)
    return A64_WORD_UDF;
  return a64_set_imm7(a64_set_rn(a64_set_rt2(a64_set_rd(base, rt), rt2), rn), (uint32_t)(offset / 8));
}

/* base: ADD_X_IMMEDIATE or SUB_X_IMMEDIATE; value: up to 4095. Register 31 is sp in both places. */
static inline uint32_t a64_encode_x_immediate(uint32_t base, unsigned rd, unsigned rn, unsigned value)
{
  if (value > 0xFFF)
    return A64_WORD_UDF;
  return a64_set_imm12(a64_set_rn(a64_set_rd(base, rd), rn), value);
}

/* Not to or from sp. */
static inline uint32_t a64_encode_mov(unsigned rd, unsigned rm)
{
  return a64_set_rm(a64_set_rn(a64_set_rd(A64_WORD_ORR_X, rd), A64_ZR), rm);
}

static inline uint32_t a64_encode_brk(unsigned immediate)
{
  return a64_set_imm16(A64_WORD_BRK, immediate);
}

enum { A64_CONSTANT_WORDS = 4 }; /* at most, of a64_encode_constant */

/* `value` into xd by as few of movz, movn and movk as can do it; returns how many. */
static inline unsigned a64_encode_constant(uint32_t words[A64_CONSTANT_WORDS], unsigned rd, uint64_t value)
{
  unsigned zeros = 0, ones = 0, count = 0;
  uint16_t filler;

  for (unsigned hw = 0; hw < 4; hw++) {
    zeros += (value >> (16 * hw) & 0xFFFF) == 0;
    ones += (value >> (16 * hw) & 0xFFFF) == 0xFFFF;
  }
  filler = ones > zeros ? 0xFFFF : 0;
  for (unsigned hw = 0; hw < 4; hw++) {
    uint16_t part = (uint16_t)(value >> (16 * hw));
    uint32_t base = count ? A64_WORD_MOVK_X : filler ? A64_WORD_MOVN_X : A64_WORD_MOVZ_X;

    if (part != filler)
      words[count++] = a64_set_hw(a64_set_imm16(a64_set_rd(base, rd), base == A64_WORD_MOVN_X ? ~part : part), hw);
  }
  if (!count)
    words[count++] = a64_set_rd(filler ? A64_WORD_MOVN_X : A64_WORD_MOVZ_X, rd);
  return count;
}

#endif
