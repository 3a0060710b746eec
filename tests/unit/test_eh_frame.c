/* The unwind table's reader: against readelf on real libraries, on tables made by hand, and on broken ones, where the
 * sanitizers watch that it stays inside the bounds. */
#include "test_codemap_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "os/memory.h"
#include "resolve/eh_frame.h"

static struct eh_table table_of(const struct os_module *module)
{
  const struct os_segment *segment = os_module_segment(module, module->unwind, OS_READ);

  assert_non_null(segment);
  return (struct eh_table){.header = module->unwind, .low = segment->start, .high = segment->end};
}

static void check_next(const struct eh_table *table, const struct numbers *functions, uintptr_t base, uintptr_t address)
{
  bool exact;
  size_t index = numbers_find(functions, address + 1, &exact);
  uintptr_t expected = index < functions->count ? base + functions->first[index] : UINTPTR_MAX;

  assert_int_equal(eh_next_start(table, base + address), expected);
}

static void check_module(const char *ending)
{
  struct os_module module = module_called(ending);
  struct eh_table table = table_of(&module);
  struct numbers functions = numbers_of(READELF_FUNCTIONS, file_of(&module));
  struct eh_function found;
  size_t addresses = 0;

  for (size_t i = 0; i < functions.count; i++) {
    uintptr_t start = functions.first[i], end = functions.second[i];

    for (uintptr_t at = start; at < end; at++, addresses++) {
      if (!eh_find(&table, module.base + at, &found) || found.start != module.base + start ||
          found.end != module.base + end)
        fail_msg("%s: %#lx is not found in %#lx..%#lx", ending, at, start, end);
      if (at == start || at == end - 1 || at % 16 == 0)
        check_next(&table, &functions, module.base, at);
    }
    if (i + 1 < functions.count && functions.first[i + 1] > end) /* padding */
      assert_false(eh_find(&table, module.base + end, &found));
  }
  print_message("%s: %zu functions, %zu addresses\n", ending[0] ? ending : "the program", functions.count, addresses);
  numbers_free(&functions);
}

static void every_address_of_every_function_finds_it(void **state)
{
  (void)state;
  check_module("libc.so.6");
  check_module("");
  for (size_t i = 0; i < 2; i++) {
    static const char *const further[] = {"libstdc++.so.6", "libcrypto.so.3"};

    if (dlopen(further[i], RTLD_LAZY))
      check_module(further[i]);
    else
      print_message("%s is not there\n", further[i]);
  }
}

/* A header and a frame section put together by hand. */
struct made {
  uint8_t bytes[512];
  size_t length, cie;
};

static void put(struct made *made, const void *value, size_t size)
{
  memcpy(made->bytes + made->length, value, size);
  made->length += size;
}

static void put_byte(struct made *made, uint8_t value)
{
  put(made, &value, 1);
}

static void put_word(struct made *made, uint32_t value)
{
  put(made, &value, 4);
}

static void put_long(struct made *made, uint64_t value)
{
  put(made, &value, 8);
}

static void set_word(struct made *made, size_t at, uint32_t value)
{
  memcpy(made->bytes + at, &value, 4);
}

/* A header with room for two entries. */
static void begin(struct made *made)
{
  static const uint8_t head[] = {1, 0x1B, 0x03, 0x3B};

  memset(made, 0, sizeof *made);
  put(made, head, sizeof head);
  put_word(made, 0);
  put_word(made, 2);
  for (unsigned i = 0; i < 4; i++)
    put_word(made, 0);
}

static void put_cie(struct made *made, uint8_t version, const char *augmentation, const uint8_t *data,
                    uint8_t data_length)
{
  size_t length_at = made->length;

  made->cie = made->length;
  put_word(made, 0);
  put_word(made, 0);
  put_byte(made, version);
  put(made, augmentation, strlen(augmentation) + 1);
  put_byte(made, 1);
  put_byte(made, 0x78);
  put_byte(made, 16);
  if (augmentation[0] == 'z') {
    put_byte(made, data_length);
    put(made, data, data_length);
  }
  set_word(made, length_at, (uint32_t)(made->length - length_at - 4));
}

static void put_entry(struct made *made, unsigned index, intptr_t start, size_t fde)
{
  set_word(made, 12 + 8 * index, (uint32_t)start);
  set_word(made, 16 + 8 * index, (uint32_t)fde);
}

static struct eh_table made_table(const struct made *made)
{
  uintptr_t start = (uintptr_t)made->bytes;

  return (struct eh_table){.header = start, .low = start, .high = start + made->length};
}

enum {
  START = 0x1000,
  RANGE = 0x40
}; /* from the header on */

static void check_answers(const struct eh_table *table, uintptr_t start)
{
  struct eh_function found;

  assert_true(eh_find(table, start, &found));
  assert_int_equal(found.start, start);
  assert_int_equal(found.end, start + RANGE);
  assert_true(eh_find(table, start + RANGE - 1, &found));
  assert_false(eh_find(table, start + RANGE, &found));
  assert_false(eh_find(table, start - 1, &found));
  assert_int_equal(eh_next_start(table, start), start + 0x100);
  assert_int_equal(eh_next_start(table, 0), start);
}

/* One function of START, RANGE, its address written in each way that compilers and linkers use; the table read where it is, and
 * from a copy. */
static void check_encoding(uint8_t encoding, uint8_t version, const char *augmentation, const uint8_t *data,
                           uint8_t length)
{
  struct made made, copy;
  struct eh_table table;
  size_t fde, field;
  uintptr_t start = (uintptr_t)made.bytes + START, written;
  unsigned size = (encoding & 0xF) == 0x3 || (encoding & 0xF) == 0xB ? 4 : 8;

  begin(&made);
  put_cie(&made, version, augmentation, data, length);
  fde = made.length;
  put_word(&made, 0);
  put_word(&made, (uint32_t)(made.length - made.cie));
  field = made.length;
  written = start;
  if ((encoding & 0x70) == 0x10)
    written = start - ((uintptr_t)made.bytes + field);
  if ((encoding & 0x70) == 0x30)
    written = START;
  put(&made, &written, size);
  put(&made, &(uint64_t){RANGE}, size);
  set_word(&made, fde, (uint32_t)(made.length - fde - 4));
  put_entry(&made, 0, START, fde);
  put_entry(&made, 1, START + 0x100, fde);
  table = made_table(&made);
  check_answers(&table, start);
  copy = made;
  memset(made.bytes, 0, sizeof made.bytes);
  table.shift = (uintptr_t)copy.bytes - (uintptr_t)made.bytes;
  check_answers(&table, start);
}

static void every_encoding_of_addresses_is_read(void **state)
{
  static const uint8_t encodings[] = {0x00, 0x04, 0x0C, 0x10, 0x14, 0x1B, 0x1C, 0x13, 0x3B, 0x3C};
  uint8_t personality[] = {0x9B, 1, 2, 3, 4, 0x1B, 0x1B}, leb_personality[] = {0x01, 0x81, 0x82, 0x03, 0x1B, 0x1B};

  (void)state;
  for (size_t i = 0; i < sizeof encodings; i++) {
    check_encoding(encodings[i], 1, "zR", &encodings[i], 1);
    check_encoding(encodings[i], 3, "zRS", &encodings[i], 1);
    personality[6] = leb_personality[5] = encodings[i];
    check_encoding(encodings[i], 1, "zPLR", personality, sizeof personality);
    check_encoding(encodings[i], 1, "zPLR", leb_personality, sizeof leb_personality);
  }
  check_encoding(0x00, 1, "", NULL, 0);
}

static void what_is_not_understood_is_unknown(void **state)
{
  static const uint8_t pcrel = 0x1B, indirect = 0x9B, aligned = 0x50;
  static const uint8_t *const refused[] = {&indirect, &aligned};
  struct made made;
  struct eh_table table;
  struct eh_function found;
  size_t fde;
  uintptr_t start;

  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    begin(&made);
    put_cie(&made, 1, "zR", i < 2 ? refused[i] : &pcrel, 1);
    fde = made.length;
    put_word(&made, 20);
    put_word(&made, (uint32_t)(made.length - made.cie));
    put_word(&made, (uint32_t)(START - made.length));
    put_word(&made, i < 2 ? RANGE : 0); /* the third: a function of no length */
    put_long(&made, 0);
    put_entry(&made, 0, START, fde);
    put_entry(&made, 1, START + 0x100, fde);
    table = made_table(&made);
    start = (uintptr_t)made.bytes + START;
    assert_false(eh_find(&table, start, &found));
    assert_false(eh_find(&table, start + 1, &found));
  }
  table.header = 0;
  assert_false(eh_find(&table, start, &found));
  assert_int_equal(eh_next_start(&table, start), UINTPTR_MAX);
  table = made_table(&made);
  made.bytes[3] = 0x1B; /* a table in another form */
  assert_false(eh_find(&table, start, &found));
  assert_int_equal(eh_next_start(&table, start), UINTPTR_MAX);
}

static void two_functions_of_one_start_are_told_by_their_length(void **state)
{
  static const uint8_t pcrel = 0x1B;
  struct made made;
  struct eh_table table;
  struct eh_function found;
  size_t fde[2];

  (void)state;
  begin(&made);
  put_cie(&made, 1, "zR", &pcrel, 1);
  for (unsigned i = 0; i < 2; i++) {
    fde[i] = made.length;
    put_word(&made, 12);
    put_word(&made, (uint32_t)(made.length - made.cie));
    put_word(&made, (uint32_t)(START - made.length));
    put_word(&made, i == 0 ? RANGE : 0);
  }
  put_entry(&made, 0, START, fde[0]);
  put_entry(&made, 1, START, fde[1]);
  table = made_table(&made);
  assert_true(eh_find(&table, (uintptr_t)made.bytes + START + 5, &found));
  assert_int_equal(found.end - found.start, RANGE);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

/* libc's own table in a block of exactly its size, so that the address sanitizer sees the first byte outside. */
static void broken_tables_are_read_inside_their_bounds_only(void **state)
{
  enum {
    ROUNDS = 60000,
    HEAD = 12
  };
  struct os_module module = module_called("libc.so.6");
  struct eh_table real = table_of(&module);
  size_t size = real.high - real.header, found_count = 0;

  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    size_t length = round % 3 ? 1 + next_random() % 4096 : size / (1 + next_random() % 4);
    uint8_t *copy;
    struct eh_table table;
    struct eh_function found;

    if (round % 3 == 0 && round % 64) /* whole tables are dear */
      continue;
    copy = malloc(length);
    memcpy(copy, (const void *)real.header, length);
    if (length > HEAD && next_random() % 2) { /* let the count fit what is left */
      uint32_t count = (uint32_t)((length - HEAD) / 8 / (1 + next_random() % 4));

      memcpy(copy + 8, &count, 4);
      for (uint32_t i = 0; i < count && round % 3; i++) { /* entries that point at one another and into themselves */
        int32_t description = (int32_t)(next_random() % (length + 64));

        memcpy(copy + HEAD + 8 * i + 4, &description, 4);
      }
    }
    for (uint64_t changes = next_random() % 16; changes > 0; changes--)
      copy[next_random() % length] = (uint8_t)(next_random() % 4 ? next_random() : 0xFF);
    table = (struct eh_table){.header = (uintptr_t)copy, .low = (uintptr_t)copy, .high = (uintptr_t)copy + length};
    for (unsigned i = 0; i < 8; i++) {
      uintptr_t pc = (uintptr_t)copy - real.header + module.text + next_random() % (module.text_end - module.text);

      if (eh_find(&table, pc, &found)) {
        found_count++;
        assert_true(pc >= found.start && pc < found.end);
      }
      assert_true(eh_next_start(&table, pc) > pc);
    }
    free(copy);
  }
  print_message("%zu functions found in what was left\n", found_count);
  assert_true(found_count > 100);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_address_of_every_function_finds_it),
      cmocka_unit_test(every_encoding_of_addresses_is_read),
      cmocka_unit_test(what_is_not_understood_is_unknown),
      cmocka_unit_test(two_functions_of_one_start_are_told_by_their_length),
      cmocka_unit_test(broken_tables_are_read_inside_their_bounds_only),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
