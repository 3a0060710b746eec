/* Operations of DWARF expressions (DWARF 5, 7.7.1), as unwind rules here use them. */
#ifndef HOST_DWARF_H
#define HOST_DWARF_H

enum {
  OP_DEREF = 0x06, OP_CONST1U = 0x08, OP_CONST2U = 0x0A, OP_CONST8U = 0x0E, OP_DUP = 0x12, OP_DROP = 0x13, OP_OVER = 0x14, OP_PICK = 0x15,
  OP_SWAP = 0x16, OP_ROT = 0x17, OP_AND = 0x1A, OP_DIV = 0x1B, OP_MINUS = 0x1C, OP_MUL = 0x1E, OP_PLUS = 0x22, OP_PLUS_UCONST = 0x23,
  OP_SHL = 0x24, OP_SHR = 0x25, OP_SHRA = 0x26, OP_BRA = 0x28, OP_GE = 0x2A, OP_LE = 0x2C, OP_NE = 0x2E, OP_SKIP = 0x2F, OP_LIT0 = 0x30,
  OP_BREGX = 0x92, OP_DEREF_SIZE = 0x94
};

#endif
