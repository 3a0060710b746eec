/* What a64_machine.c cannot write in C. */
.arch armv8.3-a+sve

/* void a64_machine_enter(bool scalable): comes back when a run has ended, all registers restored by then. The kernel
 * puts scalable registers into a signal frame only after the thread has used them since its last system call. */
.global a64_machine_enter
.type a64_machine_enter, %function
a64_machine_enter:
  cbz w0, a64_machine_gate
  rdvl x0, #1
.global a64_machine_gate
a64_machine_gate:
  brk #0x51
  ret
.size a64_machine_enter, . - a64_machine_enter

/* uint64_t a64_machine_sign_*(uint64_t value, uint64_t modifier) */
.macro signer name, instruction
.global \name
.type \name, %function
\name:
  \instruction x0, x1
  ret
.size \name, . - \name
.endm

signer a64_machine_sign_ia, pacia
signer a64_machine_sign_ib, pacib
signer a64_machine_sign_da, pacda
signer a64_machine_sign_db, pacdb

.section .note.GNU-stack, "", %progbits
