/* void spoil_registers(void): changes every register that a called function may change (AAPCS64, 6.1), fpsr too. */
        .arch_extension sve
        .text
        .p2align 4
        .globl  spoil_registers
        .type   spoil_registers, %function
spoil_registers:
        .cfi_startproc
        adrp    x0, spoil_has_sve
        ldr     w0, [x0, :lo12:spoil_has_sve]
        cbz     w0, 1f
        .irp    n, 0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        mov     z\n\().b, #-1
        .endr
        ptrue   p0.b
        .irp    n, 8,9,10,11,12,13,14,15
        mov     x0, v\n\().d[0]
        mov     z\n\().b, #-1
        mov     v\n\().d[0], x0
        .endr
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        pfalse  p\n\().b
        .endr
        wrffr   p1.b
        b       2f
1:      .irp    n, 0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        movi    v\n\().16b, #255
        .endr
        .irp    n, 8,9,10,11,12,13,14,15
        mov     v\n\().d[1], xzr
        .endr
2:      mov     w0, #0x9f
        msr     fpsr, x0
        mov     x0, #-1
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
        mov     x\n, x0
        .endr
        msr     nzcv, x0
        ret
        .cfi_endproc
        .size   spoil_registers, . - spoil_registers
        .section .note.GNU-stack, "", %progbits
