/* What the corner tests hook: the program's own breakpoint, and instructions that cannot run elsewhere. */
        .text
        .p2align 4
        .globl  own_breakpoint, own_breakpoint_at
        .type   own_breakpoint, %function
own_breakpoint:
        .cfi_startproc
        add     x0, x0, #1
own_breakpoint_at:
        brk     #7
        add     x0, x0, #2
        ret
        .cfi_endproc
        .size   own_breakpoint, . - own_breakpoint

        .p2align 4
        .globl  not_elsewhere, not_elsewhere_end
        .type   not_elsewhere, %function
not_elsewhere:
        .cfi_startproc
        .inst   0xd63f0bdf                      /* blraaz x30 */
        .inst   0xd73f0bc0                      /* blraa x30, x0 */
        .inst   0xd73f081e                      /* blraa x0, x30 */
not_elsewhere_end:
        ret
        .cfi_endproc
        .size   not_elsewhere, . - not_elsewhere

        /* A store whose load is in another function. */
        .p2align 4
        .globl  lone_store, lone_store_at
        .type   lone_store, %function
lone_store:
        .cfi_startproc
        mov     x1, x0
lone_store_at:
        stxr    w2, x0, [x1]
        ret
        .cfi_endproc
        .size   lone_store, . - lone_store
        .section .note.GNU-stack, "", %progbits
