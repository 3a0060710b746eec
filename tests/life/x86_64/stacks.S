/* Stacks for life/stacks.h, and a function that touches none. */
#include "../../share/function.inc"
        .text
        .p2align 4
        HEAD    run_on
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register rbp
        mov     %rdi, %rsp
        mov     %rdx, %rdi
        call    *%rsi
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_def_cfa rsp, 8
        ret
        FOOT    run_on

        .macro  SAVE_CALLERS
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, (%rdi)
        .endm

        .p2align 4
        HEAD    start_on
        SAVE_CALLERS
        mov     %rsi, %rsp
        mov     %rcx, %rdi
        call    *%rdx
        ud2
        FOOT    start_on

        .p2align 4
        HEAD    switch_to
        SAVE_CALLERS
        mov     %rsi, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
        FOOT    switch_to

        .p2align 4
        HEAD    touches_nothing
        nopl    0(%rax, %rax)
        lea     1(%rdi), %rax
        ret
        FOOT    touches_nothing

        .p2align 4
        HEAD    touches_nothing_either
        nopl    0(%rax, %rax)
        lea     1(%rdi), %rax
        ret
        FOOT    touches_nothing_either

        .p2align 4
        HEAD    returns_at_once
        ret
        FOOT    returns_at_once
        .section .note.GNU-stack, "", @progbits
