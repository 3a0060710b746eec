/* Functions with instructions that raise SIGILL, at the label <name>_at; a critical section of a restartable sequence. */
        .arch   armv8.5-a
        .text
        .macro  UNDEFINED name, word
        .globl  \name, \name\()_at
        .type   \name, %function
        .p2align 4
\name:  .cfi_startproc
        add     x0, x0, #1
\name\()_at:
        .inst   \word
        add     x0, x0, #10
        ret
        .cfi_endproc
        .size   \name, . - \name
        .endm

        UNDEFINED undefined_udf, 0x00001234
        UNDEFINED undefined_unallocated, 0xFFFFFFFF
        UNDEFINED undefined_hlt, 0xD4400000             /* hlt #0 */
        UNDEFINED undefined_smc, 0xD4000003             /* smc #0 */
        UNDEFINED undefined_eret, 0xD69F03E0
        UNDEFINED undefined_system, 0xD5381000          /* mrs x0, sctlr_el1 */

        .globl  add_one, add_one_end                    /* to be copied */
add_one:
        bti     c
        add     x0, x0, #1
        ret
add_one_end:

/* x0: the thread's struct rseq, x1: a counter. Adds 1 to it; answers 0, or 1 where the kernel restarted it. */
        .globl  sequence, sequence_start, sequence_end, sequence_abort
        .type   sequence, %function
        .p2align 4
sequence:
        .cfi_startproc
        adrp    x2, descriptor
        add     x2, x2, :lo12:descriptor
        str     x2, [x0, #8]                            /* rseq_cs */
sequence_start:
        ldr     x3, [x1]
        add     x3, x3, #1
        str     x3, [x1]
sequence_end:
        mov     x0, #0
        ret
        .inst   0xD428BC00                              /* the signature that the kernel looks for */
sequence_abort:
        mov     x0, #1
        ret
        .cfi_endproc
        .size   sequence, . - sequence

        .section __rseq_cs, "aw", %progbits
        .p2align 5
descriptor:
        .word   0, 0
        .quad   sequence_start, sequence_end - sequence_start, sequence_abort

        .section .note.GNU-stack, "", %progbits
