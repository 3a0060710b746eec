/* Where the kernel begins our handlers, and how one goes on elsewhere. See frame.h. */
        .text

        .globl  frame_entry
        .hidden frame_entry
        .type   frame_entry, %function
        .p2align 4
frame_entry:
        .cfi_startproc
        hint    #34                             /* bti c */
        mov     x3, sp
        mov     x4, x29
        mov     x5, x30
        b       trap_on_signal
        .cfi_endproc
        .size   frame_entry, . - frame_entry

/* void frame_go_on(int number, siginfo_t *info, void *ucontext, frame_function *function, uintptr_t sp, uintptr_t record,
 * uintptr_t back) */
        .globl  frame_go_on
        .hidden frame_go_on
        .type   frame_go_on, %function
        .p2align 4
frame_go_on:
        .cfi_startproc
        hint    #34                             /* bti c */
        mov     x16, x3
        mov     sp, x4
        mov     x29, x5
        mov     x30, x6
        br      x16
        .cfi_endproc
        .size   frame_go_on, . - frame_go_on

#include "host/aarch64/guarded.h"
        .section .note.GNU-stack, "", %progbits
