/* The capture routines, one a save class and CPU. A stub that has stepped over the red zone calls one; the routine captures the
 * registers, runs the site's action, and returns into the stub, or, where the action changed pc or sp, goes straight to the
 * new pc. The site is found through the displacement of the stub's first jump, which goes through the site's `path`.
 *
 * Between capture and restore: rbx = frame, r12 = thread record, r13 = site.
 * The unwinder finds the program's registers in the frame; its pc is the site's address. */
#include "layout.h"

#define STATE_VECTOR 1
#define STATE_MASK 2
#define STATE_X87 4

        .text

/* ---- vector state, by plain moves to and from the area that FRAME_VECTOR points to -------------------------------- */

.macro EACH operation, count
        .set    .Lindex, 0
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
        movb    $STATE_VECTOR, CONTEXT_STATE(%rbx)
.endif
.ifc \kind,avx
        EACH    SAVE_YMM, 16
        movb    $STATE_VECTOR, CONTEXT_STATE(%rbx)
.endif
.ifc \kind,avx512
        EACH    SAVE_ZMM, 32
        EACH    SAVE_MASK, 8
        movb    $(STATE_VECTOR | STATE_MASK), CONTEXT_STATE(%rbx)
.endif
        stmxcsr CONTEXT_MXCSR(%rbx)
.endm

.macro VECTOR_LOAD kind
.ifc \kind,sse
        EACH    LOAD_XMM, 16
.endif
.ifc \kind,avx
        EACH    LOAD_YMM, 16
.endif
.ifc \kind,avx512
        EACH    LOAD_ZMM, 32
        EACH    LOAD_MASK, 8
.endif
        ldmxcsr CONTEXT_MXCSR(%rbx)
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
        mov     %rdx, FRAME_VECTOR(%rbx)
        fxsave64 \area(%rdx)
        VECTOR_SAVE \kind
        orb     $STATE_X87, CONTEXT_STATE(%rbx)
        lea     \area(%rdx), %rax
        mov     %rax, FRAME_X87(%rbx)
        fninit                          /* as the psABI promises a called function: empty stack, no MMX state */
.else
        lea     -\area(%rsp), %rdx
        and     $-64, %rdx
        mov     %rdx, %rsp
        mov     %rdx, FRAME_VECTOR(%rbx)
        VECTOR_SAVE \kind
.endif
.endif
.endm

.macro LOAD_CLASS kind, area, x87
.ifnc \kind,none
        mov     FRAME_VECTOR(%rbx), %rdx
.if \x87
        fxrstor64 \area(%rdx)
.endif
        VECTOR_LOAD \kind
.endif
.endm

/* ---- the routine ------------------------------------------------------------------------------------------------- */

.macro ROUTINE name, save_class, kind, area, x87
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 6
\name:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_personality 0x9b, .Lpersonality
        .cfi_def_cfa rsp, 8 + RED_ZONE
        .cfi_undefined rip
        lea     -(FRAME_SIZE - CONTEXT_STATE)(%rsp), %rsp
        .cfi_adjust_cfa_offset FRAME_SIZE - CONTEXT_STATE
        pushfq                                  /* lands in the context's eflags */
        .cfi_adjust_cfa_offset 8
        lea     -CONTEXT_EFLAGS(%rsp), %rsp
        .cfi_adjust_cfa_offset CONTEXT_EFLAGS
        mov     %rax, CONTEXT_RAX(%rsp)
        mov     %rcx, CONTEXT_RCX(%rsp)
        mov     %rbx, CONTEXT_RBX(%rsp)
        mov     %rsp, %rbx
        .cfi_def_cfa rbx, FRAME_TO_SP
        .cfi_offset rbx, CONTEXT_RBX - FRAME_TO_SP
        mov     %r12, CONTEXT_R12(%rsp)
        .cfi_offset r12, CONTEXT_R12 - FRAME_TO_SP
        mov     %r13, CONTEXT_R13(%rsp)
        .cfi_offset r13, CONTEXT_R13 - FRAME_TO_SP
        movq    $0, FRAME_ODD_FLAGS(%rsp)
        testl   $EFLAGS_ODD, CONTEXT_EFLAGS(%rsp)   /* before anything misaligned is read: AC may be set */
        jnz     .L\name\()_odd
.L\name\()_even:
        mov     FRAME_SIZE(%rsp), %rax          /* the return address: 11 bytes before it ends `jmp *path(%rip)` */
        movslq  -(STUB_JUMP_TO_RETURN + 4)(%rax), %rcx
        lea     -(STUB_JUMP_TO_RETURN + SITE_PATH)(%rax, %rcx), %r13
        mov     thread_self@gottpoff(%rip), %rax
        mov     %fs:(%rax), %r12
        mov     %rdx, CONTEXT_RDX(%rsp)
        mov     %rsi, CONTEXT_RSI(%rsp)
        mov     %rdi, CONTEXT_RDI(%rsp)
        mov     %rbp, CONTEXT_RBP(%rsp)
        mov     %r8, CONTEXT_R8(%rsp)
        mov     %r9, CONTEXT_R9(%rsp)
        mov     %r10, CONTEXT_R10(%rsp)
        mov     %r11, CONTEXT_R11(%rsp)
        mov     %r14, CONTEXT_R14(%rsp)
        mov     %r15, CONTEXT_R15(%rsp)
        lea     FRAME_TO_SP(%rsp), %rax
        mov     SITE_ADDRESS(%r13), %rcx
        mov     %rax, CONTEXT_RSP(%rsp)
        mov     %rcx, CONTEXT_RIP(%rsp)
        movq    $0, CONTEXT_STATE(%rsp)
        mov     %r13, FRAME_SITE(%rsp)
        .cfi_offset rbp, CONTEXT_RBP - FRAME_TO_SP
        .cfi_offset r14, CONTEXT_R14 - FRAME_TO_SP
        .cfi_offset r15, CONTEXT_R15 - FRAME_TO_SP
        .cfi_offset rax, CONTEXT_RAX - FRAME_TO_SP
        .cfi_offset rdx, CONTEXT_RDX - FRAME_TO_SP
        .cfi_offset rcx, CONTEXT_RCX - FRAME_TO_SP
        .cfi_offset rsi, CONTEXT_RSI - FRAME_TO_SP
        .cfi_offset rdi, CONTEXT_RDI - FRAME_TO_SP
        .cfi_offset r8, CONTEXT_R8 - FRAME_TO_SP
        .cfi_offset r9, CONTEXT_R9 - FRAME_TO_SP
        .cfi_offset r10, CONTEXT_R10 - FRAME_TO_SP
        .cfi_offset r11, CONTEXT_R11 - FRAME_TO_SP
        .cfi_escape 0x14, 0x07, 0x00            /* DW_CFA_val_offset: rsp is the cfa itself; clang 14 does not know .cfi_val_offset */
        /* DW_CFA_val_expression, register 16 (rip), 7 bytes: breg3 FRAME_SITE; deref; plus_uconst SITE_ADDRESS; deref */
        .cfi_escape 0x16, 16, 7, 0x73, (FRAME_SITE & 0x7f) | 0x80, FRAME_SITE >> 7, 0x06, 0x23, SITE_ADDRESS, 0x06
        SAVE_CLASS \kind, \area, \x87
        test    %r12, %r12
        jz      .L\name\()_no_thread
.L\name\()_thread:
        mov     %r12, FRAME_THREAD(%rbx)
        mov     THREAD_ERRNO(%r12), %rax
        mov     (%rax), %ecx
        mov     %ecx, FRAME_ERRNO(%rbx)
        mov     THREAD_EPOCH(%r12), %rax
        or      THREAD_IGNORE(%r12), %rax
        jnz     .L\name\()_nested
        mov     lifetime_epoch(%rip), %rax
        mov     %rbx, FRAME_COOKIE(%rbx)
        mov     %rbx, THREAD_FRAME(%r12)
        mov     %rax, THREAD_EPOCH(%r12)        /* pairs with lifetime_wait: stored before the action is read */
        mov     SITE_ACTION(%r13), %rax
        test    %rax, %rax
        jz      .L\name\()_leave_level
        cmpl    $\save_class, ACTION_SAVE_CLASS(%rax)
        ja      .L\name\()_upgrade
        mov     %rbx, %rdi
        mov     ACTION_ARGUMENT(%rax), %rsi
        call    *ACTION_HANDLER(%rax)
.L\name\()_leave_level:
        movq    $0, THREAD_EPOCH(%r12)
.L\name\()_restore:
        mov     thread_self@gottpoff(%rip), %rax
        cmp     %fs:(%rax), %r12                /* a coroutine may have moved to another thread, whose errno is not ours */
        jne     .L\name\()_errno_done
        mov     THREAD_ERRNO(%r12), %rax
        mov     FRAME_ERRNO(%rbx), %ecx
        mov     %ecx, (%rax)
.L\name\()_errno_done:
        LOAD_CLASS \kind, \area, \x87
        mov     %rbx, %rsp
        .cfi_remember_state
        mov     CONTEXT_RIP(%rsp), %rax
        lea     FRAME_TO_SP(%rsp), %rcx
        cmp     SITE_ADDRESS(%r13), %rax
        jne     leave
        cmp     CONTEXT_RSP(%rsp), %rcx
        jne     leave
        mov     CONTEXT_EFLAGS(%rsp), %ecx
        mov     %ecx, %eax
        or      FRAME_ODD_FLAGS(%rsp), %eax
        test    $EFLAGS_ODD, %eax
        jnz     .L\name\()_popf
        shr     $11, %eax                       /* OF to al bit 0, the rest to ah: 1 + 0x7f overflows, 0 + 0x7f does not */
        and     $1, %eax
        mov     %cl, %ah
        add     $0x7f, %al
        sahf
.L\name\()_flags_done:
        mov     CONTEXT_RDX(%rsp), %rdx
        mov     CONTEXT_RSI(%rsp), %rsi
        mov     CONTEXT_RDI(%rsp), %rdi
        mov     CONTEXT_RBP(%rsp), %rbp
        mov     CONTEXT_R8(%rsp), %r8
        mov     CONTEXT_R9(%rsp), %r9
        mov     CONTEXT_R10(%rsp), %r10
        mov     CONTEXT_R11(%rsp), %r11
        mov     CONTEXT_R12(%rsp), %r12
        mov     CONTEXT_R13(%rsp), %r13
        mov     CONTEXT_R14(%rsp), %r14
        mov     CONTEXT_R15(%rsp), %r15
        mov     CONTEXT_RCX(%rsp), %rcx
        mov     CONTEXT_RAX(%rsp), %rax
        mov     CONTEXT_RBX(%rsp), %rbx
        .cfi_def_cfa rsp, FRAME_TO_SP
        lea     FRAME_SIZE(%rsp), %rsp
        .cfi_def_cfa_offset 8 + RED_ZONE
        ret
        .cfi_restore_state

.L\name\()_odd:
        call    odd_flags
        jmp     .L\name\()_even
.L\name\()_popf:
        pushq   %rcx
        popfq
        jmp     .L\name\()_flags_done
.L\name\()_no_thread:
        call    thread_enter                    /* general registers only; NULL: no record is to be had, no handler runs */
        mov     %rax, %r12
        test    %rax, %rax
        jnz     .L\name\()_thread
        movq    $0, FRAME_THREAD(%rbx)
        jmp     .L\name\()_errno_done
.L\name\()_nested:
        mov     %rbx, %rdi
        mov     $\save_class, %esi
        call    dispatch_nested
        test    %eax, %eax
        jz      .L\name\()_restore
        jmp     .L\name\()_again
.L\name\()_upgrade:
        movq    $0, THREAD_EPOCH(%r12)
.L\name\()_again:
        /* The action wants more saved than this routine saves; its publisher has already stored the routine that does. */
        LOAD_CLASS \kind, \area, \x87
        mov     %rbx, %rsp
        mov     SITE_ROUTINE(%r13), %rax
        mov     %rax, FRAME_EXIT_SP(%rsp)
        mov     CONTEXT_EFLAGS(%rsp), %rcx
        pushq   %rcx
        popfq
        mov     CONTEXT_RDX(%rsp), %rdx
        mov     CONTEXT_RSI(%rsp), %rsi
        mov     CONTEXT_RDI(%rsp), %rdi
        mov     CONTEXT_R8(%rsp), %r8
        mov     CONTEXT_R9(%rsp), %r9
        mov     CONTEXT_R10(%rsp), %r10
        mov     CONTEXT_R11(%rsp), %r11
        mov     CONTEXT_R12(%rsp), %r12
        mov     CONTEXT_R13(%rsp), %r13
        mov     CONTEXT_RCX(%rsp), %rcx
        mov     CONTEXT_RAX(%rsp), %rax
        mov     CONTEXT_RBX(%rsp), %rbx
        lea     FRAME_SIZE(%rsp), %rsp
        jmp     *(FRAME_EXIT_SP - FRAME_SIZE)(%rsp)
        .cfi_endproc
        .size   \name, . - \name
.endm

        ROUTINE routine_integer, SAVE_INTEGER, none, 0, 0
        ROUTINE routine_vector_sse, SAVE_VECTOR, sse, AREA_SSE, 0
        ROUTINE routine_vector_avx, SAVE_VECTOR, avx, AREA_AVX, 0
        ROUTINE routine_vector_avx512, SAVE_VECTOR, avx512, AREA_AVX512, 0
        ROUTINE routine_full_sse, SAVE_FULL, sse, AREA_SSE, 1
        ROUTINE routine_full_avx, SAVE_FULL, avx, AREA_AVX, 1
        ROUTINE routine_full_avx512, SAVE_FULL, avx512, AREA_AVX512, 1

/* rbx: frame. The program runs with DF, AC, TF or ID set: note it, so that `popfq` restores, and run C with DF and AC clear. */
        .p2align 4
        .type   odd_flags, @function
odd_flags:
        .cfi_startproc
        movl    $EFLAGS_ODD, FRAME_ODD_FLAGS(%rbx)
        pushfq
        .cfi_adjust_cfa_offset 8
        andl    $~(EFLAGS_DF | EFLAGS_AC), (%rsp)
        popfq
        .cfi_adjust_cfa_offset -8
        ret
        .cfi_endproc
        .size   odd_flags, . - odd_flags

/* The action changed pc or sp. rsp = rbx = frame, vector state restored. The new pc is stored under the new stack's red
 * zone and taken by `ret $128`, so that no register and nothing above is touched. Where that place lies inside or below the
 * frame, the frame first moves below it, since a signal may overwrite whatever lies under rsp. */
        .p2align 4
        .type   leave, @function
leave:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_def_cfa rbx, FRAME_TO_SP
        .cfi_undefined rip
        mov     CONTEXT_RSP(%rbx), %rax
        lea     -(RED_ZONE + 8)(%rax), %rax
        lea     (FRAME_SIZE + 8)(%rbx), %rcx
        cmp     %rcx, %rax
        jae     1f
        lea     -512(%rax), %rdi
        lea     -512(%rbx), %rcx
        cmp     %rcx, %rdi
        cmova   %rcx, %rdi
        mov     %rbx, %rsi
        mov     %rdi, %rsp
        mov     %rdi, %rbx
        mov     $(FRAME_SIZE / 8), %ecx
        cld
        rep movsq
1:      mov     CONTEXT_RIP(%rbx), %rcx
        mov     %rcx, (%rax)
        mov     %rax, FRAME_EXIT_SP(%rbx)
        mov     CONTEXT_EFLAGS(%rbx), %rcx
        pushq   %rcx
        popfq
        mov     CONTEXT_RDX(%rsp), %rdx
        mov     CONTEXT_RSI(%rsp), %rsi
        mov     CONTEXT_RDI(%rsp), %rdi
        mov     CONTEXT_RBP(%rsp), %rbp
        mov     CONTEXT_R8(%rsp), %r8
        mov     CONTEXT_R9(%rsp), %r9
        mov     CONTEXT_R10(%rsp), %r10
        mov     CONTEXT_R11(%rsp), %r11
        mov     CONTEXT_R12(%rsp), %r12
        mov     CONTEXT_R13(%rsp), %r13
        mov     CONTEXT_R14(%rsp), %r14
        mov     CONTEXT_R15(%rsp), %r15
        mov     CONTEXT_RCX(%rsp), %rcx
        mov     CONTEXT_RAX(%rsp), %rax
        mov     CONTEXT_RBX(%rsp), %rbx
        mov     FRAME_EXIT_SP(%rsp), %rsp
        ret     $RED_ZONE
        .cfi_endproc
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
