/* A displaced instruction: code that, run at another address, does exactly what one x86-64 instruction does in place,
 * and then continues where that instruction would have continued. No register, flag or byte of the red zone is
 * clobbered; calls push the original return address. Pure. */
#ifndef ISA_X86_64_RELOCATE_H
#define ISA_X86_64_RELOCATE_H

#include "isa/x86_64/insn.h"

enum { X64_DISPLACED_MAX = 80, X64_LOWERED_MAX = 3 };

enum x64_refusal {
  X64_RELOCATED = 0,
  X64_UNDECODABLE,
  X64_OUT_OF_REACH,        /* an operand or target cannot be reached from `to`; another place may do */
  X64_FAR_TRANSFER,        /* call, jmp or ret far; iret */
  X64_EIP_RELATIVE,        /* an address-size prefix makes the operand relative to the low half of the pc */
  X64_PRIVILEGED_RETURN,   /* sysret, sysexit, uiret, enclu and whatever else depends on its own address */
  X64_NOT_RELOCATABLE      /* a direct branch or a call with a 66 prefix; a call through the far end of the stack */
};

struct x64_displaced {
  uint8_t bytes[X64_DISPLACED_MAX];
  uint8_t length;          /* all of it: the instruction's work, the branch back to the next instruction, constants */
  uint8_t exit_offset;     /* from here on the original instruction has had its effect: a pc in [0, exit_offset) stands
                              for the site, in [exit_offset, length) for the instruction after it */
  uint8_t trap_offset;     /* of a displaced int3, whose SIGTRAP must be reported as the original's; 0xff: none */
  uint8_t back_offset;     /* of the jmp rel32 to the next instruction; 0xff: it has none */
  uint8_t taken_offset;    /* of a displaced loop: a pc in [taken_offset, length) stands for its target; 0xff: none */
  struct {
    uint8_t offset, bytes; /* calls only: from `offset`, an instruction's end, up to exit_offset rsp is that many bytes
                              lower than the original instruction found it; unused ones are zero */
  } lowered[X64_LOWERED_MAX];
};

/* The range of addresses for `to` at which x64_relocate cannot answer X64_OUT_OF_REACH. Empty: *low > *high. */
void x64_reach(const struct x64_insn *insn, uint64_t from, uint64_t *low, uint64_t *high);

/* Writes the displaced form, to be run at `to`, of the instruction that stands at `from`. Branches that do not reach
 * are made indirect through a constant behind the code (no scratch register); a RIP-relative operand has to reach. */
enum x64_refusal x64_relocate(const uint8_t *bytes, size_t size, uint64_t from, uint64_t to, struct x64_displaced *out);

/* The address of the program that a pc `offset` bytes inside the displaced form of `insn` stands for: its own, the next
 * one's or a target. *lowered: how many bytes rsp is below what it would be there. So a fault or a signal inside the
 * displaced form can be told as if it had come in place. */
uint64_t x64_original_pc(const struct x64_displaced *displaced, const struct x64_insn *insn, uint64_t from,
                         unsigned offset, unsigned *lowered);

/* One line of English, lower case, static. */
const char *x64_refusal_text(enum x64_refusal);

#endif
