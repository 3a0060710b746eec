/* For faults_test.c: functions in which the instruction behind the hooked one faults, until rdi holds something better. It
 * gives way to the hook's jump: by a jump of its own (evicted), or by a byte that traps (reached). */
#include "faults.inc"
        .macro  SITE name
        .globl  site_\name
site_\name:
        .endm
#define GIVES_WAY "in place of the next"
#define REACHES_OVER "reaches over"
        .p2align 6
helper: lea     7(%rsi), %rax
        ret

        .p2align 6
        HEAD    evicted_load
        SITE    evicted_load
        cld
at_evicted_load:
        .byte   0x48, 0x8B, 0x87, 0, 0, 0, 0    /* mov 0(%rdi), %rax */
        add     $1, %rax
        ret
        FAULT   evicted_load, value, SIGSEGV, GIVES_WAY
        .p2align 6
        HEAD    evicted_store
        SITE    evicted_store
        mov     %edi, %ecx
at_evicted_store:
        movl    $77, 16(%rdi)
        lea     1(%rsi), %rax
        ret
        FAULT   evicted_store, value-16, SIGSEGV, GIVES_WAY
        .p2align 6
        HEAD    evicted_short
        SITE    evicted_short
        cld
at_evicted_short:
        mov     (%rdi), %rax
        mov     %rax, %rdx
        lea     1(%rdx), %rax
        ret
        FAULT   evicted_short, value, SIGSEGV, GIVES_WAY
        .p2align 6
        HEAD    reached
        SITE    reached
        push    %rbp
        .cfi_adjust_cfa_offset 8
at_reached:
        mov     (%rdi), %eax
        add     %rsi, %rax
        lea     1(%rax), %rax
        pop     %rbp
        .cfi_adjust_cfa_offset -8
        ret
        FAULT   reached, value, SIGSEGV, REACHES_OVER
        .p2align 6
        HEAD    reached_later                   /* the second that is reached over */
        SITE    reached_later
        push    %rbx
        .cfi_adjust_cfa_offset 8
        mov     %esi, %ebx
at_reached_later:
        mov     (%rdi), %eax
        lea     1(%rbx, %rax), %rax
        pop     %rbx
        .cfi_adjust_cfa_offset -8
        ret
        FAULT   reached_later, value, SIGSEGV, REACHES_OVER
        .p2align 6
        HEAD    evicted_call
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
        SITE    evicted_call
        cld
at_evicted_call:
        .byte   0xFF, 0x97, 0, 0, 0, 0          /* call *0(%rdi) */
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        ret
        FAULT   evicted_call, pointer, SIGSEGV, GIVES_WAY
        .section .data.rel.ro.faults, "aw", @progbits
        .quad   0, 0, 0, 0, 0, 0, 0
        .section .note.GNU-stack, "", @progbits
