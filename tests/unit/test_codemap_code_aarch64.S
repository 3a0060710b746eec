/* Code whose every instruction start is known, as the code map should see it. Every word is one. */
  .macro function name
  .globl \name
  .type \name, %function
  .p2align 4
\name:
  .cfi_startproc
  .endm
  .macro finish name
  .cfi_endproc
  .size \name, . - \name
  .endm

  .text
/* Data among code, which reads as instructions here. */
  function has_data
  b 1f
  .globl has_data_bad
has_data_bad:
  .word 0
1: mov w0, #0
  ret
  finish has_data

  function begins_with_pad
  bti c
  ret
  finish begins_with_pad

/* Of its pages, up to 64 KiB each, one can be taken away. */
  .p2align 16
  nop
  function unreadable
  .rept 2 * 0x10000 / 4
  nop
  .endr
  ret
  finish unreadable

/* No unwind entry: only the symbol's size tells where it ends. */
  .globl without_unwind
  .type without_unwind, %function
  .p2align 4
without_unwind:
  mov w0, #1
  .globl without_unwind_second
without_unwind_second:
  add w0, w0, #2
  ret
  .globl without_unwind_end
without_unwind_end:
  .size without_unwind, . - without_unwind
  .globl without_anything
  .type without_anything, %function
without_anything:
  mov w0, #1
  ret

/* A restartable sequence, with the signature before its abort address. */
  function restartable
  nop
  .globl restartable_start
restartable_start:
  mov w0, #1
  mov w1, #2
  .globl restartable_end
restartable_end:
  ret
  .globl restartable_signature
restartable_signature:
  .inst 0xD428BC00                /* brk #0x45E0 */
  .globl restartable_abort
restartable_abort:
  udf #0
  finish restartable
  .section __rseq_cs, "aw", %progbits
  .balign 32
  .word 0, 0
  .quad restartable_start, restartable_end - restartable_start, restartable_abort
  .text

/* The cancellable system call as glibc 2.41 and musl 1.2 have it. */
  .globl cancellable
  .type cancellable, %function
cancellable:
  nop
  .globl cancellable_start
cancellable_start:
  ldr w10, [x0]
  tbnz w10, #2, 1f
  mov x8, x1
  mov x0, x2
  mov x1, x3
  mov x2, x4
  mov x3, x5
  mov x4, x6
  mov x5, x7
  .globl cancellable_syscall
cancellable_syscall:
  svc #0
  .globl cancellable_end
cancellable_end:
  ret
1: udf #0
  .size cancellable, . - cancellable

/* Bytes that only names could tell from other code. */
  .globl named
  .type named, %function
named:
  nop
  .globl named_start
named_start:
__cp_begin:
  mov w0, #7
  .globl named_end
named_end:
__cp_end:
  ret
  .size named, . - named

/* The signal return trampoline. */
  .globl returns_from_signal
  .type returns_from_signal, %function
returns_from_signal:
  mov x8, #139
  svc #0
  .size returns_from_signal, . - returns_from_signal
  .globl returns_from_signal_end
returns_from_signal_end:
  ret
  .section .note.GNU-stack, "", %progbits
