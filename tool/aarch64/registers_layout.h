/* AArch64: x0 to x30, sp, pc, flags, in the order of both a frame and a capture. */
#ifndef REGISTERS_LAYOUT_H
#define REGISTERS_LAYOUT_H

enum { REGISTERS = 34, REGISTER_PC = 32 };

#endif
