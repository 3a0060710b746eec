/* A library in two builds, whose functions lie at the same places: what adds 1000, and what adds 2000. Of two functions the first
 * instruction is the same in both. */
#include "../../share/function.inc"
        .text
        .macro  FUNCTION name
        .p2align 6
        HEAD    \name
        .endm

        FUNCTION long_same
        lea     1000(%rdi), %rax
#ifdef SECOND
        add     $1000, %rax
#endif
        ret
        FOOT    long_same

        FUNCTION short_same
        mov     %rdi, %rax
#ifdef SECOND
        lea     2000(%rax), %rax
#else
        add     $1000, %rax
#endif
        ret
        FOOT    short_same

        FUNCTION long_other
#ifdef SECOND
        lea     2000(%rdi), %rax
#else
        lea     1000(%rdi), %rax
#endif
        ret
        FOOT    long_other

        FUNCTION short_other
#ifdef SECOND
        lea     2000(%rdi), %rax
#else
        mov     %rdi, %rax
        add     $1000, %rax
#endif
        ret
        FOOT    short_other
        .section .note.GNU-stack, "", @progbits
