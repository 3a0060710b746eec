/* Code whose every instruction start is known, as the code map should see it. */
  .macro function name
  .globl \name
  .type \name, @function
  .p2align 4
\name:
  .cfi_startproc
  .endm
  .macro finish name
  .cfi_endproc
  .size \name, . - \name
  .endm

  .text
/* A branch past `lock`, as libraries have that choose at run time. */
  function skips_lock
  test %edi, %edi
  je 1f + 1
  .globl skips_lock_outer
skips_lock_outer:
1: lock incl (%rsi)
  .globl skips_lock_behind
skips_lock_behind:
  ret
  finish skips_lock

/* A loop into the immediate of the first instruction: 90 90 C3 is code of its own. */
  function entered_inside
1: movl $0x01C39090, %eax
  jmp 1b + 1
  finish entered_inside

/* A far one, so that it is not found near the entry; the first instruction has a prefix. */
  function entered_from_afar
1: lock incl (%rdi)
  .fill 1200, 1, 0x90
  jmp 1b + 1
  finish entered_from_afar

/* Bytes that look like a branch into the first instruction and are the tail of a mov. */
  function looks_entered
  movl $0, %eax
  .byte 0xB9, 0, 0, 0xEB, 0xF4      /* mov $0xF4EB0000,%ecx; its tail reads as jmp looks_entered + 2 */
  ret
  finish looks_entered

/* 06 is no instruction of 64-bit mode; the one behind it is reached by a branch only. */
  function has_data
  jmp 1f
  .globl has_data_bad
has_data_bad:
  .byte 0x06
  .globl has_data_dark
has_data_dark:
  nop
  nop
  .globl has_data_target
has_data_target:
1: xorl %eax, %eax
  .globl has_data_after
has_data_after:
  ret
  finish has_data

  function loops_everywhere
1: nop
  jrcxz 2f
  loop 1b
2: loope 3f
  loopne 1b
3: call 4f
4: pop %rax
  jmp *5f(%rip)
5: .byte 0xC7, 0xF8               /* xbegin into the middle of a mov */
  .long 6f + 1 - 7f
7: nop
6: movl $0x90909090, %edx
  ret
  finish loops_everywhere
  .globl loops_everywhere_mov
  .set loops_everywhere_mov, 6b

  function ends_with_endbr
  endbr64
  ret
  finish ends_with_endbr

/* Its second page can be taken away. */
  .p2align 12
  nop
  function unreadable
  .fill 8160, 1, 0x90
  ret
  finish unreadable

/* No unwind entry: only the symbol's size tells where it ends. */
  .globl without_unwind
  .type without_unwind, @function
  .p2align 4
without_unwind:
  movl $1, %eax
  .globl without_unwind_second
without_unwind_second:
  addl $2, %eax
  ret
  .globl without_unwind_end
without_unwind_end:
  .size without_unwind, . - without_unwind
  .globl without_anything
  .type without_anything, @function
without_anything:
  movl $1, %eax
  ret

/* A restartable sequence, with the signature before its abort address. */
  function restartable
  nop
  .globl restartable_start
restartable_start:
  movl $1, %eax
  movl $2, %ecx
  .globl restartable_end
restartable_end:
  ret
  .byte 0x0F, 0xB9, 0x3D
  .globl restartable_signature
restartable_signature:
  .long 0x53053053
  .globl restartable_abort
restartable_abort:
  ud2
  finish restartable
  .section __rseq_cs, "aw", @progbits
  .balign 32
  .long 0, 0
  .quad restartable_start, restartable_end - restartable_start, restartable_abort
  .text

/* The cancellable system call as glibc 2.41 and musl 1.2 have it. */
  .globl cancellable
  .type cancellable, @function
cancellable:
  nop
  .globl cancellable_start
cancellable_start:
  movl (%rdi), %eax
  testb $4, (%rdi)
  jne 1f
  movq %rdi, %r11
  movq %rsi, %rax
  movq %rdx, %rdi
  movq %rcx, %rsi
  movq %r8, %rdx
  movq %r9, %r10
  movq 8(%rsp), %r8
  movq 16(%rsp), %r9
  movq %r11, 8(%rsp)
  .globl cancellable_syscall
cancellable_syscall:
  syscall
  .globl cancellable_end
cancellable_end:
  ret
1: ud2
  .size cancellable, . - cancellable

/* Bytes that only names could tell from other code. */
  .globl named
  .type named, @function
named:
  nop
  .globl named_start
named_start:
__cp_begin:
  movl $7, %eax
  .globl named_end
named_end:
__cp_end:
  ret
  .size named, . - named

/* The signal return trampoline. */
  .globl returns_from_signal
  .type returns_from_signal, @function
returns_from_signal:
  movq $15, %rax
  syscall
  .size returns_from_signal, . - returns_from_signal
  .globl returns_from_signal_end
returns_from_signal_end:
  ret
  .section .note.GNU-stack, "", @progbits
