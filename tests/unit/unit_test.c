/* Pure parts: puns, pages, the table, unwind tables. Built with the address and undefined-behaviour sanitizers. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <link.h>
#include "isa/x86_64/pun.h"
#include "isa/x86_64/relocate.h"
#include "isa/x86_64/trapping.h"
#include "os/memory.h"
#include "resolve/eh_frame.h"
#include "table/table.h"

static void pages_are_rounded_down_and_up(void **state)
{
  (void)state;
  assert_int_equal(page_down(0x1FFF, 0x1000), 0x1000);
  assert_int_equal(page_down(0x2000, 0x1000), 0x2000);
  assert_int_equal(page_up(0x1001, 0x1000), 0x2000);
  assert_int_equal(page_up(0x2000, 0x1000), 0x2000);
  assert_int_equal(page_up(0x1FFFF, 0x10000), 0x20000);
  assert_int_equal(page_down(0x1FFFF, 0x4000), 0x1C000);
}

static void a_punned_jump_leads_to_every_place_of_its_window_and_repeats_what_follows(void **state)
{
  (void)state;
  for (unsigned round = 0; round < 20000; round++) {
    uint64_t address = UINT64_C(0x500000000000) + (uint64_t)rand() * 16;
    unsigned length = 1 + (unsigned)rand() % 4, prefixes = (unsigned)rand() % length;
    uint8_t code[16], jump[16];
    struct x64_window window;
    struct x64_insn insn;
    uint64_t target;

    for (unsigned i = 0; i < sizeof code; i++)
      code[i] = (uint8_t)rand();
    assert_true(x64_pun_window(address, length, prefixes, code, &window));
    target = window.first + (window.last == window.first ? 0 : (uint64_t)rand() % (window.last - window.first + 1));
    x64_pun_bytes(address, prefixes, target, jump);
    assert_memory_equal(jump + length, code + length, prefixes + X64_JMP_LENGTH - length);
    assert_true(x64_decode(jump, sizeof jump, address, &insn));
    assert_int_equal(insn.kind, X64_JMP);
    assert_int_equal(insn.length, prefixes + X64_JMP_LENGTH);
    assert_true(insn.target == target);
    jump[length] = 0xCC;                                      /* somebody's breakpoint behind the site */
    assert_true(x64_decode(jump, sizeof jump, address, &insn));
    assert_true(insn.target == x64_pun_deflected(address, prefixes, target, length, 0xCC));
  }
}

/* Handed on without a terminator, as CPUID gives it: the sanitizer watches the end. */
static size_t trapping_bytes(const char *name, unsigned family, const uint8_t **bytes)
{
  char *vendor = malloc(X64_VENDOR_LENGTH);
  size_t count;

  memcpy(vendor, name, X64_VENDOR_LENGTH);
  count = x64_trapping_bytes(vendor, family, bytes);
  free(vendor);
  return count;
}

static void only_cpus_that_were_tried_have_trapping_bytes_beside_the_breakpoint(void **state)
{
  const uint8_t *bytes;

  (void)state;
  assert_int_equal(trapping_bytes("AuthenticAMD", 0x19, &bytes), 16);
  assert_int_equal(trapping_bytes("AuthenticAMD", 0xF, &bytes), 1);
  assert_int_equal(bytes[0], 0xCC);
  assert_int_equal(trapping_bytes("GenuineIntel", 0x19, &bytes), 1);
  assert_int_equal(bytes[0], 0xCC);
  assert_int_equal(trapping_bytes("AuthenticAMX", 0x19, &bytes), 1);
}

static void no_cpu_has_trapping_bytes_that_need_others_behind_them(void **state)
{
  static const char *const vendors[] = {"AuthenticAMD", "GenuineIntel", "HygonGenuine", "CentaurHauls", "  Shanghai  "};
  static const uint8_t never[] = {0x62, 0x82, 0x9A, 0xC4, 0xC5, 0xD4, 0xD5, 0xEA, 0xF1};

  (void)state;
  for (unsigned i = 0; i < sizeof vendors / sizeof vendors[0]; i++)
    for (unsigned family = 0; family < 0x200; family++) {
      const uint8_t *bytes;
      size_t count = trapping_bytes(vendors[i], family, &bytes);

      assert_true(count >= 1 && bytes[0] == 0xCC);
      for (size_t k = 1; k < count; k++) {
        assert_true(k == 1 || bytes[k] > bytes[k - 1]);
        assert_int_not_equal(bytes[k], 0xCC);
        assert_null(memchr(never, bytes[k], sizeof never));
      }
    }
}

static void the_table_finds_what_was_put_and_nothing_else(void **state)
{
  enum { COUNT = 50000 };
  static uint64_t sites[COUNT * 2];

  (void)state;
  for (uintptr_t i = 0; i < COUNT; i++) {
    assert_true(table_reserve(1));
    table_put(0x1000 + i * 3, (struct site *)&sites[i * 2], i & 1);
  }
  for (uintptr_t i = 0; i < COUNT; i++) {
    struct table_value found = table_find(0x1000 + i * 3);

    assert_ptr_equal(found.site, &sites[i * 2]);
    assert_int_equal(found.tag, i & 1);
    assert_null(table_find(0x1001 + i * 3).site);
  }
}

static int visit(struct dl_phdr_info *info, size_t size, void *table)
{
  struct eh_table *found = table;

  (void)size;
  if (!strstr(info->dlpi_name, "libc.so"))
    return 0;
  found->low = UINTPTR_MAX;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

    if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
      found->header = start;
    if (info->dlpi_phdr[i].p_type != PT_LOAD)
      continue;
    found->low = start < found->low ? start : found->low;
    found->high = start + info->dlpi_phdr[i].p_memsz > found->high ? start + info->dlpi_phdr[i].p_memsz : found->high;
  }
  return 1;
}

static void every_function_of_libc_is_found_from_its_first_and_last_byte(void **state)
{
  struct eh_table table = {0};
  struct eh_function function, again;
  unsigned count = 0;

  (void)state;
  assert_int_equal(dl_iterate_phdr(visit, &table), 1);
  for (uintptr_t at = eh_next_start(&table, 0); at != UINTPTR_MAX; at = eh_next_start(&table, at)) {
    if (!eh_find(&table, at, &function))
      continue;
    assert_int_equal(function.start, at);
    assert_true(eh_find(&table, function.end - 1, &again));
    assert_int_equal(again.start, at);
    count++;
  }
  assert_true(count > 2000);
}

static void a_spoiled_unwind_table_is_never_read_outside_its_bounds(void **state)
{
  (void)state;
  for (unsigned round = 0; round < 20000; round++) {
    size_t size = 16 + (size_t)rand() % 200;
    uint8_t *bytes = malloc(size);                            /* the sanitizer watches its ends */
    struct eh_table table = {.header = (uintptr_t)bytes, .low = (uintptr_t)bytes, .high = (uintptr_t)bytes + size};
    struct eh_function function;

    for (size_t i = 0; i < size; i++)
      bytes[i] = (uint8_t)rand();
    memcpy(bytes, "\x01\x1b\x03\x3b", 4);
    memcpy(bytes + 8, &(uint32_t){(uint32_t)rand() % 24}, 4);
    for (unsigned i = 0; i < 16; i++) {
      eh_find(&table, (uintptr_t)bytes + (uintptr_t)rand(), &function);
      eh_next_start(&table, (uintptr_t)bytes + (uintptr_t)rand());
    }
    free(bytes);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_are_rounded_down_and_up),
      cmocka_unit_test(a_punned_jump_leads_to_every_place_of_its_window_and_repeats_what_follows),
      cmocka_unit_test(only_cpus_that_were_tried_have_trapping_bytes_beside_the_breakpoint),
      cmocka_unit_test(no_cpu_has_trapping_bytes_that_need_others_behind_them),
      cmocka_unit_test(the_table_finds_what_was_put_and_nothing_else),
      cmocka_unit_test(every_function_of_libc_is_found_from_its_first_and_last_byte),
      cmocka_unit_test(a_spoiled_unwind_table_is_never_read_outside_its_bounds),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
