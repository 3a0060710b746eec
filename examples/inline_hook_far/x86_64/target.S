/* target_add(a, b) adds. */
        .text
        .globl  target_add
        .type   target_add, @function
        .p2align 4
target_add:
        .cfi_startproc
        movl    %edi, %eax
        addl    %esi, %eax
        ret
        .cfi_endproc
        .size   target_add, . - target_add
        .section .note.GNU-stack, "", @progbits
