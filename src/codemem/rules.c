/* The expressions keep what they need on the stack machine's stack, whose top is written last: `[pc low high]`. */
#include "codemem/rules.h"

#include <assert.h>
#include "core/shape.h"
#include "host/dwarf.h"

enum { CFA_DEF = 0x0C, CFA_DEF_EXPRESSION = 0x0F, CFA_VAL_OFFSET = 0x14, CFA_VAL_EXPRESSION = 0x16 };

_Static_assert(sizeof(struct site) < 256 && STATE_UNIT < 32 && STATE_BEHIND_PAD < 32 && STATE_BEHIND_INSN < 32, "operands");

struct writer {
  uint8_t *bytes;
  size_t length, room;
};

#define PUT(w, ...) put((w), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void put(struct writer *w, const void *bytes, size_t count)
{
  assert(w->length + count <= w->room);
  for (size_t i = 0; i < count; i++)
    w->bytes[w->length++] = ((const uint8_t *)bytes)[i];
}

static void put_16(struct writer *w, uint16_t value)
{
  put(w, &value, sizeof value);
}

static void put_32(struct writer *w, uint32_t value)
{
  put(w, &value, sizeof value);
}

static void put_address(struct writer *w, uintptr_t value)
{
  put(w, &value, sizeof value);
}

static void patch_16(struct writer *w, size_t at, size_t value)
{
  w->bytes[at] = (uint8_t)value;
  w->bytes[at + 1] = (uint8_t)(value >> 8);
}

static void put_uleb(struct writer *w, unsigned value)
{
  for (; value > 0x7F; value >>= 7)
    PUT(w, (uint8_t)(value | 0x80));
  PUT(w, (uint8_t)value);
}

static void push_constant(struct writer *w, uintptr_t value)
{
  PUT(w, OP_CONST8U);
  put_address(w, value);
}

/* A register plus an offset, which is not negative. */
static void push_register(struct writer *w, unsigned column, unsigned offset)
{
  PUT(w, OP_BREGX);
  put_uleb(w, column);
  PUT(w, (uint8_t)((offset & 0x7F) | 0x80), (uint8_t)(offset >> 7));     /* signed: bit 6 of the last byte is clear */
}

/* [pointer] -> [pointer->member] */
static void load_member(struct writer *w, unsigned offset, unsigned size)
{
  PUT(w, OP_PLUS_UCONST);
  put_uleb(w, offset);
  PUT(w, OP_DEREF_SIZE, (uint8_t)size);
}

static size_t put_branch(struct writer *w, uint8_t op)
{
  PUT(w, op);
  put_16(w, 0);
  return w->length - 2;
}

static void land(struct writer *w, size_t branch)
{
  patch_16(w, branch, w->length - (branch + 2));
}

static void branch_back(struct writer *w, size_t to)
{
  PUT(w, OP_SKIP);
  put_16(w, (uint16_t)(to - (w->length + 2)));
}

/* [index] -> [&sites[index]] */
static void index_site(struct writer *w, const struct rules_area *area)
{
  PUT(w, OP_CONST1U, sizeof(struct site), OP_MUL);
  push_constant(w, (uintptr_t)area->sites);
  PUT(w, OP_PLUS);
}

/* [] -> [pc site]: the last one whose stub does not begin behind the pc. */
static void find_site(struct writer *w, const struct rules_area *area, unsigned pc_column)
{
  size_t loop, found, not_behind;

  push_register(w, pc_column, 0);
  PUT(w, OP_LIT0);
  push_constant(w, (uintptr_t)area->site_count);
  PUT(w, OP_DEREF);
  loop = w->length;                                                      /* [pc low high] */
  PUT(w, OP_OVER, OP_PLUS_UCONST, 1, OP_OVER, OP_GE);
  found = put_branch(w, OP_BRA);                                         /* low + 1 >= high */
  PUT(w, OP_OVER, OP_OVER, OP_PLUS, OP_LIT0 + 1, OP_SHR, OP_DUP);        /* [pc low high middle middle] */
  index_site(w, area);
  load_member(w, offsetof(struct site, stub), sizeof(uintptr_t));
  PUT(w, OP_PICK, 4, OP_LE);
  not_behind = put_branch(w, OP_BRA);                                    /* sites[middle].stub <= pc */
  PUT(w, OP_SWAP, OP_DROP);                                              /* high = middle */
  branch_back(w, loop);
  land(w, not_behind);
  PUT(w, OP_ROT, OP_SWAP, OP_DROP);                                      /* low = middle */
  branch_back(w, loop);
  land(w, found);
  PUT(w, OP_DROP);
  index_site(w, area);
}

/* [] -> [site state] */
static void find_state(struct writer *w, const struct rules_area *area, unsigned pc_column)
{
  find_site(w, area, pc_column);
  PUT(w, OP_SWAP, OP_OVER);
  load_member(w, offsetof(struct site, stub), sizeof(uintptr_t));
  PUT(w, OP_MINUS, OP_CONST1U, HOST_STUB_SPAN - 1, OP_AND);              /* what is no stub's pc may lead nowhere else */
  PUT(w, OP_LIT0 + HOST_INSN_ALIGN, OP_DIV, OP_LIT0 + sizeof(struct stub_state), OP_MUL, OP_OVER);
  load_member(w, offsetof(struct site, shape), sizeof(uint8_t));
  PUT(w, OP_CONST2U);
  put_16(w, sizeof(struct shape));
  PUT(w, OP_MUL, OP_PLUS);
  push_constant(w, (uintptr_t)shapes);
  PUT(w, OP_PLUS);
}

/* The program's sp, which is the frame address. */
static void express_sp(struct writer *w, const struct rules_area *area, unsigned pc_column)
{
  find_state(w, area, pc_column);
  load_member(w, offsetof(struct stub_state, lowered), sizeof(uint8_t));
  PUT(w, OP_LIT0 + STATE_UNIT, OP_MUL);
  push_register(w, HOST_SP_COLUMN, 0);
  PUT(w, OP_PLUS);
}

/* [site flags] -> [site flags length], which is zero where the flag is clear. */
static void length_if(struct writer *w, unsigned flag, unsigned member)
{
  PUT(w, OP_DUP, (uint8_t)(OP_LIT0 + flag), OP_AND, (uint8_t)(OP_LIT0 + flag), OP_DIV, OP_PICK, 2);
  load_member(w, member, sizeof(uint8_t));
  PUT(w, OP_MUL);
}

/* As shape_pc has it, but that a branch's target counts as the branch: the rules there are the same. */
static void express_pc(struct writer *w, const struct rules_area *area, unsigned pc_column)
{
  find_state(w, area, pc_column);
  load_member(w, offsetof(struct stub_state, flags), sizeof(uint8_t));
  length_if(w, STATE_BEHIND_INSN, offsetof(struct site, length));
  PUT(w, OP_SWAP);                                                       /* [site length flags] */
  PUT(w, OP_PICK, 2, OP_SWAP);
  length_if(w, STATE_BEHIND_PAD, offsetof(struct site, shift));          /* [site length site flags shift] */
  PUT(w, OP_SWAP, OP_DROP, OP_SWAP);
  load_member(w, offsetof(struct site, address), sizeof(uintptr_t));
  PUT(w, OP_PLUS, OP_PLUS);
}

/* The return address that a function has in a register, where the stub uses that. Where a call is about to put its own there, a
 * caller has saved the old one; if not, nobody knows it any more, and the stack ends. */
static void express_link(struct writer *w, const struct rules_area *area, unsigned pc_column)
{
  size_t saved, lost, over, over_too;

  find_state(w, area, pc_column);
  load_member(w, offsetof(struct stub_state, flags), sizeof(uint8_t));
  PUT(w, OP_DUP, OP_CONST1U, HOST_LINK_SAVED, OP_AND);
  saved = put_branch(w, OP_BRA);
  PUT(w, OP_CONST1U, HOST_LINK_LOST, OP_AND);
  lost = put_branch(w, OP_BRA);
  push_register(w, HOST_LINK_COLUMN, 0);
  over = put_branch(w, OP_SKIP);
  land(w, saved);
  push_register(w, HOST_SP_COLUMN, HOST_LINK_OFFSET);
  PUT(w, OP_DEREF);
  over_too = put_branch(w, OP_SKIP);
  land(w, lost);
  PUT(w, OP_LIT0);
  land(w, over);
  land(w, over_too);
}

typedef void expression(struct writer *, const struct rules_area *, unsigned pc_column);

/* An expression is preceded by its length, of two bytes here. */
static void put_expression(struct writer *w, expression *express, const struct rules_area *area, unsigned pc_column)
{
  size_t at = w->length, length;

  put_16(w, 0);
  express(w, area, pc_column);
  length = w->length - at - 2;
  patch_16(w, at, (length & 0x7F) | 0x80 | length >> 7 << 8);
}

/* What begins with its length. */
static void end_record(struct writer *w, size_t start)
{
  while (w->length % 8 != 4)
    PUT(w, 0);                                                           /* DW_CFA_nop */
  patch_16(w, start, w->length - start - 4);
}

static void put_common(struct writer *w)
{
  put_32(w, 0);
  put_32(w, 0);                                                          /* a common record */
  PUT(w, 1, 'z', 'R', 'S', 0, 1, 1, HOST_PC_COLUMN, 1, 0);               /* of signal frames; addresses are absolute */
  end_record(w, 0);
}

/* The record of an area, up to its instructions; where it starts. */
static size_t begin_area(struct writer *w, uintptr_t code, size_t size)
{
  size_t start;

  put_common(w);
  start = w->length;
  put_32(w, 0);
  put_32(w, (uint32_t)w->length);                                        /* back to the common record */
  put_address(w, code);
  put_address(w, size);
  PUT(w, 0);
  return start;
}

static size_t end_area(struct writer *w, size_t start)
{
  end_record(w, start);
  put_32(w, 0);
  return w->length;
}

size_t rules_build(const struct rules_area *area, unsigned pc_column, uint8_t bytes[RULES_MAX])
{
  struct writer w = {.bytes = bytes, .room = RULES_MAX};
  size_t start = begin_area(&w, area->code, area->size);

  PUT(&w, CFA_DEF_EXPRESSION);
  put_expression(&w, express_sp, area, pc_column);
  PUT(&w, CFA_VAL_OFFSET, HOST_SP_COLUMN, 0, CFA_VAL_EXPRESSION, HOST_PC_COLUMN);
  put_expression(&w, express_pc, area, pc_column);
  if (HOST_LINK_COLUMN) {
    PUT(&w, CFA_VAL_EXPRESSION, HOST_LINK_COLUMN);
    put_expression(&w, express_link, area, pc_column);
  }
  return end_area(&w, start);
}

static void express_island(struct writer *w, const struct rules_area *area, unsigned pc_column)
{
  (void)area;
  push_register(w, pc_column, 0);
  put(w, host_island_rule, host_island_rule_length);
}

size_t rules_build_islands(uintptr_t page, size_t size, uint8_t *bytes, size_t room)
{
  struct writer w = {.bytes = bytes, .room = room};
  size_t start = begin_area(&w, page, size);

  PUT(&w, CFA_DEF, HOST_SP_COLUMN, 0, CFA_VAL_OFFSET, HOST_SP_COLUMN, 0, CFA_VAL_EXPRESSION, HOST_PC_COLUMN);
  put_expression(&w, express_island, NULL, HOST_SIGNAL_PC_COLUMN);
  return end_area(&w, start);
}
