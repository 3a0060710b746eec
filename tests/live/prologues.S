/* For prologues_test.c: functions whose first instructions are hard to hook. Whatever went wrong at the first one is seen in what
 * the function returns: rax, or the flags where they are live at the end. */
#include "../share/function.inc"
        .macro  PROLOGUE name
        .p2align 6
        HEAD    \name
        .endm
        /* another function, without padding in between */
        .macro  BEHIND name
        HEAD    behind_\name
        lea     7(%rdi, %rdi), %rax
        ret
        FOOT    behind_\name
        .endm
        /* two ways of a branch */
        .macro  WAYS
        lea     1(%rdi), %rax
        ret
1:      lea     2(%rdi), %rax
        ret
        .endm

        .data
        .p2align 3
value:  .quad   0x123456789abcdef
wide:   .quad   1, 2, 0x1111222233334444, 4
pointer:
        .quad   helper
cell:   .quad   0
sum:    .quad   0
        .text
        .p2align 4
helper: lea     11(%rdi), %rax
        ret

        PROLOGUE lea_relative
        lea     value(%rip), %rax
        xor     (%rax), %rax
        ret
        FOOT    lea_relative
        PROLOGUE load_relative
        mov     value(%rip), %rax
        add     %rdi, %rax
        ret
        FOOT    load_relative
        PROLOGUE compare_relative
        cmp     %rdi, value(%rip)
        mov     %rdx, %rax
        cmovb   %rsi, %rax
        ret
        FOOT    compare_relative
        PROLOGUE store_relative
        mov     %rdi, cell(%rip)
        mov     cell(%rip), %rax
        ret
        FOOT    store_relative
        PROLOGUE vex_relative
        vmovups wide(%rip), %ymm0
        vextractf128 $1, %ymm0, %xmm1
        vmovq   %xmm1, %rax
        add     %rdi, %rax
        vzeroupper
        ret
        FOOT    vex_relative
        PROLOGUE push_relative
        push    pointer(%rip)
        .cfi_adjust_cfa_offset 8
        pop     %rax
        .cfi_adjust_cfa_offset -8
        ret
        FOOT    push_relative
        PROLOGUE call_relative_memory
        call    *pointer(%rip)
        add     %rsi, %rax
        ret
        FOOT    call_relative_memory
        PROLOGUE jump_relative_memory
        jmp     *pointer(%rip)
        FOOT    jump_relative_memory
        PROLOGUE jcc_short
        jz      1f
        WAYS
        FOOT    jcc_short
        PROLOGUE jcc_near
        .byte   0x0f, 0x84
        .long   1f - . - 4
        WAYS
        FOOT    jcc_near
        PROLOGUE test_then_je
        test    %rdi, %rdi
        je      1f
        WAYS
        FOOT    test_then_je
        PROLOGUE call_first
        call    helper
        add     %rsi, %rax
        ret
        FOOT    call_first
        PROLOGUE call_then_pop
        call    1f
        .cfi_adjust_cfa_offset 8
1:      pop     %rax
        .cfi_adjust_cfa_offset -8
        add     %rdi, %rax
        ret
        FOOT    call_then_pop
        PROLOGUE jump_short
        jmp     1f
        WAYS
        FOOT    jump_short
        PROLOGUE jump_near
        .byte   0xe9
        .long   1f - . - 4
        WAYS
        FOOT    jump_near
        PROLOGUE jrcxz_forward
        jrcxz   1f
        WAYS
        FOOT    jrcxz_forward
        PROLOGUE loop_forward
        loop    1f
        lea     1(%rdi, %rcx), %rax
        ret
1:      lea     2(%rdi, %rcx), %rax
        ret
        FOOT    loop_forward

        /* Comes back to its own first byte, as often as the low bits of rsi say, as a call of itself at its end would. */
        PROLOGUE loop_to_start
        lea     3(%rdi), %rdi
        and     $7, %esi
        dec     %esi
        jg      loop_to_start
        mov     %rdi, %rax
        ret
        FOOT    loop_to_start
        /* Comes back to each instruction that a jump of five bytes would cover, but the first. */
        PROLOGUE loop_inside
        stc
1:      adc     %esi, %edi
3:      cmc
4:      adc     %edi, %edx
        and     $15, %ecx
        dec     %ecx
        js      2f
        test    $1, %cl
        jne     1b
        test    $2, %cl
        jne     3b
        jmp     4b
2:      lea     (%rdi, %rdx), %rax
        ret
        FOOT    loop_inside
        /* Comes back to its second byte, which goes without the prefix. */
        PROLOGUE branch_over_lock
        lock add %rdi, sum(%rip)
        and     $3, %esi
        dec     %esi
        jg      branch_over_lock + 1
        xor     %eax, %eax
        xchg    %rax, sum(%rip)
        ret
        FOOT    branch_over_lock

        PROLOGUE ret_padded
        ret
        FOOT    ret_padded
        PROLOGUE ret_packed
        ret
        FOOT    ret_packed
        BEHIND  ret_packed
        PROLOGUE three_bytes
        xor     %eax, %eax
        ret
        FOOT    three_bytes
        BEHIND  three_bytes
        PROLOGUE four_bytes
        mov     %rdi, %rax
        ret
        FOOT    four_bytes
        BEHIND  four_bytes
        PROLOGUE landing_pad
        endbr64
        lea     5(%rdi, %rsi), %rax
        ret
        FOOT    landing_pad
        PROLOGUE load_thread
        mov     %fs:0, %rax
        add     %rdi, %rax
        ret
        FOOT    load_thread
        .p2align 6
        .section .note.GNU-stack, "", @progbits
