/* What the rest of the library needs to know of one A64 instruction. Pure: a word in, facts out; no operating system,
 * no memory of its own. Decoding is by the families of encode.h; what is not among them runs the same anywhere. */
#ifndef ISA_AARCH64_INSN_H
#define ISA_AARCH64_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum a64_kind {
  A64_ORDINARY,         /* does not depend on its address, and what is unallocated, which faults wherever it runs */
  A64_ADR,
  A64_ADRP,
  A64_LDR_LITERAL,      /* ldr w, ldr x, ldrsw */
  A64_LDR_LITERAL_FP,   /* ldr s, ldr d, ldr q */
  A64_PRFM_LITERAL,
  A64_B,
  A64_BL,
  A64_B_COND,           /* b.cond, bc.cond; al and nv, which are always taken, do not fall through */
  A64_CBZ,              /* cbz, cbnz, cb<cond>, cbb<cond>, cbh<cond> */
  A64_TBZ,              /* tbz, tbnz */
  A64_BR,               /* these four with their authenticated forms */
  A64_BLR,
  A64_RET,
  A64_ERET,
  A64_SVC,
  A64_BRK,
  A64_HLT,
  A64_UDF,
  A64_LANDING_PAD,      /* bti, paciasp, pacibsp, paciasppc, pacibsppc */
  A64_LOAD_EXCLUSIVE,   /* ldxr, ldaxr, ldxp, ldaxp of every size, ldtxr, ldatxr */
  A64_STORE_EXCLUSIVE,  /* the same of stores */
  A64_CLREX,
  A64_MOPS_PROLOGUE,    /* cpy*, cpyf*, set*, setg* */
  A64_MOPS_MAIN,
  A64_MOPS_EPILOGUE
};

struct a64_insn {
  enum a64_kind kind;
  bool falls_through;       /* the next instruction may run after it (a call counts; b, br, ret and udf do not) */
  bool has_target;          /* direct branch or call */
  uint64_t target;          /* where it goes; valid with has_target */
  bool authenticated;       /* of br, blr, ret and eret */
  bool has_operand;         /* adr, adrp, prfm and loads of literals */
  uint64_t operand_address; /* what they refer to; valid with has_operand */
  uint8_t rd, rn, rm;       /* the fields at bits 0, 5 and 16, where there are such; of authenticated br and blr rm is
                               the modifier (31: sp, or none) */
};

/* Every word decodes to something. */
void a64_decode(uint32_t word, uint64_t pc, struct a64_insn *insn);

/* Whether a hook on code[index] would come between a load-exclusive and its store-exclusive, which then fails each
 * time: the site is behind the load, and not behind the store. A straight look of 32 words back and ahead, and from
 * where branches on the way ahead lead to; a branch without return, or clrex, ends it.
 * *good_before: the load, on which a hook does no harm (`index` where it is not in sight); *good_after: what follows
 * the store. Both are valid only with true. */
bool a64_inside_exclusive(const uint32_t *code, size_t count, size_t index, size_t *good_before, size_t *good_after);

#endif
