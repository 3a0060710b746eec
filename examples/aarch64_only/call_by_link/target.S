/* call_by_link(): the call reads the register that it writes. */
        .text
        .globl  call_by_link, call_by_link_patchpoint, callee
        .type   call_by_link, %function
        .type   call_by_link_patchpoint, %notype
        .type   callee, %function
        .p2align 4
call_by_link:
        .cfi_startproc
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        adr     x30, callee
call_by_link_patchpoint:
        blr     x30
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   call_by_link, . - call_by_link
        /* The distance of its return address from the call: one instruction. */
        .p2align 4
callee:
        .cfi_startproc
        adr     x0, call_by_link_patchpoint
        sub     x0, x30, x0
        ret
        .cfi_endproc
        .size   callee, . - callee
        .section .note.GNU-stack, "", %progbits
