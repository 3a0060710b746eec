/* For rows_test.c: functions that answer twice their argument and 7. */
#include "../share/function.inc"
        .text
        .macro  BEGIN name
        .p2align 6
        HEAD    \name
        .endm
        .macro  END name
        lea     7(%rdi, %rdi), %rax
        ret
        FOOT    \name
        .globl  \name\()_end
\name\()_end:
        .endm

        /* short instructions, each of which may give way for the one before it */
        BEGIN   row
        .rept   60
        cld
        .endr
        END     row

        BEGIN   mixed_row
        .rept   12
        mov     %rdi, %rcx
        cld
        mov     %edi, %edx
        lea     1(%rdi), %rsi
        .endr
        END     mixed_row

        /* the site's jump leans on the one in place of the next instruction, and this on the third */
        BEGIN   leans_on_third
        .globl  third_site, third_victim, third
third_site:
        cld
third_victim:
        mov     %rdi, %rcx
third:  lea     0x11223344(%rdi), %rdx
        END     leans_on_third
        .section .note.GNU-stack, "", @progbits
