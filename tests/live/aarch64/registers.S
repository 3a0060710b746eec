/* See registers.h. Offsets are those of struct registers; registers_test.c asserts them. */
#define OFFSET_SP 248
#define OFFSET_NZCV 256
#define OFFSET_FPSR 264
#define OFFSET_FPCR 272
#define OFFSET_ELSEWHERE 280
#define OFFSET_V 288
#define OFFSET_P (288 + 32 * 256)

        .arch_extension sve
        .macro  EACH_PAIR operation
        .irp    n, 2,4,6,8,10,12,14,16,18,20,22,24,26,28
        \operation \n
        .endr
        .endm
        .altmacro
        .macro  PAIR operation, first, second
        \operation x\first, x\second, [x0, #8 * \first]
        .endm
        .macro  LOAD_PAIR n
        PAIR    ldp, \n, %(\n + 1)
        .endm
        .macro  STORE_PAIR n
        PAIR    stp, \n, %(\n + 1)
        .endm
        .macro  EACH_VECTOR operation, name
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        .ifc    \name,q
        \operation q\n, [x1, #16 * \n]
        .else
        \operation z\n, [x1, #\n, mul vl]
        .endif
        .endr
        .endm
        .macro  EACH_PREDICATE operation
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        \operation p\n, [x2, #\n, mul vl]
        .endr
        .endm

        .local  saved
        .comm   saved, 32, 16                   /* sp, out, sve, fpcr */
        .text
        .p2align 4
        .globl  registers_run
        .type   registers_run, %function
registers_run:
        .cfi_startproc
        stp     x29, x30, [sp, #-160]!
        .cfi_def_cfa_offset 160
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        adrp    x3, saved
        add     x3, x3, :lo12:saved
        mov     x4, sp
        stp     x4, x1, [x3]
        mrs     x4, fpcr
        stp     x2, x4, [x3, #16]

        add     x1, x0, #OFFSET_V
        cbz     x2, 1f
        mov     x2, #OFFSET_P
        add     x2, x0, x2
        ldr     p0, [x2, #16, mul vl]
        wrffr   p0.b
        EACH_VECTOR ldr, z
        EACH_PREDICATE ldr
        b       2f
1:      EACH_VECTOR ldr, q
2:      ldr     x1, [x0, #OFFSET_FPSR]
        msr     fpsr, x1
        ldr     x1, [x0, #OFFSET_FPCR]
        msr     fpcr, x1
        ldr     x1, [x0, #OFFSET_NZCV]
        msr     nzcv, x1
        EACH_PAIR LOAD_PAIR
        ldr     x30, [x0, #8 * 30]
        ldp     x0, x1, [x0]
        .globl  registers_site, registers_behind, registers_elsewhere
registers_site:
        add     x0, x0, #1
registers_behind:
        stp     x0, x1, [sp, #-16]!
        mov     x1, #0
        b       3f
registers_elsewhere:
        stp     x0, x1, [sp, #-16]!
        mov     x1, #1
3:      adrp    x0, saved
        add     x0, x0, :lo12:saved
        ldr     x0, [x0, #8]
        str     x1, [x0, #OFFSET_ELSEWHERE]
        EACH_PAIR STORE_PAIR
        str     x30, [x0, #8 * 30]
        ldp     x1, x2, [sp], #16
        stp     x1, x2, [x0]
        mov     x1, sp
        str     x1, [x0, #OFFSET_SP]
        mrs     x1, nzcv
        str     x1, [x0, #OFFSET_NZCV]
        mrs     x1, fpsr
        str     x1, [x0, #OFFSET_FPSR]
        mrs     x1, fpcr
        str     x1, [x0, #OFFSET_FPCR]

        adrp    x3, saved
        add     x3, x3, :lo12:saved
        ldp     x4, x5, [x3, #16]
        msr     fpcr, x5
        add     x1, x0, #OFFSET_V
        cbz     x4, 4f
        mov     x2, #OFFSET_P
        add     x2, x0, x2
        EACH_VECTOR str, z
        EACH_PREDICATE str
        rdffr   p0.b
        str     p0, [x2, #16, mul vl]
        b       5f
4:      EACH_VECTOR str, q
5:      ldr     x4, [x3]
        mov     sp, x4
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        ret
        .cfi_endproc
        .size   registers_run, . - registers_run
        .section .note.GNU-stack, "", %progbits
