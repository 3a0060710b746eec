/* The capture routines, one a save class and CPU. A stub makes room for the frame, saves x16, x17 and x30 in it, puts the site
 * into x16, and calls one; the routine captures the registers, runs the site's action, and returns into the stub, which
 * reloads x30 and gives the frame back; or, where the action changed pc or sp, it goes to the new pc.
 *
 * Between capture and restore: x19 = frame, x20 = thread record or 0, x21 = the site's address, x22 = where the stub goes on,
 * x23 = the offset of errno from the thread pointer, w24 = errno, x25 = where the entry stands: behind the landing pad that may be
 * at x21. The unwinder finds the program's registers in the frame; its pc is x25, for which column 32, the program counter, is made
 * the return column (AADWARF64, 4.1). */
#include "layout.h"

#define STATE_VECTOR 1
#define STATE_MASK 2
#define PC_COLUMN 32

        .text

#include "vectors.h"

/* Everything from the frame but x16 to x19 and x30. x19 = sp = frame. */
.macro LOAD_GENERAL
        ldr     w1, [x19, #CONTEXT_CPSR]
        msr     nzcv, x1
        EACH_PAIR LOAD_X, sp
        LOAD_X  20, 21, sp
        LOAD_X  22, 23, sp
        LOAD_X  24, 25, sp
        LOAD_X  26, 27, sp
        LOAD_X  28, 29, sp
.endm

/* The registers as a stub left them for a routine, x16 the site and x30 where the stub goes on; only x17 is free. */
.macro RESTART kind
        LOAD_CLASS \kind
        mov     x30, x22
        LOAD_GENERAL
        ldr     x16, [sp, #FRAME_SITE]
        .cfi_def_cfa_register sp
        .cfi_undefined PC_COLUMN
        ldp     x18, x19, [sp, #CONTEXT_X(18)]
.endm

/* ---- the routine ------------------------------------------------------------------------------------------------- */

.macro ROUTINE name, save_class, kind
        .globl  \name
        .hidden \name
        .type   \name, %function
        .p2align 6
\name:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_return_column PC_COLUMN
        .cfi_personality 0x9b, .Lpersonality
        .cfi_def_cfa sp, FRAME_SIZE
        .cfi_undefined PC_COLUMN
        .cfi_rel_offset x16, CONTEXT_X(16)
        .cfi_rel_offset x17, CONTEXT_X(17)
        .cfi_rel_offset x30, CONTEXT_X(30)
        hint    #34                             /* bti c: stubs come by BL or BLR */
        EACH_PAIR SAVE_X, sp
        SAVE_X  18, 19, sp
        mov     x19, sp
        .cfi_def_cfa_register x19
        SAVE_X  20, 21, x19
        SAVE_X  22, 23, x19
        SAVE_X  24, 25, x19
        SAVE_X  26, 27, x19
        SAVE_X  28, 29, x19
        ldr     x21, [x16, #SITE_ADDRESS]
        ldrb    w25, [x16, #SITE_SHIFT]
        add     x25, x25, x21
        /* DW_CFA_val_expression, PC_COLUMN, 2 bytes: breg25 0. By value, since libgcc knows no size for that column. */
        .cfi_escape 0x16, PC_COLUMN, 2, 0x89, 0
        .cfi_escape 0x14, 0x1f, 0x00            /* DW_CFA_val_offset: sp is the cfa itself; clang 14 does not know .cfi_val_offset */
        mov     x22, x30
        add     x1, x19, #FRAME_SIZE
        stp     x1, x21, [x19, #CONTEXT_SP]
        mrs     x2, nzcv
        str     x2, [x19, #CONTEXT_CPSR]        /* and zero to the state behind it */
        stp     x16, x22, [x19, #FRAME_SITE]
        stp     x19, xzr, [x19, #FRAME_MARK]
        mrs     x3, tpidr_el0
        adrp    x4, :gottprel:thread_self
        ldr     x4, [x4, :gottprel_lo12:thread_self]
        ldr     x20, [x3, x4]
        adrp    x5, thread_errno_offset
        ldr     x23, [x5, :lo12:thread_errno_offset]
        ldr     w24, [x3, x23]
.ifc \kind,none
        str     xzr, [x19, #CONTEXT_FPSR]
.endif
        SAVE_CLASS \kind
        cbz     x20, .L\name\()_no_thread
.L\name\()_thread:
        ldp     x1, x2, [x20, #THREAD_LEVEL]
        orr     x1, x1, x2
        cbnz    x1, .L\name\()_nested
        adrp    x1, lifetime_level
        add     x1, x1, :lo12:lifetime_level
        ldar    x1, [x1]                        /* before the action is read, or an old action would pass for a new one */
        add     x1, x1, x19
        str     x1, [x20, #THREAD_LEVEL]        /* pairs with lifetime_wait: stored before the action is read */
        ldr     x0, [x16, #SITE_ACTION]
.if \save_class == SAVE_INTEGER
        tst     x0, #ACTION_TAG
        b.ne    .L\name\()_other_action
.else
        and     x1, x0, #ACTION_TAG
        cmp     x1, #\save_class
        b.hi    .L\name\()_other_action
        and     x0, x0, #~ACTION_TAG
.endif
        ldp     x2, x1, [x0, #ACTION_HANDLER]
        mov     x0, x19
        blr     x2
.L\name\()_leave_level:
        stlr    xzr, [x20]                      /* THREAD_LEVEL; after all that the action did */
.L\name\()_restore:
        mrs     x3, tpidr_el0
        ldr     w1, [x3, x23]
        cmp     w1, w24
        b.ne    .L\name\()_errno
.L\name\()_errno_done:
        LOAD_CLASS \kind
        ldp     x1, x2, [x19, #CONTEXT_SP]
        add     x3, x19, #FRAME_SIZE
        cmp     x1, x3
        ccmp    x2, x21, #0, eq
        b.ne    leave
        mov     x30, x22
        LOAD_GENERAL
        ldp     x16, x17, [sp, #CONTEXT_X(16)]
        .cfi_remember_state
        .cfi_def_cfa_register sp
        .cfi_undefined PC_COLUMN
        ldp     x18, x19, [sp, #CONTEXT_X(18)]
        ret
        .cfi_restore_state

.L\name\()_errno:
        adrp    x4, :gottprel:thread_self
        ldr     x4, [x4, :gottprel_lo12:thread_self]
        ldr     x1, [x3, x4]
        cmp     x1, x20                         /* a coroutine may have moved to another thread, whose errno is not ours */
        b.ne    .L\name\()_errno_done
        str     w24, [x3, x23]
        b       .L\name\()_errno_done
.ifc \kind,none
        /* A system call leaves nothing of SVE state (Linux, Documentation/arch/arm64/sve.rst), and a record may take one to make,
         * and a level to judge: that is for a routine that has saved everything. */
.L\name\()_no_thread:
.L\name\()_nested:
        .cfi_remember_state
        RESTART \kind
        adrp    x17, cpu_vector_routine
        ldr     x17, [x17, :lo12:cpu_vector_routine]
        br      x17
        .cfi_restore_state
.else
.L\name\()_no_thread:
        bl      thread_enter                    /* NULL: no record is to be had, no handler runs */
        mov     x20, x0
        ldr     x16, [x19, #FRAME_SITE]
        cbnz    x20, .L\name\()_thread
        b       .L\name\()_restore
.L\name\()_nested:
        mov     x0, x19
        mov     x1, x16
        mov     x2, x20
        mov     w3, #\save_class
        bl      dispatch_nested
        cbz     w0, .L\name\()_restore
        b       .L\name\()_again
.endif
.L\name\()_other_action:
        and     x1, x0, #ACTION_TAG
        cmp     x1, #SITE_NO_ACTION
        b.eq    .L\name\()_leave_level
        stlr    xzr, [x20]
.L\name\()_again:
        /* The action wants more saved than this routine saves; its publisher has already stored the routine that does. */
        RESTART \kind
        ldr     x17, [x16, #SITE_ROUTINE]
        br      x17
        .cfi_endproc
        .size   \name, . - \name
.endm

        ROUTINE routine_integer, SAVE_INTEGER, none
        ROUTINE routine_simd, SAVE_FULL, simd
        .arch_extension sve
        ROUTINE routine_sve, SAVE_FULL, sve
        ROUTINE routine_sme, SAVE_FULL, sme

/* The action changed pc or sp. x19 = sp = frame, x1 = the new sp, x2 = the new pc, x3 = the old sp, x22 and x25 as in a
 * routine; vector state is restored. */
        .p2align 4
        .type   leave, %function
leave:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_return_column PC_COLUMN
        .cfi_def_cfa x19, FRAME_SIZE
        .cfi_undefined PC_COLUMN
        cmp     x1, x3
        b.ne    3f
        cmp     x2, x25                         /* behind the landing pad, which has been run */
        b.eq    4f
        add     x4, x25, #4
        cmp     x2, x4
        b.eq    1f
        ldr     x4, [x19, #CONTEXT_X(30)]
        cmp     x2, x4
        b.eq    2f
        ldr     w4, [x19, #FRAME_EXIT]
        cbz     w4, 3f
        /* to a replacement, at a function's entry */
        LOAD_GENERAL
        ldr     x30, [sp, #CONTEXT_X(30)]
        ldr     x16, [sp, #CONTEXT_PC]
        ldr     x17, [sp, #CONTEXT_X(17)]
        ldp     x18, x19, [sp, #CONTEXT_X(18)]
        add     sp, sp, #FRAME_SIZE
        br      x16
1:      /* behind the instruction: by the stub's part for it, which lies before the call of the routine */
        ldr     w4, [x22, #-4]
        mov     x5, #STUB_SKIP_TO_RETURN_NEAR
        mov     x6, #STUB_SKIP_TO_RETURN_FAR
        tst     w4, #(1 << 30)                  /* BLR has this bit, BL has not */
        csel    x5, x5, x6, eq
        sub     x22, x22, x5
4:      mov     x30, x22
        LOAD_GENERAL
        ldp     x16, x17, [sp, #CONTEXT_X(16)]
        ldp     x18, x19, [sp, #CONTEXT_X(18)]
        ret
2:      /* where x30 leads */
        LOAD_GENERAL
        ldr     x30, [sp, #CONTEXT_X(30)]
        ldp     x16, x17, [sp, #CONTEXT_X(16)]
        ldp     x18, x19, [sp, #CONTEXT_X(18)]
        add     sp, sp, #FRAME_SIZE
        ret
3:      /* Anywhere else no branch goes without a scratch register: the trap handler sets everything from the frame. With the old
         * pc and another sp, that is to the displaced instruction: behind ldr x30 and add sp in the stub. */
        cmp     x2, x21
        ccmp    x2, x25, #4, ne
        b.ne    leave_trap
        add     x2, x22, #8
        str     x2, [x19, #CONTEXT_PC]
        .globl  leave_trap
        .hidden leave_trap
leave_trap:
        brk     #BREAK_LEAVE
        .cfi_endproc
        .size   leave, . - leave

/* void host_call_callback(sighook_context *, void *user): the reference's callback, user, takes (address, context). */
        .globl  host_call_callback
        .hidden host_call_callback
        .type   host_call_callback, %function
        .p2align 4
host_call_callback:
        .cfi_startproc
        hint    #34                             /* bti c */
        mov     x16, x1
        mov     x1, x0
        ldr     x0, [x0, #CONTEXT_PC]
        br      x16
        .cfi_endproc
        .size   host_call_callback, . - host_call_callback

        .section .data.rel.ro, "aw", %progbits
        .p2align 3
.Lpersonality:
        .xword  thread_personality

/* Nothing here is jumped to but at a landing pad, and no return address is stored that could be signed. */
        .section .note.gnu.property, "a", %note
        .p2align 3
        .word   4, 16, 5                        /* sizes of name and descriptor; NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .word   0xC0000000, 4, 3, 0             /* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI, PAC */
        .section .note.GNU-stack, "", %progbits
