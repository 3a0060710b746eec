/* The capture routines, one a save class and CPU. A stub makes room for the frame, saves x0, x1 and x30 in it, puts the site into
 * x0, and calls one; the routine captures the registers, runs the site's action, and returns into the stub, which reloads x30,
 * x0 and x1 and gives the frame back; or, where the action changed pc or sp, it goes to the new pc.
 *
 * Between capture and restore: x19 = frame, x20 = thread record, thread_nobody or 0, x21 = the site's address, x22 = the program's
 * sp, x23 = the offset of errno from the thread pointer, w24 = errno. The unwinder finds the program's registers in the frame;
 * its pc is where the site's entry stands, behind the landing pad that may be at its address, for which column 32, the program
 * counter, is made the return column (AADWARF64, 4.1). */
#include "layout.h"

#define STATE_VECTOR 1
#define STATE_MASK 2
#define PC_COLUMN 32
#define BREG_FRAME 0x83                         /* DW_OP_breg19 */
#define BREG_SP 0x8f
#define SIGNAL_PC_COLUMN 96                     /* machine.h: for a stub's rules, if the pc there is one's */

        .text

#include "vectors.h"

/* Everything from the frame but x0, x1 and x30, where the routine was entered; those are the stub's to load. sp = frame. */
.macro LOAD_GENERAL
        ldr     w1, [sp, #CONTEXT_CPSR]
        msr     nzcv, x1
        EACH_OTHER_PAIR LOAD_X, sp
        LOAD_X  16, 17, sp
        LOAD_X  18, 19, sp
        LOAD_X  20, 21, sp
        LOAD_X  22, 23, sp
        LOAD_X  24, 25, sp
        LOAD_X  26, 27, sp
        LOAD_X  28, 29, sp
.endm

/* The registers as a stub left them for a routine, x0 the site and x30 where the stub goes on; only x1 is free. */
.macro RESTART kind
        LOAD_CLASS \kind
        .cfi_def_cfa_register sp
        CFI_PC_OF_SITE BREG_SP
        LOAD_GENERAL
        ldp     x0, x30, [sp, #FRAME_SITE]
.endm

/* DW_CFA_val_expression, by value since libgcc knows no size for the column: site = frame->site; site->address + site->shift. */
.macro CFI_PC_OF_SITE breg
        .cfi_escape 0x16, PC_COLUMN, 14
        .cfi_escape \breg, (FRAME_SITE & 0x7F) | 0x80, FRAME_SITE >> 7, 0x06    /* FRAME_SITE; deref */
        .cfi_escape 0x12, 0x23, SITE_ADDRESS, 0x06                             /* dup; plus_uconst SITE_ADDRESS; deref */
        .cfi_escape 0x16, 0x23, SITE_SHIFT, 0x94, 0x01, 0x22                   /* swap; plus_uconst SITE_SHIFT; deref_size 1; plus */
.endm

/* The same while x0 is the site. */
.macro CFI_PC_OF_X0
        .cfi_escape 0x16, PC_COLUMN, 9
        .cfi_escape 0x70, SITE_ADDRESS, 0x06, 0x70, (SITE_SHIFT & 0x7F) | 0x80, SITE_SHIFT >> 7, 0x94, 0x01, 0x22
.endm

/* The program's pc in the frame at sp, for column c. */
.macro CFI_PC_IN_FRAME column
        .cfi_escape 0x16, \column, 4, BREG_SP, (CONTEXT_PC & 0x7F) | 0x80, CONTEXT_PC >> 7, 0x06
.endm

/* Behind the frame, every register in its place: the pc to come is in one. */
.macro LEFT_FRAME breg
        .cfi_def_cfa sp, 0
        .cfi_escape 0x14, 0x1f, 0x00
        .cfi_escape 0x16, PC_COLUMN, 2, \breg, 0
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        .cfi_same_value x\n
        .endr
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
        CFI_PC_OF_X0
        .cfi_escape 0x14, 0x1f, 0x00            /* DW_CFA_val_offset: sp is the cfa itself; clang 14 does not know .cfi_val_offset */
        .cfi_rel_offset x0, CONTEXT_X(0)
        .cfi_rel_offset x1, CONTEXT_X(1)
        .cfi_rel_offset x30, CONTEXT_X(30)
        hint    #38                             /* bti jc: stubs far away come by BLR, captures that start again by BR */
        EACH_OTHER_PAIR SAVE_X, sp              /* ROUTINE_PAD_LENGTH: those that come by BL need no pad */
        SAVE_X  16, 17, sp
        SAVE_X  18, 19, sp
        mov     x19, sp
.L\name\()_framed:
        .cfi_def_cfa_register x19
        SAVE_X  20, 21, x19
        SAVE_X  22, 23, x19
        SAVE_X  24, 25, x19
        SAVE_X  26, 27, x19
        SAVE_X  28, 29, x19
.L\name\()_kept:
        ldr     x21, [x0, #SITE_ADDRESS]
        add     x22, x19, #FRAME_SIZE
        stp     x0, x30, [x19, #FRAME_SITE]
        CFI_PC_OF_SITE BREG_FRAME
        stp     x22, x21, [x19, #CONTEXT_SP]
        mrs     x2, nzcv
        stp     x2, xzr, [x19, #CONTEXT_CPSR]   /* zero to state, fpsr and fpcr */
.L\name\()_saved:
        SAVE_CLASS \kind
        mrs     x3, tpidr_el0
        adrp    x4, capture_facts
        ldp     x5, x23, [x4, #FACTS_SELF_OFFSET]
        ldr     x20, [x3, x5]
        ldr     w24, [x3, x23]
        ldr     x1, [x20, #THREAD_LEVEL]
        cbnz    x1, .L\name\()_nested
        ldar    x1, [x4]                        /* FACTS_EPOCH: before the action is read, or an old action would pass for a new one */
        add     x1, x1, x19
        str     x1, [x20, #THREAD_LEVEL]        /* pairs with lifetime_wait: stored before the action is read */
        ldr     x0, [x0, #SITE_ACTION]
.if \save_class == SAVE_INTEGER
        tbnz    x0, #ACTION_SAVES_BIT, .L\name\()_other_action
.else
        tbnz    x0, #ACTION_NONE_BIT, .L\name\()_leave_level    /* there is no class that saves more */
        and     x0, x0, #~ACTION_TAG
.endif
        ldp     x2, x1, [x0, #ACTION_HANDLER]
        mov     x0, x19
        blr     x2
.L\name\()_leave_level:
        stlr    xzr, [x20]                      /* THREAD_LEVEL; after all that the action did */
.L\name\()_restore:
        LOAD_CLASS \kind
        mrs     x3, tpidr_el0
        ldr     w5, [x3, x23]
        ldp     x1, x2, [x19, #CONTEXT_SP]
        cmp     x1, x22
        ccmp    x2, x21, #0, eq
        ccmp    w5, w24, #0, eq
        b.ne    .L\name\()_unusual
.L\name\()_usual:
        .cfi_remember_state
        .cfi_def_cfa_register sp
        CFI_PC_OF_SITE BREG_SP
        ldr     x30, [sp, #FRAME_RETURNS]
        LOAD_GENERAL
        ret
        .cfi_restore_state

.L\name\()_unusual:
        cmp     w5, w24
        b.eq    1f
        adrp    x4, :gottprel:thread_record
        ldr     x4, [x4, :gottprel_lo12:thread_record]
        ldr     x4, [x3, x4]
        cmp     x4, x20                         /* a coroutine may have moved to another thread, whose errno is not ours */
        b.ne    1f
        str     w24, [x3, x23]
1:      cmp     x1, x22
        ccmp    x2, x21, #0, eq
        b.eq    .L\name\()_usual
        b       leave
.L\name\()_nested:
.ifc \kind,none
        /* A system call leaves nothing of SVE state (Linux, Documentation/arch/arm64/sve.rst), and a record may take one to make,
         * and a level to judge: that is for a routine that has saved everything. */
        .cfi_remember_state
        RESTART \kind
        adrp    x1, cpu_vector_routine
        ldr     x1, [x1, :lo12:cpu_vector_routine]
        br      x1
        .cfi_restore_state
.else
        adrp    x25, :gottprel:thread_capture   /* one register: linkers turn both into moves */
        ldr     x25, [x25, :gottprel_lo12:thread_capture]
        ldr     x26, [x3, x25]                  /* of a capture that a signal has interrupted there */
        str     x19, [x3, x25]
        mov     x0, x20
        bl      dispatch_thread
        mov     x20, x0
        cbz     x20, .L\name\()_captured
        mov     x0, x19
        ldr     x1, [x19, #FRAME_SITE]
        mov     x2, x20
        mov     w3, #\save_class
        bl      dispatch_nested                 /* no action wants more than this routine saves */
.L\name\()_captured:
        mrs     x3, tpidr_el0                   /* a coroutine may have moved */
        str     x26, [x3, x25]
        b       .L\name\()_restore
.endif
.ifc \kind,none
.L\name\()_other_action:
        tbnz    x0, #ACTION_NONE_BIT, .L\name\()_leave_level
        stlr    xzr, [x20]
        /* The action wants more saved than this routine saves; its publisher has already stored the routine that does. */
        RESTART \kind
        ldr     x1, [x0, #SITE_ROUTINE]
        br      x1
.endif
.L\name\()_end:
        .cfi_endproc
        .size   \name, . - \name
        .pushsection .data.rel.ro.routine_places, "aw", %progbits     /* struct routine_places */
        .xword  \name, .L\name\()_framed, .L\name\()_kept, .L\name\()_saved
.ifc \kind,none
        .xword  \name, .L\name\()_end             /* sp is the frame everywhere */
.else
        .xword  .L\name\()_usual, .L\name\()_unusual
.endif
        .xword  .L\name\()_end
        .popsection
.endm

        .pushsection .data.rel.ro.routine_places, "aw", %progbits
        .globl  routine_places, routine_places_end
        .hidden routine_places, routine_places_end
        .p2align 3
routine_places:
        .popsection
        ROUTINE routine_integer, SAVE_INTEGER, none
        ROUTINE routine_simd, SAVE_FULL, simd
        .arch_extension sve
        ROUTINE routine_sve, SAVE_FULL, sve
        ROUTINE routine_sme, SAVE_FULL, sme
        .pushsection .data.rel.ro.routine_places, "aw", %progbits
routine_places_end:
        .popsection

/* The action changed pc or sp. x19 = sp = frame, x1 = the new sp, x2 = the new pc, x21 and x22 as in a routine; vector state is
 * restored. */
        .p2align 4
        .type   leave, %function
        .globl  leave, leave_by_x16, leave_by_x30, leave_end
        .hidden leave, leave_by_x16, leave_by_x30, leave_end
leave:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_return_column PC_COLUMN
        .cfi_def_cfa sp, FRAME_SIZE
        CFI_PC_IN_FRAME PC_COLUMN
        CFI_PC_IN_FRAME SIGNAL_PC_COLUMN
        .cfi_rel_offset sp, CONTEXT_SP
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        .cfi_rel_offset x\n, CONTEXT_X(\n)
        .endr
        ldr     x3, [x19, #FRAME_SITE]
        ldrb    w4, [x3, #SITE_SHIFT]
        add     x4, x4, x21                     /* where the entry stands: behind the landing pad, which has been run */
        cmp     x1, x22
        b.ne    3f
        cmp     x2, x4
        b.eq    4f
        add     x5, x4, #4
        cmp     x2, x5
        b.eq    1f
        ldr     x5, [x19, #CONTEXT_X(30)]
        cmp     x2, x5
        b.eq    2f
        ldr     x5, [x19, #FRAME_FUNCTION]      /* frame_function_mark */
        eon     x5, x5, x19
        cmp     x2, x5
        b.ne    3f
        /* to a replacement, at a function's entry */
        LOAD_GENERAL
        LOAD_X  0, 1, sp
        ldr     x30, [sp, #CONTEXT_X(30)]
        ldr     x16, [sp, #CONTEXT_PC]
        .cfi_remember_state
        add     sp, sp, #FRAME_SIZE
        LEFT_FRAME 0x80                         /* breg16 */
leave_by_x16:
        br      x16
        .cfi_restore_state
1:      /* behind the instruction: by the stub's part for it */
        ldr     x30, [x3, #SITE_STUB]
        ldrb    w5, [x3, #SITE_PROBE_OFFSET]
        sub     x5, x5, #STUB_SKIP_LENGTH
        add     x30, x30, x5
        LOAD_GENERAL
        ret
2:      /* where x30 leads */
        LOAD_GENERAL
        LOAD_X  0, 1, sp
        ldr     x30, [sp, #CONTEXT_X(30)]
        .cfi_remember_state
        add     sp, sp, #FRAME_SIZE
        LEFT_FRAME 0x8e                         /* breg30 */
leave_by_x30:
        ret
        .cfi_restore_state
3:      /* Anywhere else no branch goes without a scratch register: the trap handler sets everything from the frame. With the old
         * pc and another sp, that is to the displaced instruction. */
        cmp     x2, x21
        ccmp    x2, x4, #4, ne
        b.ne    leave_trap
        ldr     x2, [x3, #SITE_STUB]
        ldrb    w5, [x3, #SITE_DISPLACED_OFFSET]
        add     x2, x2, x5
        str     x2, [x19, #CONTEXT_PC]
        .globl  leave_trap
        .hidden leave_trap
leave_trap:
        brk     #BREAK_LEAVE
4:      ldr     x30, [x19, #FRAME_RETURNS]
        LOAD_GENERAL
        ret
        .cfi_endproc
leave_end:
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

#include "guarded.h"
        .section .note.GNU-stack, "", %progbits
