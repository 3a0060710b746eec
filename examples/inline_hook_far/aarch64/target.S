/* target_add(a, b) adds. */
        .text
        .globl  target_add
        .type   target_add, %function
        .p2align 4
target_add:
        .cfi_startproc
        add     w0, w0, w1
        ret
        .cfi_endproc
        .size   target_add, . - target_add
        .section .note.GNU-stack, "", %progbits
