/* For mixed_test.c: a short instruction that lies across two lines, so that its entry changes in phases, and behind it a long
 * one that one store changes. Each function answers twice its argument and 7. */
        .text
        .macro  ACROSS name, gap
        .p2align 6
        .skip   62, 0x90
        .globl  \name, \name\()_behind
        .type   \name, @function
\name:
        .cfi_startproc
        mov     %rdi, %rax
        .ifne   \gap
        cld
        .endif
\name\()_behind:
        lea     0x11223344(%rdi), %rcx
        lea     7(%rax, %rdi), %rax
        ret
        .cfi_endproc
        .size   \name, . - \name
        .endm
        ACROSS  across_then_long, 0
        ACROSS  across_then_short, 1
        .section .note.GNU-stack, "", @progbits
