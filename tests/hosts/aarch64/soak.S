        .text
        .globl  soak_load, soak_load_end, soak_own_trap, soak_number, soak_number_end
        .p2align 4
        .type   soak_load, %function
soak_load:
        ldr     x0, [x0]
soak_load_end:
        ret
        .size   soak_load, .-soak_load
        .p2align 4
        .type   soak_own_trap, %function
soak_own_trap:
        brk     #0x77
        ret
        .size   soak_own_trap, .-soak_own_trap
        .p2align 4
        .type   soak_number, %function
soak_number:
        mov     w0, #0x1111
soak_number_end:
        ret
        .size   soak_number, .-soak_number
        .section .note.GNU-stack, "", %progbits
