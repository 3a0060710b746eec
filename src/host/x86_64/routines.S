/* The capture routines, one a save class and CPU. A stub that has stepped over the red zone puts rax into its place in the
 * frame to be, the site into rax, and calls one; the routine captures the registers, runs the site's action, and returns into
 * the stub, or, where the action changed pc or sp, goes straight to the new pc.
 *
 * Between capture and restore: rbx = frame + FRAME_BIAS, r12 = thread record or 0, r13 = the offset of errno from the thread
 * pointer, r14 = the site's address, r15 = errno. The unwinder finds the program's registers in the frame; its pc is the site's
 * address, found as FIND_SITE does from the return address into the stub.
 *
 * What bounds a hit is the number of stores, one a cycle where they are loaded again soon (seen on Zen 5), then the number of
 * loads: hence nothing is stored that can be found otherwise. */
#include "layout.h"

#define STATE_VECTOR 1
#define STATE_MASK 2
#define STATE_X87 4

        .text

#include "general.h"
#include "vectors.h"
#include "watched.h"

/* DW_CFA_val_expression for rip, of the cfa that the unwinder pushes first: ret = *(cfa - 8 - RED_ZONE); then, as above, the site and
 * its address. */
#define RETURN_TO_CFA (8 + RED_ZONE)
.macro CFI_PC_OF_SITE
        .cfi_escape 0x16, 16, 22
        .cfi_escape 0x08, RETURN_TO_CFA, 0x1C, 0x06                   /* const1u; minus; deref */
        .cfi_escape 0x08, STUB_SITE_TO_RETURN, 0x1C, 0x12             /* const1u; minus; dup */
        .cfi_escape 0x34, 0x1C, 0x94, 4                               /* lit4; minus; deref_size 4 */
        .cfi_escape 0x08, 32, 0x24, 0x08, 32, 0x26                    /* const1u; shl; const1u; shra: of 32 bits, signed */
        .cfi_escape 0x22, 0x23, SITE_ADDRESS, 0x06                    /* plus; plus_uconst; deref */
.endm

/* ---- the routine ------------------------------------------------------------------------------------------------- */

/* A stub may have been made for a larger class than what runs now: then the lesser routine goes on, which needs less stack. */
.macro DIVERT lesser, bit
.ifnc \lesser,none
        testb   $\bit, SITE_ACTION(%rax)
        jz      .L\lesser\()_class
.endif
.endm

.macro ROUTINE name, save_class, kind, area, x87, lesser, bit
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 6
\name:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_personality 0x9b, .Lpersonality
        .cfi_def_cfa rsp, 8 + RED_ZONE
        CFI_PC_OF_SITE
        SAVED   rax, CONTEXT_RAX
        .cfi_escape 0x14, 0x07, 0x00            /* DW_CFA_val_offset: rsp is the cfa itself; clang 14 does not know .cfi_val_offset */
        lea     -(FRAME_SIZE - CONTEXT_STATE)(%rsp), %rsp
.L\name\()_lowered:
        .cfi_adjust_cfa_offset FRAME_SIZE - CONTEXT_STATE
        pushfq                                  /* lands in the context's eflags */
.L\name\()_pushed:
        .cfi_adjust_cfa_offset 8
        mov     %rbx, (CONTEXT_RBX - CONTEXT_EFLAGS)(%rsp)
        SAVED   rbx, CONTEXT_RBX
        lea     (FRAME_BIAS - CONTEXT_EFLAGS)(%rsp), %rbx
.L\name\()_framed:
        .cfi_def_cfa rbx, FRAME_TO_SP - FRAME_BIAS
        lea     -CONTEXT_EFLAGS(%rsp), %rsp
        mov     %rcx, AT(CONTEXT_RCX)
.L\name\()_kept:
        SAVED   rcx, CONTEXT_RCX
        mov     AT(CONTEXT_EFLAGS), %ecx
        test    $EFLAGS_ODD, %ecx               /* before anything misaligned is read: AC may be set */
        jnz     .L\name\()_odd
        .cfi_remember_state
.L\name\()_even:
        mov     %rdx, AT(CONTEXT_RDX)
        mov     %rbp, AT(CONTEXT_RBP)
        mov     %rsi, AT(CONTEXT_RSI)
        mov     %rdi, AT(CONTEXT_RDI)
        mov     %r15, AT(CONTEXT_R15)
        mov     %r14, AT(CONTEXT_R14)
        mov     %r13, AT(CONTEXT_R13)
        mov     %r12, AT(CONTEXT_R12)
        mov     %r11, AT(CONTEXT_R11)
        mov     %r10, AT(CONTEXT_R10)
        mov     %r9, AT(CONTEXT_R9)
        mov     %r8, AT(CONTEXT_R8)
.L\name\()_saved:
        SAVED_GENERAL
        mov     SITE_ADDRESS(%rax), %r14
        mov     thread_self@gottpoff(%rip), %rcx
        mov     %fs:(%rcx), %r12
        lea     AT(FRAME_TO_SP), %rdx
        mov     %r14, AT(CONTEXT_RIP)
        mov     %rdx, AT(CONTEXT_RSP)
        movq    $0, AT(CONTEXT_STATE)
.L\name\()_class:
        DIVERT  \lesser, \bit
        SAVE_CLASS \kind, \area, \x87
        mov     capture_facts+FACTS_ERRNO_OFFSET(%rip), %r13
        mov     %fs:(%r13), %r15d
        cmpq    $0, THREAD_LEVEL(%r12)
        jne     .L\name\()_nested
        mov     capture_facts+FACTS_EPOCH(%rip), %rcx
        add     %rbx, %rcx
        mov     %rcx, THREAD_LEVEL(%r12)        /* pairs with lifetime_wait: stored before the action is read */
        WATCHED_LOAD_ACTION
.if \save_class == SAVE_INTEGER
        test    $ACTION_TAG, %al
        jnz     .L\name\()_other_action
.else
        mov     %eax, %ecx
        and     $ACTION_TAG, %ecx
        cmp     $\save_class, %ecx
        ja      .L\name\()_other_action
        and     $~ACTION_TAG, %rax
.endif
        lea     AT(0), %rdi
        mov     ACTION_ARGUMENT(%rax), %rsi
        call    *ACTION_HANDLER(%rax)
.L\name\()_leave_level:
        WATCHED_RELEASE_LEVEL
        movq    $0, THREAD_LEVEL(%r12)
.L\name\()_restore:
        LOAD_CLASS \kind, \area, \x87
        mov     %fs:(%r13), %ecx                /* one branch for all that is rarely so, since branches cost too */
        lea     AT(FRAME_TO_SP), %rdx
        mov     AT(CONTEXT_EFLAGS), %eax
        xor     %r15d, %ecx
        xor     AT(CONTEXT_RSP), %rdx
        .cfi_remember_state
        xor     AT(CONTEXT_RIP), %r14
        or      %rdx, %rcx
        or      %r14, %rcx
        mov     %eax, %edx
        and     $EFLAGS_ODD, %edx
        or      %rdx, %rcx
        jnz     .L\name\()_unusual
        rol     $8, %ax                         /* OF to al bit 3, the low byte to ah: 8 + 0x78 overflows, 0 + 0x78 does not */
        and     $8, %al
        add     $0x78, %al
        sahf
.L\name\()_flags_done:
        LOAD_GENERAL
        lea     AT(FRAME_SIZE), %rsp
.L\name\()_raised:
        .cfi_def_cfa rsp, 8 + RED_ZONE
        SAME_GENERAL                            /* signals may overwrite the lower part of the frame */
        mov     AT(CONTEXT_RBX), %rbx
.L\name\()_restored:
        ret
.L\name\()_nested:
        .cfi_restore_state
        WATCHED_SITE
        mov     thread_capture@gottpoff(%rip), %rcx
        mov     %fs:(%rcx), %rax                /* of a capture that a signal has interrupted there */
        mov     %rax, AT(FRAME_EXIT_SP)
        mov     %rbx, %fs:(%rcx)
        mov     %r12, %rdi
        call    dispatch_thread                 /* general registers only */
        mov     %rax, %r12
        test    %rax, %rax
        jz      .L\name\()_captured
        FIND_SITE
        lea     AT(0), %rdi
        mov     %rax, %rsi
        mov     %r12, %rdx
        mov     $\save_class, %ecx
        call    dispatch_nested
.L\name\()_captured:
        mov     thread_capture@gottpoff(%rip), %rcx
        mov     AT(FRAME_EXIT_SP), %rdx
        mov     %rdx, %fs:(%rcx)
        test    %eax, %eax
        jz      .L\name\()_restore
        jmp     .L\name\()_again
.L\name\()_other_action:
        and     $ACTION_TAG, %eax
        cmp     $SITE_NO_ACTION, %eax
        je      .L\name\()_leave_level
        movq    $0, THREAD_LEVEL(%r12)
.L\name\()_again:
        /* The action wants more saved than this routine saves; its publisher has already stored the routine that does. rax
         * still lies where the stub put it. */
        FIND_SITE
        .cfi_remember_state
        LOAD_CLASS \kind, \area, \x87
        lea     AT(0), %rsp
        pushq   AT(CONTEXT_EFLAGS)
        popfq
        LOAD_GENERAL rax
        lea     AT(FRAME_SIZE), %rsp
.L\name\()_raised_again:
        .cfi_def_cfa rsp, 8 + RED_ZONE
        SAME_GENERAL
        mov     AT(CONTEXT_RBX), %rbx
.L\name\()_restored_again:
        jmp     *SITE_ROUTINE(%rax)
.L\name\()_unusual:
        .cfi_restore_state

        cmp     %fs:(%r13), %r15d
        je      1f
        mov     thread_record@gottpoff(%rip), %rax
        cmp     %fs:(%rax), %r12                /* a coroutine may have moved to another thread, whose errno is not ours */
        jne     1f
        mov     %r15d, %fs:(%r13)
1:      test    %r14, %r14                      /* now the difference */
        jnz     leave
        lea     AT(FRAME_TO_SP), %rcx
        cmp     AT(CONTEXT_RSP), %rcx
        jne     leave
        lea     AT(0), %rsp
        pushq   AT(CONTEXT_EFLAGS)
        popfq
        jmp     .L\name\()_flags_done
.L\name\()_odd:
        .cfi_restore_state
        call    odd_flags
        jmp     .L\name\()_even
.L\name\()_end:
        .cfi_endproc
        .size   \name, . - \name
        .pushsection .data.rel.ro.routine_places, "aw", @progbits      /* struct routine_places */
        .quad   \name, .L\name\()_lowered, .L\name\()_pushed, .L\name\()_framed, .L\name\()_kept, .L\name\()_saved
        .quad   .L\name\()_class, .L\name\()_raised, .L\name\()_restored, .L\name\()_nested
        .quad   .L\name\()_raised_again, .L\name\()_restored_again, .L\name\()_unusual, .L\name\()_odd, .L\name\()_end
        .popsection
.endm

        .pushsection .data.rel.ro.routine_places, "aw", @progbits
        .globl  routine_places, routine_places_end
        .hidden routine_places, routine_places_end
        .p2align 3
routine_places:
        .popsection

        .globl  routines_begin, routines_end
        .hidden routines_begin, routines_end
routines_begin:
        ROUTINE routine_integer, SAVE_INTEGER, none, 0, 0, none, 0
        ROUTINE routine_vector_sse, SAVE_VECTOR, sse, AREA_SSE, 0, routine_integer, SAVE_VECTOR
        ROUTINE routine_vector_avx, SAVE_VECTOR, avx, AREA_AVX, 0, routine_integer, SAVE_VECTOR
        ROUTINE routine_vector_avx512, SAVE_VECTOR, avx512, AREA_AVX512, 0, routine_integer, SAVE_VECTOR
        ROUTINE routine_full_sse, SAVE_FULL, sse, AREA_SSE, 1, routine_vector_sse, SAVE_FULL ^ SAVE_VECTOR
        ROUTINE routine_full_avx, SAVE_FULL, avx, AREA_AVX, 1, routine_vector_avx, SAVE_FULL ^ SAVE_VECTOR
        ROUTINE routine_full_avx512, SAVE_FULL, avx512, AREA_AVX512, 1, routine_vector_avx512, SAVE_FULL ^ SAVE_VECTOR

routines_end:
        .pushsection .data.rel.ro.routine_places, "aw", @progbits
routine_places_end:
        .popsection

/* The program runs with DF, AC, TF or ID set, which the restoring end finds in the context; C runs with all four clear. Keeps
 * every register but ecx. */
        .p2align 4
        .type   odd_flags, @function
        .globl  odd_flags, leave, leave_loaded, leave_left, leave_end
        .hidden odd_flags, leave, leave_loaded, leave_left, leave_end
odd_flags:
        .cfi_startproc
        pushfq
        .cfi_adjust_cfa_offset 8
        andl    $~EFLAGS_ODD, (%rsp)
        popfq
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   odd_flags, . - odd_flags

/* The action changed pc or sp. rbx as in a routine, vector state restored. The new pc is stored under the new stack's red
 * zone and taken by `ret $128`, so that no register and nothing above is touched. Where that place lies inside or below the
 * frame, the frame first moves below it, since a signal may overwrite whatever lies under rsp. */
        .p2align 4
        .type   leave, @function
leave:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_def_cfa rbx, FRAME_TO_SP - FRAME_BIAS
        SAVED_GENERAL
        SAVED   rax, CONTEXT_RAX
        SAVED   rcx, CONTEXT_RCX
        SAVED   rbx, CONTEXT_RBX
        SAVED   rsp, CONTEXT_RSP
        SAVED   rip, CONTEXT_RIP
        lea     AT(0), %rsp
        mov     %rsp, %rdi
        cld
        call    dispatch_target                 /* general registers only */
        mov     %rax, AT(CONTEXT_RIP)
        mov     AT(CONTEXT_RSP), %rax
        lea     -(RED_ZONE + 8)(%rax), %rax
        lea     AT(FRAME_SIZE + 8), %rcx
        cmp     %rcx, %rax
        jae     1f
        lea     -512(%rax), %rdi
        lea     -512(%rsp), %rcx
        cmp     %rcx, %rdi
        cmova   %rcx, %rdi
        mov     %rsp, %rsi
        mov     %rdi, %rsp
        mov     $(FRAME_SIZE / 8), %ecx
        rep movsq
        lea     FRAME_BIAS(%rsp), %rbx
1:      mov     AT(CONTEXT_RIP), %rcx
        mov     %rcx, (%rax)
        mov     %rax, AT(FRAME_EXIT_SP)
        pushq   AT(CONTEXT_EFLAGS)
        popfq
        LOAD_GENERAL
        .cfi_def_cfa rsp, FRAME_TO_SP
        mov     AT(CONTEXT_RBX), %rbx
leave_loaded:
        mov     FRAME_EXIT_SP(%rsp), %rsp
leave_left:
        .cfi_def_cfa rsp, 8 + RED_ZONE
        .cfi_offset rip, -(8 + RED_ZONE)
        .cfi_escape 0x14, 0x07, 0x00
        SAME_GENERAL , rax, rbx
        ret     $RED_ZONE
        .cfi_endproc
leave_end:
        .size   leave, . - leave

/* void host_call_callback(sighook_context *, void *user): the reference's callback, user, takes (address, context). */
        .globl  host_call_callback
        .hidden host_call_callback
        .type   host_call_callback, @function
        .p2align 4
host_call_callback:
        .cfi_startproc
        mov     %rsi, %rax
        mov     %rdi, %rsi
        mov     CONTEXT_RIP(%rdi), %rdi
        jmp     *%rax
        .cfi_endproc
        .size   host_call_callback, . - host_call_callback

        .section .data.rel.ro, "aw", @progbits
        .p2align 3
.Lpersonality:
        .quad   thread_personality
        .section .note.GNU-stack, "", @progbits
