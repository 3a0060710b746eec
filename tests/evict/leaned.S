/* For foreign.c: functions with short instructions of each length, for whose jumps there is room. As those of
 * tests/live/evict.S they answer twice their argument and 7. */
#include "../share/function.inc"
        .text
        .macro  BEGIN name
        .p2align 6
        .globl  \name\()_site, \name\()_next
        HEAD    \name
        mov     %rdi, %rax
        .endm
        .macro  END name
        lea     7(%rax, %rdi), %rax
        ret
        FOOT    \name
        .endm

        /* the jump leans on four instructions */
        BEGIN   one_byte
one_byte_site:
        cld
one_byte_next:
        .rept   6
        cld
        .endr
        END     one_byte

        BEGIN   two_bytes
two_bytes_site:
        mov     %edi, %ecx
two_bytes_next:
        cld
        mov     %rdi, %rcx
        cld
        END     two_bytes

        BEGIN   three_bytes
three_bytes_site:
        mov     %rdi, %rcx
three_bytes_next:
        cld
        mov     %edi, %ecx
        cld
        cld
        END     three_bytes

        BEGIN   four_bytes
four_bytes_site:
        lea     1(%rdi), %rcx
four_bytes_next:
        cld
        cld
        mov     %rdi, %rcx
        END     four_bytes

        /* with a breakpoint over its first byte the xor reads as int3 and a shift that takes in the next two bytes */
        BEGIN   swallowed
        .globl  swallowed_before
swallowed_before:
        xor     %eax, %ecx
swallowed_site:
        cld
swallowed_next:
        cld
        mov     %rdi, %rcx
        cld
        END     swallowed
        .section .note.GNU-stack, "", @progbits
