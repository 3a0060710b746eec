/* Two builds of one library, alike in everything but where instructions begin. */
  .globl reloaded
  .type reloaded, @function
reloaded:
  .cfi_startproc
  nop
  nop
#ifdef SECOND
  movl $0x90909090, %eax
#else
  nop
  nop
  nop
  nop
  nop
#endif
  ret
  .cfi_endproc
  .size reloaded, . - reloaded
  .section .note.GNU-stack, "", @progbits
