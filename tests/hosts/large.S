/* Twenty megabytes of code. */
  .text
  .globl large
  .type large, %function
large:
  .rept 4096
  ret
  .skip 5119, 0x90
  .endr
  .size large, .-large
  .section .note.GNU-stack, "", %progbits
