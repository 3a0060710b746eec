/* x86-64: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags, in the order of both a frame and a capture. */
#ifndef REGISTERS_LAYOUT_H
#define REGISTERS_LAYOUT_H

enum { REGISTERS = 18, REGISTER_PC = 16 };

#endif
