/* .eh_frame_hdr and .eh_frame (Linux Standard Base, Core, 10.6): the sorted table of function starts, and the range in a
 * frame description entry. */
#include "resolve/eh_frame.h"

#include <stddef.h>

enum {                          /* DW_EH_PE_* */
  FORMAT = 0x0F,
  ABSOLUTE = 0x00,
  UDATA4 = 0x03,
  UDATA8 = 0x04,
  SDATA4 = 0x0B,
  SDATA8 = 0x0C,
  RELATIVE = 0x70,
  PC_RELATIVE = 0x10,
  DATA_RELATIVE_SDATA4 = 0x3B
};

struct entry {
  int32_t start, description;   /* both relative to the header */
};

static bool readable(const struct eh_table *table, uintptr_t address, size_t size)
{
  return address >= table->low && address <= table->high && table->high - address >= size;
}

static bool read_at(const struct eh_table *table, uintptr_t address, void *value, size_t size)
{
  if (!readable(table, address, size))
    return false;
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)value)[i] = ((const uint8_t *)address)[i];
  return true;
}

static bool read_encoded(const struct eh_table *table, uintptr_t address, uint8_t encoding, uintptr_t *value, size_t *size)
{
  int32_t narrow = 0;
  bool ok;

  *size = (encoding & FORMAT) == UDATA4 || (encoding & FORMAT) == SDATA4 ? 4 : 8;
  switch (encoding & FORMAT) {
  case UDATA4:
  case SDATA4:
    ok = read_at(table, address, &narrow, 4);
    *value = (encoding & FORMAT) == SDATA4 ? (uintptr_t)(intptr_t)narrow : (uint32_t)narrow;
    break;
  case ABSOLUTE:
  case UDATA8:
  case SDATA8:
    ok = read_at(table, address, value, 8);
    break;
  default:
    return false;
  }
  if ((encoding & RELATIVE) == PC_RELATIVE)
    *value += address;
  return ok && ((encoding & RELATIVE) == PC_RELATIVE || (encoding & RELATIVE) == 0);
}

static bool skip_leb128(const struct eh_table *table, uintptr_t *at)
{
  uint8_t byte;

  do
    if (!read_at(table, (*at)++, &byte, 1))
      return false;
  while (byte & 0x80);
  return true;
}

/* The encoding of addresses in the entries of the common information entry at `cie`. */
static bool address_encoding(const struct eh_table *table, uintptr_t cie, uint8_t *encoding)
{
  uintptr_t at = cie + 9, augmentation = at, data;
  uint8_t letter, byte;

  *encoding = ABSOLUTE;
  do
    if (!read_at(table, at++, &letter, 1))
      return false;
  while (letter);
  if (!read_at(table, augmentation, &letter, 1) || letter != 'z')
    return letter == 0;
  if (!skip_leb128(table, &at) || !skip_leb128(table, &at) || !skip_leb128(table, &at))   /* alignments, return register */
    return false;
  data = at;
  if (!skip_leb128(table, &data))
    return false;
  while (read_at(table, ++augmentation, &letter, 1) && letter) {
    if (!read_at(table, data++, &byte, 1))
      return false;
    if (letter == 'R') {
      *encoding = byte;
      return true;
    }
    if (letter == 'P')
      data += (byte & FORMAT) == UDATA4 || (byte & FORMAT) == SDATA4 ? 4 : 8;
  }
  return true;
}

static bool read_range(const struct eh_table *table, uintptr_t description, struct eh_function *function)
{
  uint32_t length, cie_offset;
  uint8_t encoding;
  uintptr_t range;
  size_t size;

  if (!read_at(table, description, &length, 4) || length == 0 || length == UINT32_MAX ||
      !read_at(table, description + 4, &cie_offset, 4) || !cie_offset)
    return false;
  if (!address_encoding(table, description + 4 - cie_offset, &encoding) ||
      !read_encoded(table, description + 8, encoding, &function->start, &size) ||
      !read_encoded(table, description + 8 + size, encoding & FORMAT, &range, &size))
    return false;
  function->end = function->start + range;
  return range != 0 && function->end > function->start;
}

/* The table's entries; 0 where it is not in the form that all linkers write. */
static size_t entries(const struct eh_table *table, uintptr_t *first)
{
  uint8_t head[4];
  uint32_t count;
  size_t pointer = 4;

  if (!table->header || !read_at(table, table->header, head, sizeof head) || head[0] != 1 || head[2] != UDATA4 ||
      head[3] != DATA_RELATIVE_SDATA4)
    return 0;
  if ((head[1] & FORMAT) != SDATA4 && (head[1] & FORMAT) != UDATA4)
    pointer = 8;
  if (!read_at(table, table->header + sizeof head + pointer, &count, 4))
    return 0;
  *first = table->header + sizeof head + pointer + 4;
  return readable(table, *first, count * sizeof(struct entry)) ? count : 0;
}

/* The index of the first entry that starts above `pc`. */
static size_t upper_bound(const struct eh_table *table, uintptr_t first, size_t count, uintptr_t pc)
{
  size_t low = 0, high = count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct entry *entry = (const struct entry *)(first + middle * sizeof *entry);

    if (table->header + (uintptr_t)(intptr_t)entry->start <= pc)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool eh_find(const struct eh_table *table, uintptr_t pc, struct eh_function *function)
{
  uintptr_t first;
  size_t count = entries(table, &first), index = count ? upper_bound(table, first, count, pc) : 0;
  const struct entry *entry;

  if (!index)
    return false;
  entry = (const struct entry *)(first + (index - 1) * sizeof *entry);
  return read_range(table, table->header + (uintptr_t)(intptr_t)entry->description, function) && pc >= function->start &&
         pc < function->end;
}

uintptr_t eh_next_start(const struct eh_table *table, uintptr_t pc)
{
  uintptr_t first;
  size_t count = entries(table, &first), index = count ? upper_bound(table, first, count, pc) : 0;

  if (!count || index == count)
    return UINTPTR_MAX;
  return table->header + (uintptr_t)(intptr_t)((const struct entry *)(first + index * sizeof(struct entry)))->start;
}
