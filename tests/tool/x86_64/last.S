/* A function in whose place only a trap fits. With WILD there is one more, which blocks signals and that no unwind table knows. */
        .text

        .globl  last_resort
        .type   last_resort, @function
last_resort:
        .cfi_startproc
        ret
        .cfi_endproc
        .size   last_resort, . - last_resort

        .globl  behind
        .type   behind, @function
behind:
        .cfi_startproc
        ret
        .cfi_endproc
        .size   behind, . - behind

#ifdef WILD
        .globl  block_signals
        .type   block_signals, @function
block_signals:
        mov     $14, %eax               /* rt_sigprocmask */
        syscall
        ret
        .size   block_signals, . - block_signals
#endif

        .section .note.GNU-stack, "", @progbits
