/* Functions `long f(long)`, each with the instruction that is hooked at its start. */
        .text
        .macro  FUNCTION name
        .p2align 4
        .globl  \name
        .type   \name, %function
\name:
        .cfi_startproc
        add     x0, x0, #1000
        nop
        ret
        .cfi_endproc
        .size   \name, . - \name
        .endm

        FUNCTION early_branch
        FUNCTION early_second
        FUNCTION early_trap
        FUNCTION early_far_trap
        FUNCTION early_last
        FUNCTION branch
        FUNCTION second
        FUNCTION trap
        FUNCTION last_trap
        FUNCTION replaced
        FUNCTION spare
        FUNCTION patched_within
        FUNCTION patched_across

        .section .rodata
        .p2align 2
        .globl  patch_within, patch_within_end, patch_across, patch_across_end
patch_within:
        add     x0, x0, #2000
patch_within_end:
patch_across:
        add     x0, x0, #1500
        add     x0, x0, #500
patch_across_end:
        .section .note.GNU-stack, "", %progbits
