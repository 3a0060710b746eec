/* The redundant prefixes before a punned jump, run: this CPU must not mind those that it is said to have been tried with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include "host/host.h"
#include "host/x86_64/cpu.h"
#include "isa/x86_64/pun.h"

enum { PAGE = 4096, TAKEN = 2, NOT_TAKEN = 1, AWAY = 100 };

static void jumps_with_prefixes_lead_where_they_should(void **state)
{
  static const uint8_t not_taken[] = {0xB8, NOT_TAKEN, 0, 0, 0, 0xC3}, taken[] = {0xB8, TAKEN, 0, 0, 0, 0xC3};   /* mov $n,%eax; ret */
  uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  (void)state;
  assert_true(code != MAP_FAILED);
  host_start();
  print_message("up to %u prefixes on this CPU\n", cpu_prefixes_max());
  assert_in_range(cpu_prefixes_max(), 2, X64_PREFIXES_MAX);
  for (unsigned prefixes = 0; prefixes <= cpu_prefixes_max(); prefixes++) {
    int (*run)(void) = (int (*)(void))code;

    x64_pun_bytes((uintptr_t)code, prefixes, (uintptr_t)code + AWAY, code);
    memcpy(code + prefixes + X64_JMP_LENGTH, not_taken, sizeof not_taken);
    memcpy(code + AWAY, taken, sizeof taken);
    assert_int_equal(run(), TAKEN);
    x64_pun_bytes((uintptr_t)code, prefixes, (uintptr_t)code + prefixes + X64_JMP_LENGTH, code);
    assert_int_equal(run(), NOT_TAKEN);
  }
  munmap(code, PAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(jumps_with_prefixes_lead_where_they_should)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
