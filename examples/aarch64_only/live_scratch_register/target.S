/* read_marker(): a value that lives in x16, which a linker's veneer may change at a function's entry but nothing may here. */
        .text
        .globl  read_marker, read_marker_patchpoint
        .type   read_marker, %function
        .type   read_marker_patchpoint, %notype
        .p2align 4
read_marker:
        .cfi_startproc
        mov     w16, #0x1234
read_marker_patchpoint:
        nop
        mov     w0, w16
        ret
        .cfi_endproc
        .size   read_marker, . - read_marker
        .section .note.GNU-stack, "", %progbits
