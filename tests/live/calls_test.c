/* The calls of the library, one behaviour a test, on the hard patterns' simple ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "live.h"
#include "patterns.h"

static void return_4242(sighook_context *context, void *user)
{
  (void)user;
  sighook_return(context, 4242);
}

static uintptr_t called_at;

static void argument_1(uintptr_t address, sighook_context *context)
{
  called_at = address;
  sighook_set_arg(context, 0, 1);
}

static void result_99(uintptr_t address, sighook_context *context)
{
  called_at = address;
  sighook_set_result(context, 99);
}

static void instrument_runs_the_callback_and_then_the_instruction(void **state)
{
  uint32_t original = 0, again = 0;

  (void)state;
  assert_int_equal(sighook_instrument((uintptr_t)simple, argument_1, &original), SIGHOOK_OK);
  assert_int_equal(simple(5), simple_computes(1));     /* of the argument that the callback wrote */
  assert_int_equal(called_at, (uintptr_t)simple);
  assert_int_equal(sighook_original_opcode((uintptr_t)simple, &again), SIGHOOK_OK);
  assert_int_equal(original, again);
  assert_int_equal(original, (uint32_t)SIMPLE_OPCODE);
  assert_int_equal(sighook_instrument_no_original((uintptr_t)simple, result_99, NULL), SIGHOOK_OK);
  assert_int_equal(simple(5), 99);
  assert_int_equal(sighook_unhook((uintptr_t)simple), SIGHOOK_OK);
  assert_int_equal(simple(5), simple_computes(5));
  assert_int_equal(sighook_original_opcode((uintptr_t)simple, &again), SIGHOOK_NOT_FOUND);
  assert_int_equal(sighook_unhook((uintptr_t)simple), SIGHOOK_NOT_FOUND);
}

static void probes_run_by_priority_and_leave_in_any_order(void **state)
{
  sighook_hook hooks[3];

  (void)state;
  for (int i = 0; i < 3; i++) {
    sighook_spec spec = probe(adds_1234, count, 0);

    spec.user = (void *)(intptr_t)(i + 1);
    spec.priority = i == 1 ? 10 : 0;
    hooks[i] = installed(spec);
  }
  order_count = 0;
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(order_count, 3);
  assert_int_equal(order[0] * 100 + order[1] * 10 + order[2], 213);
  assert_int_equal(sighook_remove(hooks[0]), SIGHOOK_OK);
  order_count = 0;
  adds_1234(1);
  assert_int_equal(order[0] * 10 + order[1], 23);
  assert_int_equal(sighook_remove(hooks[2]), SIGHOOK_OK);
  assert_int_equal(sighook_remove(hooks[1]), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 1235);
}

static void a_hook_is_switched_off_and_on(void **state)
{
  sighook_hook hook = installed(probe(adds_1234, return_4242, SIGHOOK_START_DISABLED));

  (void)state;
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(sighook_enable(hook), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 4242);
  assert_int_equal(sighook_disable(hook), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(sighook_remove_wait(hook, 100), SIGHOOK_OK);
  assert_int_equal(sighook_remove(hook), SIGHOOK_NOT_FOUND);
}

static void hits_are_counted_with_and_without_a_handler(void **state)
{
  sighook_handler handlers[] = {NULL, count};

  (void)state;
  for (int i = 0; i < 2; i++) {
    sighook_info info = {.size = sizeof info};
    sighook_hook hook = installed(probe(adds_1234, handlers[i], SIGHOOK_COUNT));

    for (int j = 0; j < 1000; j++)
      adds_1234(j);
    assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
    assert_int_equal(info.hits, 1000);
    assert_int_equal(info.missed, 0);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void hooks_of_every_kind_come_to_one_address_by_one_batch(void **state)
{
  sighook_spec specs[] = {probe(simple, count, 0), probe(simple, NULL, SIGHOOK_COUNT), probe(simple, NULL, 0)};
  sighook_hook hooks[3];
  sighook_info info = {.size = sizeof info};
  sighook_batch *batch;

  (void)state;
  specs[2].kind = SIGHOOK_REPLACE;
  specs[2].replacement = (const void *)(uintptr_t)adds_1234;
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(sighook_batch_install(batch, &specs[i], &hooks[i]), SIGHOOK_OK);
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  sighook_batch_destroy(batch);
  hits = 0;
  assert_int_equal(simple(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_query(hooks[1], &info), SIGHOOK_OK);
  assert_int_equal(info.hits, 1);
  for (int i = 0; i < 3; i++)
    assert_int_equal(sighook_remove(hooks[i]), SIGHOOK_OK);
  assert_int_equal(simple(5), simple_computes(5));
}

static void expect_failure(sighook_status expected, sighook_status status)
{
  sighook_error error = {.size = sizeof error};

  assert_int_equal(status, expected);
  assert_int_equal(sighook_last_error(&error), SIGHOOK_OK);
  assert_int_equal(error.status, expected);
  assert_true(error.message[0] != 0);
}

static void bad_addresses_are_answered_with_a_reason(void **state)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *memory = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  static int data;

  (void)state;
  assert_ptr_not_equal(memory, MAP_FAILED);
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument(0, result_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument(page, result_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument((uintptr_t)&data, result_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument((uintptr_t)adds_1234 + 1, result_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument((uintptr_t)memory, result_99, NULL));
  expect_failure(SIGHOOK_BAD_ARGUMENT, sighook_instrument((uintptr_t)adds_1234, NULL, NULL));
  munmap(memory, page);
}

static void the_last_bytes_before_unmapped_memory_are_hooked_where_they_are_an_instruction(void **state)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  /* Far from where the system puts what others map, so that the page behind stays unmapped. */
  uint8_t *memory = mmap((void *)((uintptr_t)8 << 30), page, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

  (void)state;
  assert_ptr_not_equal(memory, MAP_FAILED);
  for (unsigned i = 0; i < sizeof last_bytes / sizeof last_bytes[0]; i++) {
    const struct last_bytes *last = &last_bytes[i];
    uint8_t *at = memory + page - last->length;

    memcpy(at, last->bytes, last->length);
    if (last->answer) {
      expect_failure(last->answer, sighook_instrument((uintptr_t)at, result_99, NULL));
      continue;
    }
    assert_int_equal(sighook_instrument((uintptr_t)at, result_99, NULL), SIGHOOK_OK);
    assert_int_equal(sighook_unhook((uintptr_t)at), SIGHOOK_OK);
    assert_memory_equal(at, last->bytes, last->length);
  }
  munmap(memory, page);
}

static void what_later_versions_bring_is_refused_by_name(void **state)
{
  sighook_spec spec = probe(adds_1234, count, 0);
  sighook_hook hook;

  (void)state;
  spec.kind = SIGHOOK_CALL;
  expect_failure(SIGHOOK_UNSUPPORTED, sighook_install(&spec, &hook));
  spec.kind = SIGHOOK_PROBE;
  spec.flags = SIGHOOK_PREPATCHED;
  expect_failure(SIGHOOK_UNSUPPORTED, sighook_install(&spec, &hook));
  spec.flags = 1u << 30;
  expect_failure(SIGHOOK_BAD_ARGUMENT, sighook_install(&spec, &hook));
  spec.flags = 0;
  spec.size = 8;
  expect_failure(SIGHOOK_BAD_STRUCT_SIZE, sighook_install(&spec, &hook));
}

static void a_batch_is_all_or_nothing(void **state)
{
  sighook_spec good = probe(adds_1234, return_4242, 0), bad = good;
  sighook_batch *batch;
  sighook_hook hook = {0};
  size_t failed_at = 0;

  (void)state;
  bad.address = 4096;
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &good, &hook), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &bad, NULL), SIGHOOK_OK);
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_batch_commit(batch, &failed_at));
  assert_int_equal(failed_at, 1);
  assert_int_equal(hook.id, 0);
  assert_int_equal(adds_1234(1), 1235);
  sighook_batch_destroy(batch);
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &good, &hook), SIGHOOK_OK);
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 4242);
  assert_int_equal(sighook_batch_remove(batch, hook), SIGHOOK_OK);
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  assert_int_equal(adds_1234(1), 1235);
  sighook_batch_destroy(batch);
}

static int in_child(sighook_hook hook)
{
  sighook_spec spec = probe(tests_and_branches, return_4242, 0);
  sighook_hook own;
  int wrong = adds_1234(1) != 4242;

  wrong |= (sighook_remove(hook) != SIGHOOK_OK) << 1;
  wrong |= (adds_1234(1) != 1235) << 2;
  wrong |= (sighook_install(&spec, &own) != SIGHOOK_OK) << 3;
  wrong |= (tests_and_branches(1) != 4242) << 4;
  return wrong;
}

static void parent_and_child_hook_on_their_own_after_a_fork(void **state)
{
  sighook_hook hook = installed(probe(adds_1234, return_4242, 0));

  (void)state;
  for (int raw = 0; raw < 2; raw++) {
    int status;
    pid_t child = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();

    if (child == 0)
      _exit(in_child(hook));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(adds_1234(1), 4242);
    assert_int_equal(tests_and_branches(1), 2);
  }
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void foreign_traps_end_the_process_as_without_us(void **state)
{
  sighook_hook hook = installed(probe(adds_1234, count, SIGHOOK_FORCE_TRAP));

  (void)state;
  for (int sent = 0; sent < 2; sent++) {
    int status;
    pid_t child = fork();

    if (child == 0) {
      if (sent)
        raise(SIGTRAP);
      else
        __asm__ volatile(BREAKPOINT_INSTRUCTION);
      _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
  }
  hits = 0;
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static sigjmp_buf after_fault;

static void leave_fault(int signal_number)
{
  (void)signal_number;
  siglongjmp(after_fault, 1);
}

/* What the system keeps of the fault must not make the trap look like one. */
static void a_trap_entry_works_after_a_handled_fault(void **state)
{
  struct sigaction action = {.sa_handler = leave_fault}, before;
  volatile uint8_t *volatile nowhere = NULL;
  sighook_hook hook;

  (void)state;
  sigaction(SIGSEGV, &action, &before);
  if (!sigsetjmp(after_fault, 1))
    *nowhere = 1;
  sigaction(SIGSEGV, &before, NULL);
  hits = 0;
  hook = installed(probe(adds_1234, count, SIGHOOK_FORCE_TRAP));
  assert_int_equal(adds_1234(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(instrument_runs_the_callback_and_then_the_instruction),
      cmocka_unit_test(probes_run_by_priority_and_leave_in_any_order),
      cmocka_unit_test(a_hook_is_switched_off_and_on),
      cmocka_unit_test(hooks_of_every_kind_come_to_one_address_by_one_batch),
      cmocka_unit_test(hits_are_counted_with_and_without_a_handler),
      cmocka_unit_test(bad_addresses_are_answered_with_a_reason),
      cmocka_unit_test(the_last_bytes_before_unmapped_memory_are_hooked_where_they_are_an_instruction),
      cmocka_unit_test(what_later_versions_bring_is_refused_by_name),
      cmocka_unit_test(a_batch_is_all_or_nothing),
      cmocka_unit_test(parent_and_child_hook_on_their_own_after_a_fork),
      cmocka_unit_test(a_trap_entry_works_after_a_handled_fault),
      cmocka_unit_test(foreign_traps_end_the_process_as_without_us),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
