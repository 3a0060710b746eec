/* How the capture routines of AArch64 save and load what their class asks for beyond the general registers: macros for
 * routines.S. */
#ifndef HOST_AARCH64_VECTORS_H
#define HOST_AARCH64_VECTORS_H

/* SME, which assemblers of its age do not know: the streaming vector control register, and its SM bit off and on. Both of the
 * latter zero the vector registers and set fpsr (Arm ARM, C5.2.27 and B1.4.6). */
#define SVCR S3_3_C4_C2_2
#define SMSTOP_SM 0xD503427F
#define SMSTART_SM 0xD503437F

.macro EACH_PAIR operation, base
        \operation 0, 1, \base
        EACH_OTHER_PAIR \operation, \base
.endm
.macro EACH_OTHER_PAIR operation, base
        \operation 2, 3, \base
        \operation 4, 5, \base
        \operation 6, 7, \base
        \operation 8, 9, \base
        \operation 10, 11, \base
        \operation 12, 13, \base
        \operation 14, 15, \base
.endm
.macro SAVE_X first, second, base
        stp     x\first, x\second, [\base, #CONTEXT_X(\first)]
        .cfi_rel_offset x\first, CONTEXT_X(\first)
        .cfi_rel_offset x\second, CONTEXT_X(\second)
.endm
.macro LOAD_X first, second, base
        ldp     x\first, x\second, [\base, #CONTEXT_X(\first)]
.endm

/* ---- vector state ------------------------------------------------------------------------------------------------- */

.macro SAVE_Q first, second, base
        stp     q\first, q\second, [\base, #(16 * \first)]
.endm
.macro LOAD_Q first, second, base
        ldp     q\first, q\second, [\base, #(16 * \first)]
.endm
.macro EACH_HIGH_PAIR operation, base
        \operation 16, 17, \base
        \operation 18, 19, \base
        \operation 20, 21, \base
        \operation 22, 23, \base
        \operation 24, 25, \base
        \operation 26, 27, \base
        \operation 28, 29, \base
        \operation 30, 31, \base
.endm
.altmacro
.macro SAVE_Z n
        str     z\n, [x1, #\n, mul vl]
.endm
.macro LOAD_Z n
        ldr     z\n, [x1, #\n, mul vl]
.endm
.macro SAVE_P n
        str     p\n, [x2, #\n, mul vl]
.endm
.macro LOAD_P n
        ldr     p\n, [x2, #\n, mul vl]
.endm
.macro EACH operation, count
        .set    .Lindex, 0
        .rept   \count
        \operation %.Lindex
        .set    .Lindex, .Lindex + 1
        .endr
.endm

/* Makes room below the frame and saves what the class asks for. Clobbers x1 to x4. */
.macro SAVE_CLASS kind
.ifnc \kind,none
        mrs     x3, fpsr
        mrs     x4, fpcr
        bfi     x3, x4, #32, #32                /* fpcr lies behind fpsr */
        str     x3, [x19, #CONTEXT_FPSR]
.endif
.ifc \kind,simd
        sub     sp, sp, #AREA_SIMD
        mov     x1, sp
        EACH_PAIR SAVE_Q, sp
        EACH_HIGH_PAIR SAVE_Q, sp
        mov     w2, #STATE_VECTOR
        mov     x3, #16
        str     w2, [x19, #CONTEXT_STATE]
        str     x1, [x19, #FRAME_VECTOR]
        str     x3, [x19, #FRAME_WIDTH]
.endif
.ifc \kind,sme
        mrs     x4, SVCR
        and     w4, w4, #1
        str     x4, [x19, #FRAME_STREAMING]
.endif
.ifc \kind,sme
        SAVE_SCALABLE
        ldr     w4, [x19, #FRAME_STREAMING]
        cbnz    w4, 1f
        rdffr   p0.b
        str     p0, [x2, #16, mul vl]
        b       2f
1:      pfalse  p0.b                            /* there is no first-fault register in streaming mode */
        str     p0, [x2, #16, mul vl]
        .inst   SMSTOP_SM                       /* as the procedure call standard has it for what is called */
2:
.endif
.ifc \kind,sve
        SAVE_SCALABLE
        rdffr   p0.b
        str     p0, [x2, #16, mul vl]
.endif
.endm

.macro SAVE_SCALABLE
        rdvl    x3, #1
        mov     x4, #35                         /* 32 vectors, 17 predicates of an eighth each */
        msub    x1, x3, x4, x19
        and     sp, x1, #~63
        mov     x1, sp
        addvl   x2, x1, #31
        addvl   x2, x2, #1
        EACH    SAVE_Z, 32
        EACH    SAVE_P, 16
        mov     w4, #(STATE_VECTOR | STATE_MASK)
        str     w4, [x19, #CONTEXT_STATE]
        stp     x1, x2, [x19, #FRAME_VECTOR]
        str     x3, [x19, #FRAME_WIDTH]
.endm

.macro LOAD_CLASS kind
.ifc \kind,sme
        ldr     w5, [x19, #FRAME_STREAMING]
        cbz     w5, 1f
        .inst   SMSTART_SM
1:
.endif
.ifnc \kind,none
        ldr     w3, [x19, #CONTEXT_FPSR]
        ldr     w4, [x19, #CONTEXT_FPCR]
        msr     fpsr, x3
        msr     fpcr, x4
.endif
.ifc \kind,simd
        ldr     x1, [x19, #FRAME_VECTOR]
        EACH_PAIR LOAD_Q, x1
        EACH_HIGH_PAIR LOAD_Q, x1
.endif
.ifc \kind,sme
        ldp     x1, x2, [x19, #FRAME_VECTOR]
        cbnz    w5, 1f
        ldr     p0, [x2, #16, mul vl]
        wrffr   p0.b
1:      EACH    LOAD_P, 16
        EACH    LOAD_Z, 32
.endif
.ifc \kind,sve
        ldp     x1, x2, [x19, #FRAME_VECTOR]
        ldr     p0, [x2, #16, mul vl]
        wrffr   p0.b
        EACH    LOAD_P, 16
        EACH    LOAD_Z, 32
.endif
.ifnc \kind,none
        mov     sp, x19
.endif
.endm

#endif
