/* Stacks for life/stacks.h, and a function that touches none. */
        .macro  HEAD name
        .globl  \name
        .type   \name, %function
        .p2align 4
\name:
        .cfi_startproc
        .endm
        .macro  FOOT name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        .text
        HEAD    run_on
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        mov     sp, x0
        mov     x0, x2
        blr     x1
        mov     sp, x29
        ldp     x29, x30, [sp], #16
        ret
        FOOT    run_on

        .macro  SAVE_CALLERS
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        .endm

        HEAD    start_on
        SAVE_CALLERS
        mov     sp, x1
        mov     x0, x3
        blr     x2
        brk     #0
        FOOT    start_on

        HEAD    switch_to
        SAVE_CALLERS
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        FOOT    switch_to

        HEAD    touches_nothing
        nop
        add     x0, x0, #1
        ret
        FOOT    touches_nothing

        HEAD    touches_nothing_either
        nop
        add     x0, x0, #1
        ret
        FOOT    touches_nothing_either

        HEAD    returns_at_once
        ret
        FOOT    returns_at_once
        .section .note.GNU-stack, "", %progbits
