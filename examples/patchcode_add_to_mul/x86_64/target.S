/* calc(a, b) adds, with room for a longer instruction after the addition. */
        .text
        .globl  calc, calc_patchpoint
        .type   calc, @function
        .type   calc_patchpoint, @notype
        .p2align 4
calc:
        .cfi_startproc
        movl    %edi, %eax
calc_patchpoint:
        addl    %esi, %eax                      /* 01 f0 */
        nop                                     /* 90 */
        nop                                     /* 90 */
        ret
        .cfi_endproc
        .size   calc, . - calc
        .section .note.GNU-stack, "", @progbits
