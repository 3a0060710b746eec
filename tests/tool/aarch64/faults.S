/* Functions whose first instruction faults. AArch64. */
        .text

        .macro function name
        .globl  \name
        .type   \name, %function
        .p2align 4
\name:
        .cfi_startproc
        .endm

        .macro end name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        function fault_load             /* of what the argument points to */
        ldr     x0, [x0]
        ret
        end fault_load

        function fault_divide           /* no fault here */
        cbz     x0, 1f
        mov     x1, #100
        sdiv    x0, x1, x0
1:      ret
        end fault_divide

        function fault_illegal
        udf     #0
        mov     x0, #7
        ret
        end fault_illegal

        function fault_breakpoint
        brk     #0
        mov     x0, #7
        ret
        end fault_breakpoint

        function fault_deep             /* goes on from fault_registers */
        ldr     x0, [x0]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #96
        ret
        end fault_deep

        function fault_registers        /* the same load, with a number of its own in each register */
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        adrp    x1, fault_sp
        mov     x2, sp
        str     x2, [x1, #:lo12:fault_sp]
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        mov     x\n, #100 + \n
        .endr
        cmp     x1, #200
        b       fault_deep
        end fault_registers

        function call_divide
        b       fault_divide
        end call_divide

        .comm   fault_sp, 8, 8          /* at fault_deep, for the handler */

        .section .note.GNU-stack, "", %progbits
