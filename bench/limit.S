/* The hand-written limit: what a hit must cost at least. One site each: jump out, capture, callback through a pointer, check
 * of pc and sp, restore, displaced instruction, jump back. Integer-only: 16 registers by moves, flags by pushfq and sahf.
 * Full: the same, and every vector register, the mask registers and mxcsr by plain moves. */
        .text
        .macro  CAPTURE_GENERAL site
        lea     -128(%rsp), %rsp
        pushfq
        lea     -136(%rsp), %rsp
        mov     %rax, 0(%rsp)
        mov     %rcx, 8(%rsp)
        mov     %rdx, 16(%rsp)
        mov     %rbx, 24(%rsp)
        lea     272(%rsp), %rax
        mov     %rax, 32(%rsp)
        mov     %rbp, 40(%rsp)
        mov     %rsi, 48(%rsp)
        mov     %rdi, 56(%rsp)
        mov     %r8, 64(%rsp)
        mov     %r9, 72(%rsp)
        mov     %r10, 80(%rsp)
        mov     %r11, 88(%rsp)
        mov     %r12, 96(%rsp)
        mov     %r13, 104(%rsp)
        mov     %r14, 112(%rsp)
        mov     %r15, 120(%rsp)
        lea     \site(%rip), %rax
        mov     %rax, 128(%rsp)
        mov     %rsp, %rbx
        .endm

        .macro  RESTORE_GENERAL site
        mov     %rbx, %rsp
        lea     \site(%rip), %rax
        cmp     %rax, 128(%rsp)
        jne     changed
        lea     272(%rsp), %rax
        cmp     %rax, 32(%rsp)
        jne     changed
        mov     136(%rsp), %ecx
        mov     %ecx, %eax
        test    $0x240500, %eax
        jnz     changed
        shr     $11, %eax
        and     $1, %eax
        mov     %cl, %ah
        add     $0x7f, %al
        sahf
        mov     8(%rsp), %rcx
        mov     16(%rsp), %rdx
        mov     24(%rsp), %rbx
        mov     40(%rsp), %rbp
        mov     48(%rsp), %rsi
        mov     56(%rsp), %rdi
        mov     64(%rsp), %r8
        mov     72(%rsp), %r9
        mov     80(%rsp), %r10
        mov     88(%rsp), %r11
        mov     96(%rsp), %r12
        mov     104(%rsp), %r13
        mov     112(%rsp), %r14
        mov     120(%rsp), %r15
        mov     0(%rsp), %rax
        lea     272(%rsp), %rsp
        .endm

changed:
        ud2

        .macro  SITE name
        .globl  \name
        .type   \name, @function
        .p2align 6
\name:  jmp     out_\name
        nop
        nop
back_\name:
        ret
        .p2align 6
out_\name:
        .endm
        .macro  BACK name
        lea     0x11223344(%rdi), %rax
        jmp     back_\name
        .endm

        SITE    limit_integer
        CAPTURE_GENERAL limit_integer
        and     $-16, %rsp
        mov     %rbx, %rdi
        call    *limit_callback(%rip)
        RESTORE_GENERAL limit_integer
        BACK    limit_integer

        .altmacro
        .macro  STORE_ZMM n
        vmovups %zmm\n, (\n * 64)(%rsp)
        .endm
        .macro  LOAD_ZMM n
        vmovups (\n * 64)(%rsp), %zmm\n
        .endm
        .macro  STORE_YMM n
        vmovups %ymm\n, (\n * 32)(%rsp)
        .endm
        .macro  LOAD_YMM n
        vmovups (\n * 32)(%rsp), %ymm\n
        .endm
        .macro  STORE_MASK n
        kmovq   %k\n, (2048 + \n * 8)(%rsp)
        .endm
        .macro  LOAD_MASK n
        kmovq   (2048 + \n * 8)(%rsp), %k\n
        .endm
        .macro  EACH operation, count
        .set    index, 0
        .rept   \count
        \operation %index
        .set    index, index + 1
        .endr
        .endm

        SITE    limit_full_avx512
        CAPTURE_GENERAL limit_full_avx512
        lea     -2112(%rsp), %rsp
        and     $-64, %rsp
        EACH    STORE_ZMM, 32
        EACH    STORE_MASK, 8
        stmxcsr -16(%rbx)
        mov     %rbx, %rdi
        call    *limit_callback(%rip)
        EACH    LOAD_ZMM, 32
        EACH    LOAD_MASK, 8
        ldmxcsr -16(%rbx)
        RESTORE_GENERAL limit_full_avx512
        BACK    limit_full_avx512

        SITE    limit_full_avx
        CAPTURE_GENERAL limit_full_avx
        lea     -576(%rsp), %rsp
        and     $-64, %rsp
        EACH    STORE_YMM, 16
        stmxcsr -16(%rbx)
        mov     %rbx, %rdi
        call    *limit_callback(%rip)
        EACH    LOAD_YMM, 16
        ldmxcsr -16(%rbx)
        RESTORE_GENERAL limit_full_avx
        BACK    limit_full_avx

/* void call_in_a_loop(target_function *function, long calls) */
        .globl  call_in_a_loop
        .type   call_in_a_loop, @function
        .p2align 6
call_in_a_loop:
        push    %rbx
        push    %rbp
        push    %r12
        mov     %rdi, %rbp
        mov     %rsi, %r12
        xor     %ebx, %ebx
        .p2align 6
1:      mov     %rbx, %rdi
        call    *%rbp
        add     $1, %rbx
        cmp     %r12, %rbx
        jl      1b
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

/* What is hooked: a function for each row, since a site keeps its stub. */
        .macro  TARGET name, code:vararg
        .globl  \name
        .type   \name, @function
        .p2align 6
\name:  \code
        ret
        .endm
        TARGET  plain_target, lea 0x11223344(%rdi), %rax
        TARGET  full_target, lea 0x11223344(%rdi), %rax
        TARGET  counted_target, lea 0x11223344(%rdi), %rax
        TARGET  trapped_target, lea 0x11223344(%rdi), %rax
        TARGET  replaced_target, lea 0x11223344(%rdi), %rax
        TARGET  replacement, lea 0x11223344(%rdi), %rax
        TARGET  wrapped_target, lea 0x11223344(%rdi), %rax

/* Four of a kind, since stubs of the same length begin at four places of a cache line in turn. */
        TARGET  integer_targets, lea 0x11223344(%rdi), %rax
        TARGET  integer_target_2, lea 0x11223344(%rdi), %rax
        TARGET  integer_target_3, lea 0x11223344(%rdi), %rax
        TARGET  integer_target_4, lea 0x11223344(%rdi), %rax
        TARGET  punned_targets, lea 8(%rdi), %rax
        TARGET  punned_target_2, lea 8(%rdi), %rax
        TARGET  punned_target_3, lea 8(%rdi), %rax
        TARGET  punned_target_4, lea 8(%rdi), %rax

/* A replacement that runs the original. */
        .globl  wrapper
        .p2align 6
wrapper:
        sub     $8, %rsp
        call    *wrapper_original(%rip)
        add     $8, %rsp
        ret

/* A bare breakpoint. */
        .globl  bare_trap
        .p2align 6
bare_trap:
        int3
        lea     0x11223344(%rdi), %rax
        ret

        .data
        .globl  limit_callback, wrapper_original
        .p2align 3
limit_callback:
        .quad   0
wrapper_original:
        .quad   0
        .section .note.GNU-stack, "", @progbits
