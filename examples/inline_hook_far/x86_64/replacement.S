/* Multiplies. Position-independent, so that a copy runs anywhere. */
        .section .rodata
        .globl  replacement_begin, replacement_end
        .hidden replacement_begin, replacement_end
replacement_begin:
        movl    %edi, %eax
        imull   %esi, %eax
        ret
replacement_end:
        .section .note.GNU-stack, "", @progbits
