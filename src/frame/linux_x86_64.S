/* Where the kernel begins our handlers, and how one goes on elsewhere. See frame.h. */
        .text

        .globl  frame_entry
        .hidden frame_entry
        .type   frame_entry, @function
        .p2align 4
frame_entry:
        .cfi_startproc
        mov     %rsp, %rcx
        jmp     trap_on_signal          /* its other arguments are for AArch64 */
        .cfi_endproc
        .size   frame_entry, . - frame_entry

/* void frame_go_on(int number, siginfo_t *info, void *ucontext, frame_function *function, uintptr_t sp): what `function`
 * returns to lies there. */
        .globl  frame_go_on
        .hidden frame_go_on
        .type   frame_go_on, @function
        .p2align 4
frame_go_on:
        .cfi_startproc
        mov     %r8, %rsp
        jmp     *%rcx
        .cfi_endproc
        .size   frame_go_on, . - frame_go_on

        .section .note.GNU-stack, "", @progbits
