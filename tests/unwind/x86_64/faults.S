/* For faults_test.c: functions that fault at one instruction, until rdi holds something better. */
#include "faults.inc"
helper: lea     7(%rsi), %rax
        ret

        HEAD    loads
at_loads:
        mov     (%rdi), %rax
        add     $1, %rax
        ret
        FAULT   loads, value, SIGSEGV
        HEAD    stores
        cmp     $9, %rsi
at_stores:
        movl    $77, 16(%rdi)
        setb    %al
        ret
        FAULT   stores, value-16, SIGSEGV
        HEAD    loads_beyond_the_end
        mov     bus_page(%rip), %rdi
at_loads_beyond_the_end:
        mov     (%rdi), %rax
        ret
        FAULT   loads_beyond_the_end, value, SIGBUS
        HEAD    divides
        lea     -5(%rdi), %rdi
        xor     %edx, %edx
at_divides:
        div     %rdi
        ret
        FAULT   divides, 7, SIGFPE
        HEAD    pushes
at_pushes:
        push    (%rdi)
        pop     %rax
        ret
        FAULT   pushes, value, SIGSEGV
        HEAD    calls
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
at_calls:
        call    *(%rdi)
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        ret
        FAULT   calls, pointer, SIGSEGV
        HEAD    is_undefined                    /* stepped over, not repaired */
        lea     3(%rdi), %rax
        cmp     $9, %rsi
at_is_undefined:
        ud2
        adc     $1, %rax
        ret
        FAULT   is_undefined, 0, SIGILL
        .section .data.rel.ro.faults, "aw", @progbits
        .quad   0, 0, 0, 0, 0, 0, 0
        .section .note.GNU-stack, "", @progbits
