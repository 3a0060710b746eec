/* For reach_bounds_test.c: short instructions behind each of which there is something that must not become a boundary, at
 * name_next, and a row of functions whose first instructions reach over three each. */
#include "../share/function.inc"
        .text
        .macro  BEGIN name
        .p2align 6
        .globl  \name\()_site, \name\()_next
        HEAD    \name
        .endm
        .macro  REST name
        lea     7(%rdi, %rdi), %rax
        ret
        FOOT    \name
        .endm

        /* a branch leads there */
        BEGIN   before_target
        test    %rdi, %rdi
        js      before_target_next
before_target_site:
        cld
before_target_next:
        mov     %rdi, %rcx
        REST    before_target

        /* a loop begins there */
        BEGIN   before_loop
        mov     $3, %ecx
before_loop_site:
        cld
before_loop_next:
        dec     %ecx
        jnz     before_loop_next
        REST    before_loop

        /* a call comes back there */
        BEGIN   before_return
        lea     1f(%rip), %rcx
before_return_site:
        call    *%rcx
before_return_next:
        cld
        mov     %rdi, %rcx
        REST    before_return
1:      ret

        /* the next function begins there */
        BEGIN   before_entry
        lea     7(%rdi, %rdi), %rax
before_entry_site:
        ret
        FOOT    before_entry
before_entry_next:
        .globl  behind_entry
        .type   behind_entry, @function
behind_entry:
        .cfi_startproc
        REST    behind_entry

        /* ... or a little behind, so that a jump would lean on it */
        BEGIN   before_near_entry
        lea     7(%rdi, %rdi), %rax
before_near_entry_site:
        xor     %ecx, %ecx
before_near_entry_next:
        ret
        FOOT    before_near_entry
        .globl  behind_near_entry
        .type   behind_near_entry, @function
behind_near_entry:
        .cfi_startproc
        REST    behind_near_entry

        /* behind a jump, and no filler: branches that nobody sees lead there */
        BEGIN   before_unseen
before_unseen_site:
        jmp     1f
before_unseen_next:
        cld
1:      mov     %rdi, %rcx
        REST    before_unseen

        /* a breakpoint of the program's */
        BEGIN   before_breakpoint
        test    %rdi, %rdi
        jns     1f
before_breakpoint_site:
        mov     %rdi, %rcx
before_breakpoint_next:
        int3
1:      mov     %rdi, %rcx
        REST    before_breakpoint

        /* not every processor has it: in its place there may be a breakpoint, but not what is no instruction */
        BEGIN   before_popcnt
before_popcnt_site:
        mov     %rdi, %rcx
before_popcnt_next:
        popcnt  %rdi, %rcx
        REST    before_popcnt

        /* the same for what is meant to be no instruction */
        BEGIN   before_ud2
        test    %rdi, %rdi
        jns     1f
before_ud2_site:
        mov     %rdi, %rcx
before_ud2_next:
        ud2
1:      mov     %rdi, %rcx
        REST    before_ud2

        .globl  many, many_end
        .p2align 5
many:
        .rept   400
        .p2align 5, 0x90
        .cfi_startproc
        push    %rbp
        push    %rbx
        cld
        mov     %rdi, %rcx
        lea     7(%rcx, %rdi), %rax
        pop     %rbx
        pop     %rbp
        ret
        .cfi_endproc
        .endr
        .p2align 5, 0x90
many_end:
        .section .note.GNU-stack, "", @progbits
