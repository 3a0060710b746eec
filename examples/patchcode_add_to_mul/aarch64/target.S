/* calc(a, b) adds, in registers that its arguments were moved to. */
        .text
        .globl  calc, calc_add_insn
        .type   calc, %function
        .type   calc_add_insn, %notype
        .p2align 4
calc:
        .cfi_startproc
        mov     w8, w0
        mov     w9, w1
calc_add_insn:
        add     w0, w8, w9
        ret
        .cfi_endproc
        .size   calc, . - calc
        .section .note.GNU-stack, "", %progbits
