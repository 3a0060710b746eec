/* How the capture routines of x86-64 save and load what their class asks for beyond the general registers: macros for
 * routines.S, which has AT and the state's bits. */
#ifndef HOST_X86_64_VECTORS_H
#define HOST_X86_64_VECTORS_H

/* ---- vector state, by plain moves to and from the area that FRAME_VECTOR points to -------------------------------- */

.macro EACH operation, count, first=0
        .set    .Lindex, \first
        .rept   \count
        \operation %.Lindex
        .set    .Lindex, .Lindex + 1
        .endr
.endm
.altmacro
.macro SAVE_XMM n
        movups  %xmm\n, (\n * 16)(%rdx)
.endm
.macro LOAD_XMM n
        movups  (\n * 16)(%rdx), %xmm\n
.endm
.macro SAVE_YMM n
        vmovups %ymm\n, (\n * 32)(%rdx)
.endm
.macro LOAD_YMM n
        vmovups (\n * 32)(%rdx), %ymm\n
.endm
.macro SAVE_ZMM n
        vmovups %zmm\n, (\n * 64)(%rdx)
.endm
.macro LOAD_ZMM n
        vmovups (\n * 64)(%rdx), %zmm\n
.endm
.macro OR_YMM n
        vorps   %ymm\n, %ymm15, %ymm15
.endm
.macro OR_ZMM n, next
        vpternlogq $0xFE, %zmm\n, %zmm\next, %zmm31
.endm
.macro SAVE_MASK n
        kmovq   %k\n, (AREA_AVX512_MASKS + \n * 8)(%rdx)
.endm
.macro LOAD_MASK n
        kmovq   (AREA_AVX512_MASKS + \n * 8)(%rdx), %k\n
.endm

/* rdx: the area, 64-byte aligned, below the frame; mxcsr goes to the context. */
.macro VECTOR_SAVE kind
.ifc \kind,sse
        EACH    SAVE_XMM, 16
        movb    $STATE_VECTOR, AT(CONTEXT_STATE)
.endif
.ifc \kind,avx
        EACH    SAVE_YMM, 16
        movb    $STATE_VECTOR, AT(CONTEXT_STATE)
.endif
.ifc \kind,avx512
        EACH    SAVE_ZMM, 32
        EACH    SAVE_MASK, 8
        movb    $(STATE_VECTOR | STATE_MASK), AT(CONTEXT_STATE)
.endif
        stmxcsr AT(CONTEXT_MXCSR)
.endm

/* Upper halves that were loaded are taken to be in use, be they zero: SSE code behind them runs slower on many processors (Intel,
 * Optimization Reference Manual, "Mixing Intel AVX and Intel SSE"). Where all are, vzeroupper says so. Spoils ecx. */
.macro VECTOR_LOAD kind
.ifc \kind,sse
        EACH    LOAD_XMM, 16
.endif
.ifc \kind,avx
        EACH    LOAD_YMM, 16
        EACH    OR_YMM, 15
        vextractf128 $1, %ymm15, %xmm15
        vptest  %xmm15, %xmm15
        vmovups (15 * 32)(%rdx), %ymm15
        jnz     9f
        vzeroupper
9:
.endif
.ifc \kind,avx512
        EACH    LOAD_ZMM, 16
        vporq   %zmm0, %zmm1, %zmm31
        .irp    n, 2, 4, 6, 8, 10, 12, 14
        OR_ZMM  \n, %(\n + 1)
        .endr
        vptestmq %zmm31, %zmm31, %k1
        kmovw   %k1, %ecx
        test    $0xFC, %cl              /* all but the lower 128 bits */
        jnz     9f
        vzeroupper
9:      EACH    LOAD_ZMM, 16, 16
        EACH    LOAD_MASK, 8
.endif
        ldmxcsr AT(CONTEXT_MXCSR)
.endm

/* Makes room below the frame and saves what the class asks for. Leaves rsp aligned for a call. */
.macro SAVE_CLASS kind, area, x87
.ifc \kind,none
        and     $-16, %rsp
.else
.if \x87
        lea     -(\area + AREA_X87)(%rsp), %rdx
        and     $-64, %rdx
        mov     %rdx, %rsp
        mov     %rdx, AT(FRAME_VECTOR)
        fxsave64 \area(%rdx)
        VECTOR_SAVE \kind
        orb     $STATE_X87, AT(CONTEXT_STATE)
        lea     \area(%rdx), %rcx
        mov     %rcx, AT(FRAME_X87)
        fninit                          /* as the psABI promises a called function: empty stack, no MMX state */
.else
        lea     -\area(%rsp), %rdx
        and     $-64, %rdx
        mov     %rdx, %rsp
        mov     %rdx, AT(FRAME_VECTOR)
        VECTOR_SAVE \kind
.endif
.endif
.endm

.macro LOAD_CLASS kind, area, x87
.ifnc \kind,none
        mov     AT(FRAME_VECTOR), %rdx
.if \x87
        fxrstor64 \area(%rdx)
.endif
        VECTOR_LOAD \kind
.endif
.endm

#endif
