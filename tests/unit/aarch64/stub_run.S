/* For stub_test.c: runs a stub between known registers and those that it leaves. */
  .text
/* void run_stub(uint64_t registers[32], uint64_t stub): x1 to x17 and x30 come from `registers`, and are stored there when
 * the stub goes on behind run_site; registers[31] is then how far sp has moved. */
  .globl run_stub
  .type run_stub, %function
run_stub:
  stp x29, x30, [sp, #-32]!
  str x19, [sp, #16]
  mov x29, sp
  mov x19, x1
  ldp x1, x2, [x0, #8 * 1]
  ldp x3, x4, [x0, #8 * 3]
  ldp x5, x6, [x0, #8 * 5]
  ldp x7, x8, [x0, #8 * 7]
  ldp x9, x10, [x0, #8 * 9]
  ldp x11, x12, [x0, #8 * 11]
  ldp x13, x14, [x0, #8 * 13]
  ldp x15, x16, [x0, #8 * 15]
  ldr x17, [x0, #8 * 17]
  ldr x30, [x0, #8 * 30]
  .globl run_site
run_site:
  br x19
  stp x1, x2, [x0, #8 * 1]
  stp x3, x4, [x0, #8 * 3]
  stp x5, x6, [x0, #8 * 5]
  stp x7, x8, [x0, #8 * 7]
  stp x9, x10, [x0, #8 * 9]
  stp x11, x12, [x0, #8 * 11]
  stp x13, x14, [x0, #8 * 13]
  stp x15, x16, [x0, #8 * 15]
  str x17, [x0, #8 * 17]
  str x30, [x0, #8 * 30]
  mov x1, sp
  sub x1, x1, x29
  str x1, [x0, #8 * 31]
  mov sp, x29
  ldr x19, [sp, #16]
  ldp x29, x30, [sp], #32
  ret
  .size run_stub, . - run_stub

/* The capture routine of these tests: notes the site, sp and how often, and leaves x0 and x1 for the stub to load. */
  .globl run_routine
  .type run_routine, %function
run_routine:
  hint #38                              // bti jc
  str x2, [sp, #-16]!
  adrp x1, run_seen
  add x1, x1, :lo12:run_seen
  str x0, [x1]
  add x2, sp, #16
  str x2, [x1, #8]
  ldr x2, [x1, #16]
  add x2, x2, #1
  str x2, [x1, #16]
  ldr x2, [sp], #16
  mov x0, #-1
  ret
  .size run_routine, . - run_routine

  .bss
  .balign 8
  .globl run_seen
run_seen:
  .skip 24
  .section .note.GNU-stack, "", %progbits
