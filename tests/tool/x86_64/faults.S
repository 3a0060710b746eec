/* Functions whose first instruction faults. x86-64. */
        .text

        .macro function name
        .globl  \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        .endm

        .macro end name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        function fault_load             /* of what the argument points to */
        mov     (%rdi), %rax
        add     $0, %rax
        ret
        end fault_load

        function fault_divide           /* 100 by the argument */
        idivq   %rdi
        nop
        ret
        end fault_divide

        function fault_illegal
        ud2
        nop
        mov     $7, %eax
        ret
        end fault_illegal

        function fault_breakpoint
        int3
        nop
        mov     $7, %eax
        ret
        end fault_breakpoint

        function fault_deep             /* goes on from fault_registers */
        mov     (%rdi), %rax
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
        end fault_deep

        function fault_registers        /* the same load, with a number of its own in each register */
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, fault_sp(%rip)
        mov     $101, %eax
        mov     $102, %ebx
        mov     $103, %ecx
        mov     $104, %edx
        mov     $105, %esi
        mov     $106, %ebp
        mov     $108, %r8d
        mov     $109, %r9d
        mov     $110, %r10d
        mov     $111, %r11d
        mov     $112, %r12d
        mov     $113, %r13d
        mov     $114, %r14d
        mov     $115, %r15d
        cmp     $200, %eax
        jmp     fault_deep
        end fault_registers

        function call_divide
        mov     $100, %eax
        xor     %edx, %edx
        call    fault_divide
        ret
        end call_divide

        .comm   fault_sp, 8, 8          /* at fault_deep, for the handler */

        .section .note.GNU-stack, "", @progbits
