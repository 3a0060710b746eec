/* What the rest of the library needs to know of one x86-64 instruction. Pure: bytes in, facts out; no operating system,
 * no memory of its own. Zydis decodes. */
#ifndef ISA_X86_64_INSN_H
#define ISA_X86_64_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { X64_INSN_MAX = 15 };

enum x64_kind {
  X64_ORDINARY,      /* runs anywhere once its RIP-relative operand, if any, is rebased */
  X64_CALL,          /* call rel32 */
  X64_JMP,           /* jmp rel8, rel32 */
  X64_JCC,           /* jcc rel8, rel32 */
  X64_LOOP,          /* loop, loope, loopne, jcxz, jecxz, jrcxz: rel8 only */
  X64_CALL_INDIRECT, /* call r/m64 */
  X64_JMP_INDIRECT,  /* jmp r/m64 */
  X64_RET,
  X64_SYSCALL,
  X64_INT3,          /* int3, and int $3, which ends in the same trap */
  X64_XBEGIN,        /* rel32: where an aborted transaction goes */
  X64_FAR,           /* call, jmp or ret far, iret */
  X64_OWN_ADDRESS    /* sysret, sysexit, enclu and whatever else depends on where it stands */
};

struct x64_insn {
  enum x64_kind kind;
  uint8_t length;
  bool falls_through;       /* the next instruction may run after it (a call counts, jmp, ret and ud2 do not) */
  bool everywhere;          /* every x86-64 processor has it: it raises #UD nowhere */
  bool has_target;          /* direct branch, call or xbegin */
  uint64_t target;          /* where it goes; valid with has_target */
  bool rip_relative;        /* a memory operand relative to the pc */
  uint64_t operand_address; /* what that operand refers to; valid with rip_relative */
  uint8_t disp_offset;      /* of the 4-byte displacement inside the instruction; valid with rip_relative */
  uint8_t prefix_length;    /* legacy prefixes before the opcode, REX not counted */
};

/* Decodes the instruction whose first byte is bytes[0] and stands at `pc`. False where `size` bytes do not begin with a
 * valid instruction of 64-bit mode. */
bool x64_decode(const uint8_t *bytes, size_t size, uint64_t pc, struct x64_insn *insn);

/* Only the length, faster; 0 where undecodable. */
size_t x64_length(const uint8_t *bytes, size_t size);

/* The length of an instruction that fills room where nothing runs: nop, with operand-size and segment prefixes, nopw, nopl, int3;
 * 0 where bytes[] begins with none. */
size_t x64_filler(const uint8_t *bytes, size_t size);

#endif
