/* branch_nv(): "never" is a condition that always holds. */
        .text
        .globl  branch_nv, branch_nv_patchpoint
        .type   branch_nv, %function
        .type   branch_nv_patchpoint, %notype
        .p2align 4
branch_nv:
        .cfi_startproc
        mov     w0, #2
branch_nv_patchpoint:
        .inst   0x5400004f                      /* b.nv . + 8 */
        mov     w0, #1
        ret
        .cfi_endproc
        .size   branch_nv, . - branch_nv
        .section .note.GNU-stack, "", %progbits
