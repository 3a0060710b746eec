/* How the capture routines of x86-64 load the general registers, and tell the unwinder of them: macros for routines.S. */
#ifndef HOST_X86_64_GENERAL_H
#define HOST_X86_64_GENERAL_H

/* A member of the frame */
#define AT(offset) (offset - FRAME_BIAS)(%rbx)

.macro SAVED register, offset
        .cfi_offset \register, \offset - FRAME_TO_SP
.endm

/* What LOAD_GENERAL loads, but rax and rcx, lies in the frame; and is in its place. */
.macro SAVED_GENERAL
        SAVED   rdx, CONTEXT_RDX
        SAVED   rbp, CONTEXT_RBP
        SAVED   rsi, CONTEXT_RSI
        SAVED   rdi, CONTEXT_RDI
        SAVED   r15, CONTEXT_R15
        SAVED   r14, CONTEXT_R14
        SAVED   r13, CONTEXT_R13
        SAVED   r12, CONTEXT_R12
        SAVED   r11, CONTEXT_R11
        SAVED   r10, CONTEXT_R10
        SAVED   r9, CONTEXT_R9
        SAVED   r8, CONTEXT_R8
.endm
.macro SAME_GENERAL more:vararg
        .irp register, rdx, rcx, rbp, rsi, rdi, r15, r14, r13, r12, r11, r10, r9, r8 \more
        .cfi_same_value \register
        .endr
.endm

/* Every register but rsp and rbx, and rax if it is to be kept; in the order in which they were stored, which forwards best. */
.macro LOAD_GENERAL keep
        mov     AT(CONTEXT_RCX), %rcx
.ifnc \keep,rax
        mov     AT(CONTEXT_RAX), %rax
.endif
        mov     AT(CONTEXT_RDX), %rdx
        mov     AT(CONTEXT_RBP), %rbp
        mov     AT(CONTEXT_RSI), %rsi
        mov     AT(CONTEXT_RDI), %rdi
        mov     AT(CONTEXT_R15), %r15
        mov     AT(CONTEXT_R14), %r14
        mov     AT(CONTEXT_R13), %r13
        mov     AT(CONTEXT_R12), %r12
        mov     AT(CONTEXT_R11), %r11
        mov     AT(CONTEXT_R10), %r10
        mov     AT(CONTEXT_R9), %r9
        mov     AT(CONTEXT_R8), %r8
.endm

/* The site into rax, found as the stub gave it. */
.macro FIND_SITE
        mov     AT(FRAME_SIZE), %rax                            /* the return address into the stub */
        movslq  -(STUB_SITE_TO_RETURN + 4)(%rax), %rcx          /* the displacement of `lea site(%rip),%rax` */
        lea     -STUB_SITE_TO_RETURN(%rax, %rcx), %rax
.endm

#endif
