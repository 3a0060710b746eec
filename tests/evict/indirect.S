/* For indirect_test.c: functions of short instructions that may be entered at each of them in any state. Nothing is read or
 * written through registers but the stack; no register is made from the stack pointer; at most three slots are popped beyond
 * those that were pushed; loops end from any count. */
#include "../share/function.inc"
        .text
        /* `before` bytes behind the start of a line: where one ends in the midst of an instruction, that is changed in phases */
        .macro  BEGIN name, before
        .p2align 6
        .skip   \before, 0x90
        HEAD    \name
        .endm
        .macro  END name
        FOOT    \name
        .globl  \name\()_end
\name\()_end:
        .endm

        BEGIN   moves, 60
        mov     %rdi, %rax
        mov     %esi, %ecx
        xchg    %eax, %ecx
        lea     (%rax, %rcx), %edx
        bswap   %edx
        mov     %dl, %ah
        movzbl  %dl, %esi
        cwtl
        cltd
        xor     %edx, %ecx
        mov     $7, %bl
        xchg    %rbx, %rdi
        not     %rsi
        cmovs   %rdi, %rsi
        mov     %rsi, %r8
        add     %r8, %rax
        ret
        END     moves

        BEGIN   carries, 62
        stc
        adc     %al, %cl
        cmc
        sbb     %edx, %esi
        clc
        lahf
        rcl     %eax
        sahf
        setc    %bl
        std
        neg     %edi
        cld
        inc     %edx
        adc     %rax, %rdi
        shr     %eax
        sbb     %ecx, %ecx
        ror     $3, %dl
        cmp     %al, %dl
        ret
        END     carries

        BEGIN   pushes, 62
        push    %rbx
        .cfi_adjust_cfa_offset 8
        mov     %rdi, %rbx
        push    %rsi
        .cfi_adjust_cfa_offset 8
        xor     %ebx, %esi
        push    $5
        .cfi_adjust_cfa_offset 8
        pop     %rax
        .cfi_adjust_cfa_offset -8
        add     %ebx, %eax
        pop     %rdx
        .cfi_adjust_cfa_offset -8
        sub     %edx, %eax
        pop     %rbx
        .cfi_adjust_cfa_offset -8
        mov     %rdi, -8(%rsp)
        inc     %edi
        add     %al, -8(%rsp)
        nop
        mov     -8(%rsp), %rcx
        ret
        END     pushes

        BEGIN   branches, 61
        test    %edi, %edi
        js      1f
        inc     %eax
        jz      2f
        dec     %edx
1:      cmp     %cl, %dl
        jb      3f
        jrcxz   2f
        not     %ecx
2:      inc     %ebx
        jmp     4f
        nop
3:      dec     %ebx
        jp      4f
        cmc
4:      jc      5f
        mov     %edx, %eax
5:      setbe   %ch
        ret
        END     branches

        BEGIN   loops, 55
        mov     %esi, %ecx
        xor     %eax, %eax
1:      add     %cl, %al
        shr     %ecx
        jne     1b
        mov     $6, %cl
2:      inc     %edx
        cld
        shr     %cl
        jne     2b
        mov     %edi, %ebx
3:      xchg    %eax, %edx
        adc     %bl, %dl
        shr     %ebx
        jnz     3b
        ret
        END     loops

        BEGIN   calls, 61
        nop
        call    1f
        mov     %eax, %edx
        push    %rdi
        .cfi_adjust_cfa_offset 8
        call    1f
        pop     %rcx
        .cfi_adjust_cfa_offset -8
        cmc
        jmp     2f
1:      inc     %eax
        cld
        ret
2:      push    %rax
        .cfi_adjust_cfa_offset 8
        xor     %eax, (%rsp)
        pop     %rsi
        .cfi_adjust_cfa_offset -8
        ret
        END     calls

        BEGIN   vectors, 58
        movaps  %xmm0, %xmm1
        cld
        paddq   %xmm1, %xmm2
        stc
        movd    %edi, %xmm3
        nop
        pxor    %xmm2, %xmm0
        inc     %eax
        movd    %xmm0, %ecx
        movhlps %xmm1, %xmm0
        ret
        END     vectors

        /* the last instructions of functions, padding, and the next function: who is in the padding runs on into it */
        BEGIN   tails, 63
        inc     %eax
        ret
        .cfi_endproc
        .byte   0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
        .cfi_startproc
        cld
        lea     (%rdi, %rax), %edx
        ret
        .cfi_endproc
        .byte   0x0f, 0x1f, 0x40, 0
        .cfi_startproc
        xor     %edx, %eax
        ret
        .cfi_endproc
        .byte   0x0f, 0x1f, 0x44, 0, 0
        .cfi_startproc
        dec     %ecx
        ret
        .cfi_endproc
        nop
        nop
        nop
        nop
        .cfi_startproc
        neg     %ebx
        ret
        END     tails
        .p2align 6
        .section .note.GNU-stack, "", @progbits
