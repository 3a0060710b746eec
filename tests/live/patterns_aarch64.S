/* Functions `long f(long)` whose first or inner instructions are hard to hook: addresses, literals, branches and calls. One
 * pattern a symbol, with unwind information. The rest are in patterns_aarch64_state.S. */
#include "aarch64/table.inc"

        .data
        .p2align 4
number_in_data:
        .xword  1234
        .text
        .p2align 4
number: .xword  1234, 0x123456789abcdef0
negative:
        .word   -5
        .p2align 4
        .type   helper, %function
helper: .cfi_startproc
        add     x0, x0, #7
        ret
        .cfi_endproc
        .size   helper, . - helper

        PATTERN adr_first
        adr     x9, number
        ldr     x9, [x9]
        add     x0, x0, x9
        ret
        END adr_first
        PATTERN adrp_first
        adrp    x9, number_in_data
        add     x9, x9, :lo12:number_in_data
        ldr     x9, [x9]
        add     x0, x0, x9
        ret
        END adrp_first
        PATTERN adr_into_nothing
        adr     xzr, number
        adrp    xzr, number_in_data
        ret
        END adr_into_nothing
        PATTERN adr_into_the_link_register
        mov     x9, x30
        adr     x30, number
        ldr     x10, [x30]
        adrp    x30, number_in_data
        add     x30, x30, :lo12:number_in_data
        ldr     x11, [x30]
        mov     x30, x9
        add     x0, x0, x10
        add     x0, x0, x11
        ret
        END adr_into_the_link_register
        PATTERN literal_x
        ldr     x9, number
        add     x0, x0, x9
        ret
        END literal_x
        PATTERN literal_w
        ldr     w9, negative
        add     x0, x0, x9
        ret
        END literal_w
        PATTERN literal_sw
        ldrsw   x9, negative
        add     x0, x0, x9
        ret
        END literal_sw
        PATTERN literal_s
        ldr     s1, number
        fmov    w9, s1
        add     x0, x0, x9
        ret
        END literal_s
        PATTERN literal_d
        ldr     d17, number
        fmov    x9, d17
        add     x0, x0, x9
        ret
        END literal_d
        PATTERN literal_q
        ldr     q31, number
        fmov    x9, d31
        fmov    x10, v31.d[1]
        add     x0, x0, x9
        eor     x0, x0, x10
        ret
        END literal_q
        PATTERN literal_into_nothing
        mov     x16, x0
        ldr     xzr, number
        ldr     wzr, number
        mov     x0, x16
        ret
        END literal_into_nothing
        PATTERN literal_between_live_scratch_registers
        mov     x16, #16
        mov     x17, #17
        ldr     d0, number
        ldr     x9, number
        madd    x0, x16, x0, x17
        fmov    x10, d0
        add     x0, x0, x10
        add     x0, x0, x9
        ret
        END literal_between_live_scratch_registers
        PATTERN prefetch_literal
        prfm    pldl1keep, number
        prfm    pstl1strm, negative
        ret
        END prefetch_literal

        PATTERN b_first
        b       1f
        mov     x0, #5
1:      ret
        END b_first
        PATTERN b_to_another_function
        b       helper
        END b_to_another_function
        PATTERN bl_first
        mov     x11, x30
        bl      1f
1:      adr     x9, 1b
        sub     x9, x30, x9
        mov     x30, x11
        add     x0, x0, x9
        ret
        END bl_first
        PATTERN bl_to_another_function
        PUSH_LINK
        bl      helper
        POP_LINK
        add     x0, x0, #1
        ret
        END bl_to_another_function
        /* AL and NV: both are always taken. */
        PATTERN b_al
        .inst   0x5400004e                      /* b.al . + 8 */
        mov     x0, #3
        ret
        END b_al
        PATTERN b_nv
        .inst   0x5400004f                      /* b.nv . + 8 */
        mov     x0, #3
        ret
        END b_nv
        PATTERN each_condition
        mov     x1, #0
        cmp     x0, #3
        .irp    condition, eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le
        b.\condition . + 8
        add     x1, x1, #1
        lsl     x1, x1, #1
        .endr
        mov     x0, x1
        ret
        END each_condition
        PATTERN zero_or_not
        mov     x1, #0
        cbz     x0, . + 8
        add     x1, x1, #1
        cbnz    x0, . + 8
        add     x1, x1, #2
        cbz     w0, . + 8
        add     x1, x1, #4
        cbnz    w0, . + 8
        add     x1, x1, #8
        cbz     xzr, . + 8
        add     x1, x1, #16
        cbnz    xzr, . + 8
        add     x1, x1, #32
        mov     x0, x1
        ret
        END zero_or_not
        PATTERN bit_or_not
        mov     x1, #0
        tbz     x0, #0, . + 8
        add     x1, x1, #1
        tbnz    x0, #0, . + 8
        add     x1, x1, #2
        tbz     x0, #63, . + 8
        add     x1, x1, #4
        tbnz    x0, #63, . + 8
        add     x1, x1, #8
        tbz     w0, #31, . + 8
        add     x1, x1, #16
        tbnz    w0, #2, . + 8
        add     x1, x1, #32
        mov     x0, x1
        ret
        END bit_or_not
        PATTERN zero_first
        cbz     x0, 1f
        add     x0, x0, #1
        ret
1:      mov     x0, #77
        ret
        END zero_first
        PATTERN loop
        mov     x1, #5
        mov     x2, #0
1:      add     x2, x2, x0
        sub     x1, x1, #1
        cbnz    x1, 1b
        mov     x0, x2
        ret
        END loop
        PATTERN loop_to_the_entry
        add     x0, x0, #16
        tbnz    x0, #63, loop_to_the_entry
        tbz     x0, #6, loop_to_the_entry
        ret
        END loop_to_the_entry

        .macro  JUMPS_BY register
        PATTERN br_\register
        adr     \register, 1f
        br      \register
        mov     x0, #3
1:      ret
        END br_\register
        .endm
        .macro  CALLS_BY register
        PATTERN blr_\register
        PUSH_LINK
        adr     \register, helper
        blr     \register
1:      adr     x9, 1b
        sub     x9, x30, x9
        POP_LINK
        add     x0, x0, x9
        ret
        END blr_\register
        .endm
        JUMPS_BY x9
        JUMPS_BY x16
        JUMPS_BY x17
        CALLS_BY x9
        CALLS_BY x16
        CALLS_BY x17
        CALLS_BY x30
        PATTERN br_link
        mov     x9, x30
        adr     x30, 1f
        br      x30
        mov     x0, #3
1:      mov     x30, x9
        ret
        END br_link
        PATTERN ret_alone
        ret
        END ret_alone
        PATTERN ret_by_another_register
        mov     x5, x30
        mov     x30, #0
        ret     x5
        END ret_by_another_register

        PATTERN braaz_first
        adr     x9, 1f
        .inst   0xdac123e9                      /* paciza x9 */
        .inst   0xd61f093f                      /* braaz x9 */
        mov     x0, #3
1:      ret
        END braaz_first, NEEDS_PAUTH
        PATTERN braa_with_a_modifier
        adr     x16, 1f
        mov     x17, #5
        .inst   0xdac10230                      /* pacia x16, x17 */
        .inst   0xd71f0a11                      /* braa x16, x17 */
        mov     x0, #3
1:      ret
        END braa_with_a_modifier, NEEDS_PAUTH
        PATTERN blraaz_first
        PUSH_LINK
        adr     x9, helper
        .inst   0xdac123e9                      /* paciza x9 */
        .inst   0xd63f093f                      /* blraaz x9 */
        POP_LINK
        ret
        END blraaz_first, NEEDS_PAUTH
        PATTERN blraa_with_sp
        PUSH_LINK
        adr     x9, helper
        mov     x10, sp
        .inst   0xdac10149                      /* pacia x9, x10 */
        .inst   0xd73f093f                      /* blraa x9, sp */
1:      adr     x9, 1b
        sub     x9, x30, x9
        POP_LINK
        add     x0, x0, x9
        ret
        END blraa_with_sp, NEEDS_PAUTH
        PATTERN retaa_signed
        hint    #25                             /* paciasp */
        PUSH_LINK
        bl      helper
        POP_LINK
        .inst   0xd65f0bff                      /* retaa */
        END retaa_signed, NEEDS_PAUTH
        .section .note.GNU-stack, "", %progbits
