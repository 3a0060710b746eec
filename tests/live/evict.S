/* For evict_test.c: functions whose first short instruction is hooked when its only pun leads to memory that is taken. Each ends with
 * rax = 2 * rdi + 7, entered at its start, or at its label <name>_next with rax = rdi. */
#include "../share/function.inc"
        .text
        .macro  FUNCTION name
        .p2align 6
        .globl  \name\()_next
        HEAD    \name
        mov     %rdi, %rax
        .endm
        .macro  END name
        lea     7(%rax, %rdi), %rax
        ret
        FOOT    \name
        .endm

        /* the next instruction is long: its displacement is free */
        FUNCTION before_long
        .globl before_long_site
before_long_site:
        cld
before_long_next:
        movabs  $0x1122334455667788, %rcx
        END     before_long

        /* ... has three bytes */
        FUNCTION before_short
        .globl before_short_site
before_short_site:
        cld
before_short_next:
        mov     %rdi, %rcx
        mov     %rcx, %rdx
        END     before_short

        /* ... is relative to the pc */
        FUNCTION before_relative
        .globl before_relative_site
before_relative_site:
        cld
before_relative_next:
        lea     before_relative(%rip), %rcx
        END     before_relative

        /* ... calls */
        FUNCTION before_call
        .globl before_call_site
before_call_site:
        cld
before_call_next:
        call    1f
        END     before_call
1:      mov     %rdi, %rcx
        ret

        /* ... branches, and the site has two bytes */
        FUNCTION before_branch
        .globl before_branch_site
before_branch_site:
        mov     %edi, %ecx
before_branch_next:
        js      1f
        mov     %rdi, %rcx
1:      mov     %rcx, %rdx
        END     before_branch

        /* ... is the head of a loop */
        FUNCTION before_head
        .globl before_head_site
before_head_site:
        cld
before_head_next:
        lea     0x11223344(%rdi), %rcx
        sub     $0x11223345, %rcx
        js      2f
        cmp     $-1, %rcx
        je      before_head_next
2:      END     before_head

        /* ... has three bytes, and memory is free */
        FUNCTION roomy
        .globl roomy_site
roomy_site:
        cld
roomy_next:
        mov     %rdi, %rcx
        mov     %rcx, %rdx
        END     roomy

        /* the last of a function, before padding */
        .macro  PADDED name, padding:vararg
        .p2align 6
        .globl  \name, \name\()_site, \name\()_next
        .type   \name, @function
\name:
        .cfi_startproc
        lea     7(%rdi, %rdi), %rax
\name\()_site:
        ret
        .cfi_endproc
        .size   \name, . - \name
\name\()_next:
        .byte   \padding
        .globl  behind_\name
        .type   behind_\name, @function
behind_\name:
        .cfi_startproc
        lea     7(%rdi, %rdi), %rax
        ret
        .cfi_endproc
        .size   behind_\name, . - behind_\name
        .endm
        PADDED  before_padding, 0x66, 0x66, 0x2E, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0, 0x0F, 0x1F, 0x40, 0
        PADDED  before_little, 0x0F, 0x1F, 0x40, 0   /* no jump fits into it that would not lean on the next entry */

/* long enter_at(uintptr_t address, long n): as if a branch that nobody sees led there, with rax = n. */
        .globl  enter_at
        .type   enter_at, @function
enter_at:
        .cfi_startproc
        mov     %rdi, %rdx
        mov     %rsi, %rdi
        mov     %rsi, %rax
        jmp     *%rdx
        .cfi_endproc
        .size   enter_at, . - enter_at
        .section .note.GNU-stack, "", @progbits
