/* calc(a, b) adds, at an instruction that has a symbol of its own. */
        .text
        .globl  calc, calc_patchpoint
        .type   calc, @function
        .type   calc_patchpoint, @notype
        .p2align 4
calc:
        .cfi_startproc
        movl    %edi, %eax
calc_patchpoint:
        addl    %esi, %eax
        ret
        .cfi_endproc
        .size   calc, . - calc
        .section .note.GNU-stack, "", @progbits
