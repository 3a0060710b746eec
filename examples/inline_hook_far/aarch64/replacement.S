/* Multiplies. Position-independent, so that a copy runs anywhere. */
        .section .rodata
        .p2align 2
        .globl  replacement_begin, replacement_end
        .hidden replacement_begin, replacement_end
replacement_begin:
        mul     w0, w0, w1
        ret
replacement_end:
        .section .note.GNU-stack, "", %progbits
