/* .eh_frame_hdr and .eh_frame (Linux Standard Base, Core, 10.6): the sorted table of function starts, and the range in
 * a frame description entry (FDE), whose encodings its common information entry (CIE) tells. */
#include "resolve/eh_frame.h"

#include <stddef.h>

enum { /* DW_EH_PE_*: how a pointer is written */
  FORMAT = 0x0F,
  ABSOLUTE = 0x00,
  ULEB128 = 0x01,
  UDATA2 = 0x02,
  UDATA4 = 0x03,
  UDATA8 = 0x04,
  SLEB128 = 0x09,
  SDATA2 = 0x0A,
  SDATA4 = 0x0B,
  SDATA8 = 0x0C,
  BASE = 0x70, /* what it is relative to */
  PC_RELATIVE = 0x10,
  DATA_RELATIVE = 0x30,
  OMITTED = 0xFF
};

struct entry {
  int32_t start, description; /* both relative to the header */
};

struct cursor { /* reads forward; `failed` is sticky, and what was read then is zero */
  const struct eh_table *table;
  uintptr_t at, end;
  bool failed;
};

static void read_bytes(struct cursor *cursor, void *value, size_t size)
{
  bool inside = cursor->at >= cursor->table->low && cursor->at <= cursor->end && cursor->end - cursor->at >= size;

  cursor->failed |= !inside;
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)value)[i] = cursor->failed ? 0 : ((const uint8_t *)(cursor->at + cursor->table->shift))[i];
  cursor->at += cursor->failed ? 0 : size;
}

static uint8_t read_byte(struct cursor *cursor)
{
  uint8_t byte;

  read_bytes(cursor, &byte, sizeof byte);
  return byte;
}

static uint32_t read_word(struct cursor *cursor)
{
  uint32_t word;

  read_bytes(cursor, &word, sizeof word);
  return word;
}

/* Of signed ones only the length matters here: no linker writes addresses so. */
static uint64_t read_leb128(struct cursor *cursor)
{
  uint64_t value = 0;
  unsigned shift = 0;
  uint8_t byte;

  do {
    byte = read_byte(cursor);
    value |= shift < 64 ? (uint64_t)(byte & 0x7F) << shift : 0;
    shift += 7;
  } while (byte & 0x80);
  return value;
}

static uintptr_t read_plain(struct cursor *cursor, uint8_t format)
{
  union {
    uint16_t u2;
    int16_t s2;
    uint32_t u4;
    int32_t s4;
    uintptr_t u8;
  } value = {.u8 = 0};

  switch (format) {
  case ULEB128:
  case SLEB128:
    return (uintptr_t)read_leb128(cursor);
  case UDATA2:
  case SDATA2:
    read_bytes(cursor, &value, 2);
    return format == SDATA2 ? (uintptr_t)(intptr_t)value.s2 : value.u2;
  case UDATA4:
  case SDATA4:
    read_bytes(cursor, &value, 4);
    return format == SDATA4 ? (uintptr_t)(intptr_t)value.s4 : value.u4;
  case ABSOLUTE:
  case UDATA8:
  case SDATA8:
    read_bytes(cursor, &value, 8);
    return value.u8;
  default:
    cursor->failed = true;
    return 0;
  }
}

static uintptr_t read_address(struct cursor *cursor, uint8_t encoding)
{
  uintptr_t field = cursor->at, value = read_plain(cursor, encoding & FORMAT);

  switch (encoding & ~FORMAT) {
  case 0:
    return value;
  case PC_RELATIVE:
    return field + value;
  case DATA_RELATIVE:
    return cursor->table->header + value;
  default: /* indirect, or relative to what only the unwinder knows */
    cursor->failed = true;
    return 0;
  }
}

static struct cursor cursor_at(const struct eh_table *table, uintptr_t at)
{
  return (struct cursor){.table = table, .at = at, .end = table->high, .failed = !table->high};
}

/* Steps into a CIE or FDE: past its length, with the cursor bounded to it. */
static struct cursor open_record(const struct eh_table *table, uintptr_t at)
{
  struct cursor cursor = cursor_at(table, at);
  uint64_t length = read_word(&cursor);

  if (length == UINT32_MAX)
    read_bytes(&cursor, &length, sizeof length);
  if (!length || cursor.end - cursor.at < length)
    cursor.failed = true;
  else
    cursor.end = cursor.at + length;
  return cursor;
}

static void skip_personality(struct cursor *cursor)
{
  uint8_t encoding = read_byte(cursor);

  if (encoding != OMITTED)
    read_plain(cursor, encoding & FORMAT);
}

/* How the FDEs of the CIE at `address` write their function's address, and what kind of frame they are of. */
static bool read_cie(const struct eh_table *table, uintptr_t address, uint8_t *encoding, bool *is_signal_frame)
{
  struct cursor cie = open_record(table, address), letters;
  uint8_t version, letter;

  *encoding = ABSOLUTE;
  *is_signal_frame = false;
  if (read_word(&cie) != 0) /* the mark of a CIE */
    return false;
  version = read_byte(&cie);
  letters = cie;
  while (read_byte(&cie))
    ;
  letter = read_byte(&letters);
  if (letter != 'z')
    return !cie.failed && !letter;
  read_leb128(&cie); /* code alignment, data alignment, return register, length of what follows */
  read_leb128(&cie);
  if (version == 1)
    read_byte(&cie);
  else
    read_leb128(&cie);
  read_leb128(&cie);
  while ((letter = read_byte(&letters)) && !cie.failed) {
    if (letter == 'R')
      *encoding = read_byte(&cie);
    else if (letter == 'L')
      read_byte(&cie);
    else if (letter == 'P')
      skip_personality(&cie);
    else if (letter == 'S')
      *is_signal_frame = true;
    else if (letter != 'B' && letter != 'G')
      break; /* unknown, so what follows it cannot be told either */
  }
  return !cie.failed;
}

static bool read_range(const struct eh_table *table, uintptr_t address, struct eh_function *function)
{
  struct cursor fde = open_record(table, address);
  uintptr_t field = fde.at;
  uint32_t cie_offset = read_word(&fde);
  uint8_t encoding;
  uintptr_t range;

  if (fde.failed || !cie_offset || cie_offset > field ||
      !read_cie(table, field - cie_offset, &encoding, &function->is_signal_frame))
    return false;
  function->start = read_address(&fde, encoding);
  range = read_plain(&fde, encoding & FORMAT);
  function->end = function->start + range;
  return !fde.failed && function->end > function->start;
}

/* The table's entries; 0 where it is not in the one form that all linkers write. */
static size_t entries(const struct eh_table *table, uintptr_t *first)
{
  enum {
    VERSION = 1,
    SORTED_TABLE = DATA_RELATIVE | SDATA4
  };
  struct cursor cursor = cursor_at(table, table->header);
  uint8_t head[4];
  size_t count;

  read_bytes(&cursor, head, sizeof head);
  if (cursor.failed || head[0] != VERSION || head[2] == OMITTED || head[3] != SORTED_TABLE)
    return 0;
  if (head[1] != OMITTED)
    read_plain(&cursor, head[1] & FORMAT);
  count = read_plain(&cursor, head[2] & FORMAT);
  *first = cursor.at;
  return cursor.failed || count > (cursor.end - cursor.at) / sizeof(struct entry) ? 0 : count;
}

static struct entry entry_at(const struct eh_table *table, uintptr_t first, size_t index)
{
  struct entry entry;

  __builtin_memcpy(&entry, (const void *)(first + table->shift + index * sizeof entry), sizeof entry); /* may be unaligned */
  return entry;
}

static uintptr_t start_at(const struct eh_table *table, uintptr_t first, size_t index)
{
  return table->header + (uintptr_t)(intptr_t)entry_at(table, first, index).start;
}

/* The index of the first entry that starts above `pc`. */
static size_t upper_bound(const struct eh_table *table, uintptr_t first, size_t count, uintptr_t pc)
{
  size_t low = 0, high = count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (start_at(table, first, middle) <= pc)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool eh_find(const struct eh_table *table, uintptr_t pc, struct eh_function *function)
{
  uintptr_t first, start;
  size_t count = entries(table, &first), index = count ? upper_bound(table, first, count, pc) : 0;
  struct eh_function found;

  if (!index)
    return false;
  /* Entries of one start: discarded functions leave some of no length. */
  start = start_at(table, first, index - 1);
  for (; index > 0 && start_at(table, first, index - 1) == start; index--) {
    uintptr_t description = table->header + (uintptr_t)(intptr_t)entry_at(table, first, index - 1).description;

    if (read_range(table, description, &found) && found.start == start && pc >= start && pc < found.end) {
      *function = found;
      return true;
    }
  }
  return false;
}

uintptr_t eh_next_start(const struct eh_table *table, uintptr_t pc)
{
  uintptr_t first, start;
  size_t count = entries(table, &first), index = count ? upper_bound(table, first, count, pc) : 0;

  if (!count || index == count)
    return UINTPTR_MAX;
  start = start_at(table, first, index);
  return start > pc ? start : UINTPTR_MAX; /* an unsorted table knows nothing */
}
