/* Functions `long f(long)` whose first or inner instructions are hard to hook: one pattern a symbol, unwind information so that
 * instruction starts can be known, and a table of all: name, first byte, end. */
#include "../share/function.inc"
        .macro  PATTERN name
        .p2align 6
        HEAD    \name
        .endm
        .macro  END name
        FOOT    \name
.Lend_\name:
        .pushsection .rodata.names, "aS", @progbits
.Lname_\name:
        .asciz  "\name"
        .popsection
        .pushsection .data.rel.ro.patterns, "aw", @progbits
        .quad   .Lname_\name, \name, .Lend_\name
        .popsection
        .endm

        .section .data.rel.ro.patterns, "aw", @progbits
        .p2align 3
        .globl  patterns
patterns:
        .data
        .p2align 3
number: .quad   1234
helper_pointer:
        .quad   helper
        .text
        .p2align 4
helper: lea     7(%rdi), %rax
        ret

        PATTERN rip_relative_lea
        lea     number(%rip), %rax
        mov     (%rax), %rax
        add     %rdi, %rax
        ret
        END rip_relative_lea
        PATTERN rip_relative_mov
        mov     number(%rip), %rax
        add     %rdi, %rax
        ret
        END rip_relative_mov
        PATTERN rip_relative_cmp
        cmpq    $5, number(%rip)
        setb    %al
        movzbl  %al, %eax
        add     %rdi, %rax
        ret
        END rip_relative_cmp
        PATTERN rip_relative_store
        mov     %rdi, scratch(%rip)
        mov     scratch(%rip), %rax
        ret
        END rip_relative_store
        PATTERN rip_relative_vex
        vmovq   number(%rip), %xmm0
        vmovq   %xmm0, %rax
        add     %rdi, %rax
        ret
        END rip_relative_vex
        PATTERN push_memory
        push    helper_pointer(%rip)
        pop     %rax
        mov     %rdi, %rax
        ret
        END push_memory
        PATTERN call_memory
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
        call    *helper_pointer(%rip)
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        ret
        END call_memory
        PATTERN jmp_memory
        jmp     *helper_pointer(%rip)
        END jmp_memory
        PATTERN jcc_short_first
        jz      1f
        mov     $5, %eax
1:      mov     %rdi, %rax
        ret
        END jcc_short_first
        PATTERN jcc_near_first
        .byte   0x0f, 0x84
        .long   1f - . - 4
        mov     $5, %eax
1:      mov     %rdi, %rax
        ret
        END jcc_near_first
        PATTERN test_then_je
        test    %rdi, %rdi
        je      1f
        lea     1(%rdi), %rax
        ret
1:      mov     $77, %eax
        ret
        END test_then_je
        PATTERN call_relative_first
        call    helper
        add     $1, %rax
        ret
        END call_relative_first
        PATTERN call_then_pop
        call    1f
1:      pop     %rax
        lea     1b(%rip), %rcx
        sub     %rcx, %rax
        add     %rdi, %rax
        ret
        END call_then_pop
        PATTERN jmp_short_first
        jmp     1f
        nop
1:      mov     %rdi, %rax
        ret
        END jmp_short_first
        PATTERN jmp_near_first
        .byte   0xe9
        .long   1f - . - 4
        nop
1:      mov     %rdi, %rax
        ret
        END jmp_near_first
        PATTERN jrcxz_forward
        mov     %rdi, %rcx
        jrcxz   1f
        mov     $3, %eax
        ret
1:      mov     $4, %eax
        ret
        END jrcxz_forward
        PATTERN loop_forward
        mov     $2, %ecx
        loop    1f
        nop
1:      lea     (%rdi,%rcx), %rax
        ret
        END loop_forward
        PATTERN loop_back_into_prologue
        xor     %eax, %eax
1:      inc     %eax
        cmp     $10, %eax
        jl      1b
        add     %rdi, %rax
        ret
        END loop_back_into_prologue
        PATTERN loop_instruction
        mov     $5, %ecx
        xor     %eax, %eax
1:      add     %rdi, %rax
        loop    1b
        ret
        END loop_instruction
        PATTERN ret_alone
        ret
        END ret_alone
        PATTERN three_bytes
        xor     %eax, %eax
        ret
        END three_bytes
        PATTERN four_bytes
        mov     %rdi, %rax
        ret
        END four_bytes
        /* the next function stands right behind */
        .globl  packed
        .type   packed, @function
packed: .cfi_startproc
        ret
        END packed
        .globl  behind_packed
        .type   behind_packed, @function
behind_packed:
        .cfi_startproc
        mov     %rdi, %rax
        ret
        END behind_packed
        PATTERN landing_pad
        endbr64
        mov     %rdi, %rax
        ret
        END landing_pad
        PATTERN load_through_fs
        mov     %fs:0, %rax
        sub     %fs:0, %rax
        add     %rdi, %rax
        ret
        END load_through_fs
        PATTERN live_red_zone
        mov     %rdi, -8(%rsp)
        mov     %rdi, -128(%rsp)
        mov     $1, %eax
        nop
        mov     -8(%rsp), %rax
        add     -128(%rsp), %rax
        ret
        END live_red_zone
        PATTERN call_through_stack
        push    %rdi
        .cfi_adjust_cfa_offset 8
        lea     helper(%rip), %rax
        push    %rax
        .cfi_adjust_cfa_offset 8
        call    *(%rsp)
        pop     %rcx
        .cfi_adjust_cfa_offset -8
        pop     %rcx
        .cfi_adjust_cfa_offset -8
        ret
        END call_through_stack
        PATTERN call_through_red_zone
        lea     helper(%rip), %rax
        mov     %rax, -8(%rsp)
        call    *-8(%rsp)
        ret
        END call_through_red_zone
        PATTERN direction_flag
        std
        nop
        pushfq
        pop     %rax
        and     $0x400, %eax
        cld
        add     %rdi, %rax
        ret
        END direction_flag
        PATTERN alignment_check_flag
        pushfq
        orl     $0x40000, (%rsp)
        popfq
        nop
        lea     (%rdi,%rdi), %rax
        pushfq
        pop     %rcx
        mov     %rcx, %rax
        and     $~0x40000, %rcx
        push    %rcx
        popfq
        and     $0x40000, %eax
        shr     $18, %eax
        add     %rdi, %rax
        ret
        END alignment_check_flag
        PATTERN carry_and_overflow
        stc
        nop
        nop
        setc    %al
        movzbl  %al, %eax
        mov     $0x7f, %cl
        add     $1, %cl
        nop
        seto    %cl
        movzbl  %cl, %ecx
        add     %rcx, %rax
        add     %rdi, %rax
        ret
        END carry_and_overflow
        PATTERN system_call
        mov     $39, %eax
        syscall
        lea     1f(%rip), %rdx
1:      sub     %rcx, %rdx
        lea     (%rdi,%rdx), %rax
        ret
        END system_call
        PATTERN repeated_string
        mov     %rdi, %rax
        lea     source(%rip), %rsi
        lea     scratch(%rip), %rdi
        mov     $8, %ecx
        rep movsb
        add     scratch(%rip), %rax
        ret
        END repeated_string
        PATTERN live_vectors
        vpxor   %xmm1, %xmm1, %xmm1
        vmovq   %rdi, %xmm1
        nop
        nop
        vmovq   %xmm1, %rax
        ret
        END live_vectors
        PATTERN over_a_lock_prefix
        test    %rdi, %rdi
        je      1f
        lock
1:      incq    scratch_2(%rip)
        mov     %rdi, %rax
        ret
        END over_a_lock_prefix
        PATTERN indirect_jump
        lea     1f(%rip), %rax
        jmp     *%rax
        nop
1:      mov     %rdi, %rax
        ret
        END indirect_jump

        .data
source: .quad   99
scratch:
        .quad   0
scratch_2:
        .quad   0
        .section .data.rel.ro.patterns, "aw", @progbits
        .quad   0, 0, 0
        .section .note.GNU-stack, "", @progbits
