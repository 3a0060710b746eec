/* Functions `long f(long)`, each with the instruction that is hooked at its start or at <name>_site. */
#include "../../share/function.inc"
        .text
        .macro  LINE name, offset
        .p2align 6
        .skip   \offset, 0x90
        HEAD    \name
        .endm
        .macro  THREE_BYTES name
        LINE    \name, 0
        mov     %rdi, %rax
        add     $1000, %rax
        ret
        FOOT    \name
        .endm
        .macro  SEVEN_BYTES name, offset
        LINE    \name, \offset
        lea     1000(%rdi), %rax
        ret
        FOOT    \name
        .endm

        SEVEN_BYTES early_branch, 0
        THREE_BYTES early_punned
        THREE_BYTES early_trap
        SEVEN_BYTES branch, 0
        SEVEN_BYTES late_across, 61
        THREE_BYTES punned
        THREE_BYTES trap
        LINE    punned_across, 62
        mov     %rdi, %rax
        add     $1000, %rax
        ret
        FOOT    punned_across
        SEVEN_BYTES replaced, 0
        SEVEN_BYTES spare, 0
        SEVEN_BYTES patched_within, 0
        LINE    patched_across, 58
        mov     %rdi, %rax
        add     $1000, %rax
        ret
        FOOT    patched_across

        .section .rodata
        .globl  patch_within, patch_within_end, patch_across, patch_across_end
patch_within:
        lea     2000(%rdi), %rax
patch_within_end:
patch_across:
        mov     %rdi, %rax
        add     $2000, %rax
patch_across_end:
        .section .note.GNU-stack, "", @progbits
