/* long call_filled(const void *function): every register has a value of its own, those of the calling convention's arguments small
 * ones, so that functions which add, count or index end soon. */
#include "../../share/function.inc"
        .text
        HEAD    call_filled
        .irp    register, rbp, rbx, r12, r13, r14, r15
        push    %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endr
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
        mov     %rdi, %r11
        mov     $5, %edi
        mov     $3, %esi
        mov     $2, %edx
        mov     $4, %ecx
        mov     $6, %r8d
        mov     $7, %r9d
        mov     $0x1011121314151617, %rax
        mov     $0x2021222324252627, %rbx
        mov     $0x3031323334353637, %rbp
        mov     $0x4041424344454647, %r10
        mov     $0x5051525354555657, %r12
        mov     $0x6061626364656667, %r13
        mov     $0x7071727374757677, %r14
        mov     $0x0081828384858687, %r15
        call    *%r11
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        .irp    register, r15, r14, r13, r12, rbx, rbp
        pop     %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endr
        ret
        FOOT    call_filled

        /* What is asked answers the same in every child. */
        HEAD    asks_for_parent
        mov     $110, %eax                      /* getppid */
        syscall
        lea     (%rax, %rcx), %rax
        ret
        FOOT    asks_for_parent
.Lend_asks_for_parent:
        HEAD    calls_by_register
        lea     answers_four(%rip), %rax
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    *%rax
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        ret
        FOOT    calls_by_register
.Lend_calls_by_register:
        HEAD    answers_four
        mov     $4, %eax
        ret
        FOOT    answers_four

        .section .data.rel.ro, "aw", @progbits
        .p2align 3
        .globl  own_patterns
own_patterns:
        .quad   1f, asks_for_parent, .Lend_asks_for_parent, 2f, calls_by_register, .Lend_calls_by_register, 0, 0, 0
        .section .rodata
1:      .asciz  "asks_for_parent"
2:      .asciz  "calls_by_register"
        .section .note.GNU-stack, "", @progbits
