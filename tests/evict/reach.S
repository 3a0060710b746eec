/* For the reach tests: functions in which a short instruction, name_site, gets a jump only by one that reaches over those behind
 * it, name_1 and so on. Each ends with rax = 2 * rdi + 7, entered at its start, or at one of these labels by reach_enter. */
#include "../share/function.inc"
        .text
        .macro  AT label
        .globl  \label
\label:
        .endm

        .macro  PROLOGUE name
        HEAD    \name
AT \name\()_site
        push    %rbp
AT \name\()_1
        push    %rbx
AT \name\()_2
        mov     %rdi, %rbx
        lea     7(%rbx, %rdi), %rax
        pop     %rbx
        pop     %rbp
        ret
        FOOT    \name
        .endm

        .p2align 6
        PROLOGUE prologue

        /* the last of a function, and padding behind it */
        .p2align 6
        HEAD    epilogue
        push    %rbp
        push    %rbx
        lea     7(%rdi, %rdi), %rax
AT epilogue_site
        pop     %rbx
AT epilogue_1
        pop     %rbp
AT epilogue_2
        ret
        FOOT    epilogue
AT epilogue_3
        .byte   0x0F, 0x1F, 0x40, 0
        HEAD    behind_epilogue
        lea     7(%rdi, %rdi), %rax
        ret
        FOOT    behind_epilogue

        .p2align 6
        HEAD    clear
        lea     7(%rdi, %rdi), %rax
AT clear_site
        xor     %ecx, %ecx
AT clear_1
        ret
        FOOT    clear
AT clear_2
        .byte   0x66, 0x0F, 0x1F, 0x44, 0, 0
        HEAD    behind_clear
        lea     7(%rdi, %rdi), %rax
        ret
        FOOT    behind_clear

        /* a branch goes first, and does not come to what is behind it */
        .macro  CONDITIONAL name
        HEAD    \name
        test    %rdi, %rdi
AT \name\()_site
        js      1f
AT \name\()_1
        cld
AT \name\()_2
        mov     %rdi, %rcx
1:      lea     7(%rdi, %rdi), %rax
        ret
        FOOT    \name
        .endm

        .p2align 6
        CONDITIONAL conditional

        .p2align 6
        HEAD    counted
        mov     %rdi, %rcx
AT counted_site
        jrcxz   1f
AT counted_1
        cld
AT counted_2
        mov     %rdi, %rdx
1:      lea     7(%rdi, %rdi), %rax
        ret
        FOOT    counted

        /* nobody runs what is behind a jump, and what is behind that stays */
        .p2align 6
        HEAD    filler
AT filler_site
        jmp     1f
AT filler_1
        nop
1:      lea     7(%rdi, %rdi), %rax
        ret
        FOOT    filler

        .p2align 6
        HEAD    asking
        mov     $39, %eax       /* getpid */
AT asking_site
        syscall
AT asking_1
        cld
AT asking_2
        lea     (%rdi, %rdi), %rax
        add     $7, %rax
        ret
        FOOT    asking

        /* three bytes: of the jump two are its own, or one behind a prefix */
        .macro  LONGER name
        .p2align 6
        HEAD    \name
AT \name\()_site
        mov     %rdi, %rcx
AT \name\()_1
        cld
AT \name\()_2
        mov     %rdi, %rdx
        lea     7(%rdi, %rdi), %rax
        ret
        FOOT    \name
        .endm
        LONGER  longer
        LONGER  prefixed

        /* in two lines: between two instructions, and in the midst of the first */
        .p2align 6
        .skip   62, 0x90
        PROLOGUE across
        .p2align 6
        .skip   60, 0x90
        CONDITIONAL astride

        /* as many as there can be: so few places are left that those taken for `prefixed` must not be among them */
        .skip   0x6000, 0x90
        .p2align 6
        HEAD    four
        lea     7(%rdi, %rdi), %rax
AT four_site
        clc
AT four_1
        cld
AT four_2
        cmc
AT four_3
        stc
AT four_4
        clc
        ret
        FOOT    four

/* long reach_enter(const uint8_t *address, long n, unsigned words): as if a branch that nobody sees led there, after so many of
 * rbp and rbx were pushed, with the result computed. */
        HEAD    reach_enter
        mov     %rdi, %r11
        mov     %rsi, %rdi
        lea     7(%rdi, %rdi), %rax
        test    %edx, %edx
        jz      1f
        push    %rbp
        dec     %edx
        jz      1f
        push    %rbx
1:      jmp     *%r11
        FOOT    reach_enter
        .section .note.GNU-stack, "", @progbits
