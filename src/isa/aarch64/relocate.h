/* A displaced instruction: code that, run at another address, does exactly what one A64 instruction does in place, and
 * then continues where that instruction would have continued. No register, flag or byte of memory is clobbered, x16 and
 * x17 included; calls leave the original return address in x30. It never goes anywhere by a register that the program
 * did not name, so that no landing pad is asked of code that has none. Pure.
 * Its own pages must not be guarded (PROT_BTI): from there a call that became a jump would want a pad for jumps. */
#ifndef ISA_AARCH64_RELOCATE_H
#define ISA_AARCH64_RELOCATE_H

#include "isa/aarch64/insn.h"

enum {
  A64_DISPLACED_MAX = 16, /* words */
  A64_LOWERED_MAX = 2,
  A64_NO_OFFSET = 0xFF,
  A64_FAR_BRANCH = 0xF00C, /* immediate of the brk that stands for a `b` that does not reach */
  A64_LINK_TRAP = 0xF00D   /* of the one that stands for `blr x30`, for which no register is free */
};

enum a64_refusal {
  A64_RELOCATED = 0,
  A64_OUT_OF_REACH,       /* a branch back or to the target does not reach from `to`; another place may do */
  A64_LINK_AUTHENTICATED, /* blraa and its kin with x30 as target or modifier */
  A64_EXCLUSIVE_STORE,    /* what it has to match is lost on the way to a hook */
  A64_OWN_ADDRESS         /* signs or authenticates its own address (FEAT_PAuth_LR) */
};

/* All offsets and lengths are in bytes; an offset that there is not is A64_NO_OFFSET. */
struct a64_displaced {
  uint32_t words[A64_DISPLACED_MAX];
  uint8_t length;
  uint8_t entry_offset;     /* where to enter; not 0 in memory copies only, see relocate.c */
  uint8_t exit_offset;      /* from here on the original instruction has had its effect */
  uint8_t trap_offset;      /* of a displaced brk, whose SIGTRAP must be reported as the original's */
  uint8_t link_trap_offset; /* of the brk for `blr x30`: the handler sets pc to x30, then x30 to from + 4 */
  struct {
    uint8_t offset, bytes; /* from `offset` on sp is that many bytes lower than the original found it, until the
                              next one; unused ones are zero */
  } lowered[A64_LOWERED_MAX];
};

/* The range of addresses for `to` at which a64_relocate cannot answer A64_OUT_OF_REACH, nor would with some more code
 * around the displaced form. */
void a64_reach(const struct a64_insn *insn, uint64_t from, uint64_t *low, uint64_t *high);

/* Writes the displaced form, to be run at `to`, of the instruction that stands at `from`; both are multiples of 4. `far`: a
 * branch that does not reach becomes a brk, whose handler sets pc to what a64_leads_to says; A64_OUT_OF_REACH is answered to a
 * load-exclusive only, whose store would fail each time. */
enum a64_refusal a64_relocate(uint32_t word, uint64_t from, uint64_t to, bool far, struct a64_displaced *out);

/* Where a branch out of the displaced form of `insn`, at `offset`, leads: to a target or to the next instruction. */
uint64_t a64_leads_to(const struct a64_insn *insn, uint64_t from, unsigned exit_offset, unsigned offset);

/* The address of the program that a pc `offset` bytes inside the displaced form of `insn` stands for: its own, the next
 * one's, a target, or that of an earlier part of the same memory copy. *lowered: how many bytes sp is below what it
 * would be there. */
uint64_t a64_original_pc(const struct a64_displaced *displaced, const struct a64_insn *insn, uint64_t from,
                         unsigned offset, unsigned *lowered);

/* One line of English, lower case, static. */
const char *a64_refusal_text(enum a64_refusal);

#endif
