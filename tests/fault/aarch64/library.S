/* A library in two builds, whose functions lie at the same places: what adds 1000, and what adds 2000. Of two functions the first
 * instruction is the same in both. */
        .text
        .macro  FUNCTION name
        .p2align 6
        .globl  \name
        .type   \name, %function
\name:
        .cfi_startproc
        .endm
        .macro  END name
        ret
        .cfi_endproc
        .size   \name, . - \name
        .endm

        FUNCTION long_same
        add     x0, x0, #1000
#ifdef SECOND
        add     x0, x0, #1000
#endif
        END     long_same

        FUNCTION short_same
        mov     x1, x0
#ifdef SECOND
        add     x0, x1, #2000
#else
        add     x0, x1, #1000
#endif
        END     short_same

        FUNCTION long_other
#ifdef SECOND
        add     x0, x0, #2000
#else
        add     x0, x0, #1000
#endif
        END     long_other

        FUNCTION short_other
#ifdef SECOND
        add     x0, x0, #2000
#else
        mov     x1, x0
        add     x0, x1, #1000
#endif
        END     short_other
        .section .note.GNU-stack, "", %progbits
