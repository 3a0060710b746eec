/* For faults_test.c: functions that fault at one instruction, until x0 holds something better. */
        .macro  HEAD name
        .globl  \name
        .type   \name, %function
\name:
        .cfi_startproc
        .endm
        .macro  FAULT name, repair, signal
        .cfi_endproc
        .size   \name, . - \name
        .pushsection .rodata.names, "aS", %progbits
.Lname_\name:
        .asciz  "\name"
        .popsection
        .pushsection .data.rel.ro.faults, "aw", %progbits
        .xword  .Lname_\name, \name, at_\name, \repair, \signal, at_\name, 0
        .popsection
        .endm
#define SIGILL 4
#define SIGBUS 7
#define SIGSEGV 11
        .section .data.rel.ro.faults, "aw", %progbits
        .p2align 3
        .globl  faults
faults:
        .data
        .p2align 3
value:  .xword  1234, 5678
        .text
        HEAD    loads
at_loads:
        ldr     x0, [x0]
        add     x0, x0, #1
        ret
        FAULT   loads, value, SIGSEGV
        HEAD    stores
        cmp     x1, #9
at_stores:
        str     x1, [x0, #16]
        cset    x0, hi
        ret
        FAULT   stores, value-16, SIGSEGV
        HEAD    loads_beyond_the_end
        adrp    x0, bus_page
        ldr     x0, [x0, :lo12:bus_page]
at_loads_beyond_the_end:
        ldr     x0, [x0]
        ret
        FAULT   loads_beyond_the_end, value, SIGBUS
        HEAD    loads_two
at_loads_two:
        ldp     x3, x4, [x0], #16
        add     x0, x3, x4
        ret
        FAULT   loads_two, value, SIGSEGV
        HEAD    is_undefined                    /* stepped over, not repaired */
        cmp     x1, #9
at_is_undefined:
        udf     #7
        cinc    x0, x0, hi
        ret
        FAULT   is_undefined, 0, SIGILL
        .section .data.rel.ro.faults, "aw", %progbits
        .xword  0, 0, 0, 0, 0, 0, 0
        .section .note.GNU-stack, "", %progbits
