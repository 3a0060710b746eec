/* More functions `long f(long)`: those whose registers, flags, memory or reservation a hook could disturb. */
#include "aarch64/table.inc"

        .bss
        .p2align 6
scratch:
        .skip   64
        .text
        .p2align 4
number: .xword  1234
        .type   helper, %function
helper: .cfi_startproc
        add     x0, x0, #7
        ret
        .cfi_endproc
        .size   helper, . - helper

        /* The four that the tests of the calls use; see aarch64/patterns.h. */
        PATTERN reads_number
        ldr     x9, number
        add     x0, x0, x9
        add     x0, x0, #0
        ret
        END reads_number
        PATTERN compares_and_branches
        cmp     x0, #0
        b.eq    1f
        add     x0, x0, #1
        ret
1:      mov     x0, #77
        ret
        END compares_and_branches
        PATTERN flips_a_bit
        eor     x0, x0, #8
        ret
        END flips_a_bit
        PATTERN live_vectors
        movi    v1.2d, #0
        fmov    d1, x0
        nop
        nop
        fmov    x0, d1
        ret
        END live_vectors

        PATTERN signed_prologue
        hint    #25                             /* paciasp */
        PUSH_LINK
        mov     x29, sp
        bl      helper
        POP_LINK
        hint    #29                             /* autiasp */
        ret
        END signed_prologue
        PATTERN landing_pad
        hint    #34                             /* bti c */
        add     x0, x0, #1
        ret
        END landing_pad
        PATTERN plain_prologue
        sub     sp, sp, #48
        .cfi_adjust_cfa_offset 48
        stp     x29, x30, [sp, #16]
        .cfi_rel_offset x29, 16
        .cfi_rel_offset x30, 24
        add     x29, sp, #16
        str     x0, [sp, #8]
        bl      helper
        ldr     x1, [x29, #-8]
        ldp     x29, x30, [sp, #16]
        add     sp, sp, #48
        .cfi_adjust_cfa_offset -48
        add     x0, x0, x1
        ret
        END plain_prologue
        PATTERN pre_index_push
        str     x0, [sp, #-16]!
        mov     x0, #0
        stp     x16, x17, [sp, #-32]!
        ldp     x16, x17, [sp], #32
        ldr     x0, [sp], #16
        ret
        END pre_index_push
        PATTERN live_scratch_registers
        mov     x16, #0x1234
        mov     x17, #0x5678
        movk    x16, #0xabcd, lsl #48
        movk    x17, #0xef01, lsl #32
        nop
        nop
        eor     x16, x16, x17
        eor     x0, x0, x16
        ret
        END live_scratch_registers
        PATTERN live_link_register
        mov     x9, x30
        mov     x30, #0x4321
        nop
        add     x0, x0, x30
        mov     x30, x9
        ret
        END live_link_register
        PATTERN live_flags
        lsl     x1, x0, #28
        and     x1, x1, #0xf0000000
        msr     nzcv, x1
        nop
        adr     x9, number
        ldr     x9, number
        ldr     d1, number
        b       1f
1:      csinc   x3, xzr, xzr, eq
        csinc   x4, xzr, xzr, cs
        csinc   x5, xzr, xzr, mi
        csinc   x6, xzr, xzr, vs
        mrs     x2, nzcv
        add     x0, x2, x3
        add     x0, x0, x4, lsl #1
        add     x0, x0, x5, lsl #2
        add     x0, x0, x6, lsl #3
        ret
        END live_flags
        PATTERN floating_point_control
        mrs     x9, fpcr
        mrs     x10, fpsr
        mov     x1, #0xc00000                   /* towards zero */
        mov     x2, #0x10                       /* inexact */
        msr     fpcr, x1
        msr     fpsr, x2
        nop
        scvtf   d0, x0
        fmov    d1, #3.0
        fdiv    d0, d0, d1
        mrs     x3, fpcr
        mrs     x4, fpsr
        msr     fpcr, x9
        msr     fpsr, x10
        fmov    x0, d0
        add     x0, x0, x3
        add     x0, x0, x4
        ret
        END floating_point_control
        PATTERN system_call
        mov     x9, x0
        mov     x8, #172                        /* getpid */
        svc     #0
        add     x0, x0, x9
        ret
        END system_call
        PATTERN thread_pointer
        mrs     x1, tpidr_el0
        mrs     x2, tpidr_el0
        sub     x1, x1, x2
        add     x0, x0, x1
        ret
        END thread_pointer

        /* From the load to the store nothing can be hooked, or the store would fail each time. */
        PATTERN exclusive_add
        adrp    x1, scratch
        add     x1, x1, :lo12:scratch
        str     xzr, [x1]
1:      ldxr    x2, [x1]
.Ladd_from:
        add     x2, x2, x0
        stxr    w3, x2, [x1]
.Ladd_to:
        cbnz    w3, 1b
        ldr     x0, [x1]
        ret
        END exclusive_add, NEEDS_NOTHING, .Ladd_from, .Ladd_to
        PATTERN exclusive_compare_and_swap
        adrp    x1, scratch
        add     x1, x1, :lo12:scratch
        mov     x4, #5
        str     x4, [x1]
1:      ldaxr   x2, [x1]
.Lswap_from:
        cmp     x2, x0
        b.ne    2f
        stlxr   w3, xzr, [x1]
.Lswap_to:
        cbnz    w3, 1b
2:      clrex
        ldr     x0, [x1]
        ret
        END exclusive_compare_and_swap, NEEDS_NOTHING, .Lswap_from, .Lswap_to
        PATTERN exclusive_pair
        adrp    x1, scratch
        add     x1, x1, :lo12:scratch
        stp     xzr, xzr, [x1]
1:      ldxp    x2, x4, [x1]
.Lpair_from:
        add     x2, x2, x0
        sub     x4, x4, x0
        stxp    w3, x2, x4, [x1]
.Lpair_to:
        cbnz    w3, 1b
        ldp     x0, x2, [x1]
        eor     x0, x0, x2, lsl #1
        ret
        END exclusive_pair, NEEDS_NOTHING, .Lpair_from, .Lpair_to
        PATTERN exclusive_byte
        adrp    x1, scratch
        add     x1, x1, :lo12:scratch
1:      ldxrb   w2, [x1]
.Lbyte_from:
        stxrb   w3, w0, [x1]
.Lbyte_to:
        cbnz    w3, 1b
        ldrb    w0, [x1]
        ret
        END exclusive_byte, NEEDS_NOTHING, .Lbyte_from, .Lbyte_to
        .arch_extension lse
        PATTERN large_system_atomics
        adrp    x1, scratch
        add     x1, x1, :lo12:scratch
        str     xzr, [x1]
        ldaddal x0, x2, [x1]
        mov     x3, #40
        swpal   x3, x4, [x1]
        mov     x5, #40
        casal   x5, x0, [x1]
        ldseta  x3, x6, [x1]
        ldr     x0, [x1]
        add     x0, x0, x4, lsl #3
        add     x0, x0, x6
        ret
        END large_system_atomics, NEEDS_ATOMICS
        PATTERN memory_copy_instructions
        adrp    x9, scratch
        add     x9, x9, :lo12:scratch
        str     x0, [x9]
        str     xzr, [x9, #32]
        add     x10, x9, #32
        mov     x11, #8
        .inst   0x1909056a                      /* cpyfp [x10]!, [x9]!, x11! */
        .inst   0x1949056a                      /* cpyfm */
        .inst   0x1989056a                      /* cpyfe */
        ldr     x0, [x10, #-8]
        add     x0, x0, x11
        ret
        END memory_copy_instructions, NEEDS_MOPS
        PATTERN memory_set_instructions
        adrp    x9, scratch
        add     x9, x9, :lo12:scratch
        mov     x10, x9
        mov     x11, #8
        .inst   0x19c0056a                      /* setp [x10]!, x11!, x0 */
        .inst   0x19c0456a                      /* setm */
        .inst   0x19c0856a                      /* sete */
        ldr     x0, [x9]
        add     x0, x0, x11
        ret
        END memory_set_instructions, NEEDS_MOPS
        .section .note.GNU-stack, "", %progbits
