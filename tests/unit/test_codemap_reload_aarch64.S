/* Two builds of one library, alike in everything but where the function ends, which only its symbol tells. */
  .globl reloaded
  .type reloaded, %function
reloaded:
  nop
  nop
  nop
#ifdef SECOND
  .size reloaded, . - reloaded
#endif
  nop
  nop
  ret
#ifndef SECOND
  .size reloaded, . - reloaded
#endif
  .section .note.GNU-stack, "", %progbits
