/* See registers.h. Offsets are those of struct registers; registers.c asserts them. */
#define OFFSET_FLAGS 128
#define OFFSET_XMM 136

        .section .tbss, "awT", @nobits
        .p2align 3
saved_stack:
        .quad   0
saved_registers:
        .quad   0
saved_rax:
        .quad   0

        .macro  EACH_VECTOR operation
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        \operation \n
        .endr
        .endm
        .macro  LOAD_VECTOR n
        movups  OFFSET_XMM + 16 * \n(%rdi), %xmm\n
        .endm
        .macro  STORE_VECTOR n
        movups  %xmm\n, OFFSET_XMM + 16 * \n(%rdi)
        .endm
        .macro  LOAD number, name
        mov     8 * \number(%rdi), %\name
        .endm
        .macro  STORE number, name
        mov     %\name, 8 * \number(%rax)
        .endm
        .macro  EACH_HIGH operation
        .irp    n, 8,9,10,12,13,14,15
        \operation \n, r\n
        .endr
        .endm

        .text
        .p2align 4
        .globl  registers_run, registers_back
        .type   registers_run, @function
registers_run:
        .cfi_startproc
        .irp    name, rbp,rbx,r12,r13,r14,r15
        push    %\name
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \name, 0
        .endr
        mov     %rdi, %fs:saved_registers@tpoff
        mov     %rsp, %fs:saved_stack@tpoff
        EACH_VECTOR LOAD_VECTOR
        mov     %rsi, %r11
        push    OFFSET_FLAGS(%rdi)
        popfq
        EACH_HIGH LOAD
        LOAD    0, rax
        LOAD    1, rcx
        LOAD    2, rdx
        LOAD    3, rbx
        LOAD    4, rsp
        LOAD    5, rbp
        LOAD    6, rsi
        LOAD    7, rdi
        jmp     *%r11
registers_back:
        mov     %rax, %fs:saved_rax@tpoff
        mov     %fs:saved_registers@tpoff, %rax
        STORE   1, rcx
        STORE   2, rdx
        STORE   3, rbx
        STORE   4, rsp
        STORE   5, rbp
        STORE   6, rsi
        STORE   7, rdi
        STORE   11, r11
        EACH_HIGH STORE
        mov     %rax, %rdi
        mov     %fs:saved_stack@tpoff, %rsp     /* what lies below the other one is to be looked at */
        pushfq
        pop     OFFSET_FLAGS(%rdi)
        cld
        mov     %fs:saved_rax@tpoff, %rcx
        mov     %rcx, (%rdi)
        EACH_VECTOR STORE_VECTOR
        .irp    name, r15,r14,r13,r12,rbx,rbp
        pop     %\name
        .cfi_adjust_cfa_offset -8
        .cfi_restore \name
        .endr
        ret
        .cfi_endproc
        .size   registers_run, . - registers_run
        .section .note.GNU-stack, "", @progbits
