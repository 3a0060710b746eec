/* Paths beside short instructions, the sites, which they do not come by. */
#include "../tests/share/function.inc"
        .text
        .macro  FUNCTION name
        .p2align 6
        HEAD    \name
        .endm

        /* right behind the site begins a hot loop, of rdi turns */
        FUNCTION loop_beside
        .globl  loop_beside_site
        mov     %rdi, %rax
        jmp     1f
loop_beside_site:
        cld
1:      lea     -1(%rax), %rax
        test    %rax, %rax
        jnz     1b
        ret
        FOOT    loop_beside

        /* right behind the site, a function's last instruction, a hot function begins */
        FUNCTION before_entry_beside
        .globl  entry_beside_site
        mov     %rdi, %rax
        jmp     1f
2:      ret
        .skip   10, 0x90
1:      mov     %rax, %rcx
entry_beside_site:
        jmp     2b
        FOOT    before_entry_beside
        .globl  entry_beside
        .type   entry_beside, @function
entry_beside:
        .cfi_startproc
        lea     0x11223344(%rdi), %rax
        ret
        FOOT    entry_beside

        /* a short indirect call that is passed by */
        FUNCTION call_beside
        .globl  call_beside_site
        mov     %rdi, %rax
        test    %rdi, %rdi
        jns     1f
call_beside_site:
        call    *%rdi
1:      lea     0x11223344(%rdi), %rax
        lea     1(%rax), %rcx
        ret
        FOOT    call_beside

        /* the site's jump can only reach over the next instruction, once the two places are taken where others would lead */
        FUNCTION reaches_over
        .globl  reaches_over_site, reaches_over_boundary
        push    %rbx
        lea     0x11223344(%rdi), %rax
reaches_over_site:
        pop     %rbx
reaches_over_boundary:
        ret
        .skip   8, 0x90
        FOOT    reaches_over
        .section .note.GNU-stack, "", @progbits
