        .text
        .globl  soak_load, soak_load_end, soak_own_trap, soak_number, soak_number_end
        .p2align 4
        .type   soak_load, @function
soak_load:
        mov     (%rdi), %rax
soak_load_end:
        ret
        .size   soak_load, .-soak_load
        .p2align 4
        .type   soak_own_trap, @function
soak_own_trap:
        int3
        ret
        .size   soak_own_trap, .-soak_own_trap
        .p2align 4
        .type   soak_number, @function
soak_number:
        mov     $0x1111, %eax
soak_number_end:
        ret
        .size   soak_number, .-soak_number
        .section .note.GNU-stack, "", @progbits
