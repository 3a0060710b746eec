/* The hand-written minimum of a hit on AArch64, and what is hooked. Integer-only: x0 to x30, sp, pc and nzcv saved, a callback
 * through a pointer, pc and sp checked, everything restored, the displaced instruction. Full: the same, and v0 to v31, fpsr and
 * fpcr. Counter: one load, add and store to a cell of the thread's. */
        .text
        .macro  EACH operation
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
        \operation \n
        .endr
        .endm
        .altmacro
        .macro  SAVE n
        SAVE_PAIR \n, %(\n + 1)
        .endm
        .macro  LOAD n
        LOAD_PAIR \n, %(\n + 1)
        .endm
        .macro  SAVE_PAIR a, b
        stp     x\a, x\b, [sp, #(8 * \a)]
        .endm
        .macro  LOAD_PAIR a, b
        ldp     x\a, x\b, [sp, #(8 * \a)]
        .endm
        .macro  SAVE_VECTOR n
        SAVE_VECTORS \n, %(\n + 1)
        .endm
        .macro  LOAD_VECTOR n
        LOAD_VECTORS \n, %(\n + 1)
        .endm
        .macro  SAVE_VECTORS a, b
        stp     q\a, q\b, [x20, #(16 * \a)]
        .endm
        .macro  LOAD_VECTORS a, b
        ldp     q\a, q\b, [x20, #(16 * \a)]
        .endm

        .macro  FUNCTION name
        .globl  \name
        .type   \name, %function
        .p2align 4
\name:
        .endm

        .macro  LIMIT name, full
        FUNCTION \name
        b       1f
2:      ret
1:      sub     sp, sp, #288
        EACH    SAVE
        str     x30, [sp, #240]
        mrs     x0, nzcv
        add     x1, sp, #288
        adr     x2, \name
        stp     x1, x2, [sp, #248]
        str     x0, [sp, #264]
        mov     x19, sp
        mov     x0, sp
        .if     \full
        sub     sp, sp, #512
        mov     x20, sp
        EACH    SAVE_VECTOR
        stp     q30, q31, [x20, #480]
        mrs     x1, fpsr
        mrs     x2, fpcr
        bfi     x1, x2, #32, #32
        str     x1, [x19, #272]
        .endif
        adrp    x3, limit_callback
        ldr     x3, [x3, :lo12:limit_callback]
        blr     x3
        .if     \full
        ldr     w1, [x19, #272]
        ldr     w2, [x19, #276]
        msr     fpsr, x1
        msr     fpcr, x2
        EACH    LOAD_VECTOR
        ldp     q30, q31, [x20, #480]
        mov     sp, x19
        .endif
        ldp     x1, x2, [sp, #248]
        add     x3, sp, #288
        adr     x4, \name
        cmp     x1, x3
        ccmp    x2, x4, #0, eq
        b.ne    changed
        ldr     w0, [sp, #264]
        msr     nzcv, x0
        EACH    LOAD
        ldr     x30, [sp, #240]
        add     sp, sp, #288
        add     x0, x0, #1
        b       2b
        .endm
        LIMIT   limit_integer, 0
        LIMIT   limit_full, 1
changed:
        udf     #0

        FUNCTION limit_counter
        b       1f
2:      ret
1:      stp     x16, x17, [sp, #-16]!
        mrs     x16, tpidr_el0
        ldr     x17, [x16, :tprel_lo12_nc:limit_cell]
        add     x17, x17, #1
        str     x17, [x16, :tprel_lo12_nc:limit_cell]
        ldp     x16, x17, [sp], #16
        add     x0, x0, #1
        b       2b

        .irp    name, plain_target, integer_target, full_target, counted_target
        FUNCTION \name
        add     x0, x0, #1
        ret
        .endr

/* void call_in_a_loop(target_function *function, long calls) */
        FUNCTION call_in_a_loop
        stp     x29, x30, [sp, #-32]!
        stp     x19, x20, [sp, #16]
        mov     x19, x0
        mov     x20, x1
1:      blr     x19
        subs    x20, x20, #1
        b.ne    1b
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #32
        ret

        .data
        .globl  limit_callback
        .p2align 3
limit_callback:
        .xword  0
        .section .tbss, "awT", %nobits
        .p2align 3
limit_cell:
        .zero   8
        .section .note.GNU-stack, "", %progbits
