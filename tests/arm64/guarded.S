/* Functions of a guarded program, one landing pad each: BTI, PACIASP, PACIBSP; and one with two. */
        .arch   armv8.5-a
        .text
        .macro  BEGIN name
        .globl  \name
        .type   \name, %function
        .p2align 4
\name:  .cfi_startproc
        .endm
        .macro  END name
        ret
        .cfi_endproc
        .size   \name, . - \name
        .endm

        BEGIN   padded                          /* adds 1 */
        bti     c
        add     x0, x0, #1
        END     padded

        BEGIN   twice_padded                    /* as where several labels of a computed goto are one place */
        bti     c
        bti     c
        add     x0, x0, #1
        END     twice_padded

        BEGIN   add_ten
        bti     c
        add     x0, x0, #10
        END     add_ten

        .macro  SIGNING name, sign, authenticate, frame:vararg
        BEGIN   \name
        \frame
        \sign
        .cfi_negate_ra_state
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        bl      add_ten
        ldp     x29, x30, [sp], #16
        .cfi_restore x29
        .cfi_restore x30
        .cfi_def_cfa_offset 0
        \authenticate
        .cfi_negate_ra_state
        END     \name
        .endm
        SIGNING signing_a, paciasp, autiasp
        SIGNING signing_b, pacibsp, autibsp, .cfi_b_key_frame

        .section .note.gnu.property, "a", %note
        .p2align 3
        .word   4, 16, 5
        .asciz  "GNU"
        .word   0xC0000000, 4, 3, 0             /* BTI, PAC */
        .section .note.GNU-stack, "", %progbits
