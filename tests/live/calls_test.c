/* The calls of the library, one behaviour a test, on the hard patterns' simple ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sighook/sighook.h>

long rip_relative_mov(long), test_then_je(long), four_bytes(long), live_vectors(long);

static volatile long hits;   /* the compiler takes malloc for a call that reads no variable of ours */
static int order[8], order_count;

static void count(sighook_context *context, void *user)
{
  (void)context;
  hits++;
  if (user)
    order[order_count++ & 7] = (int)(intptr_t)user;
}

static void return_4242(sighook_context *context, void *user)
{
  (void)user;
  sighook_return(context, 4242);
}

static sighook_spec probe(long (*function)(long), sighook_handler handler, uint32_t flags)
{
  return (sighook_spec){
      .size = sizeof(sighook_spec), .kind = SIGHOOK_PROBE, .address = (uintptr_t)function, .handler = handler, .flags = flags};
}

static sighook_hook installed(sighook_spec spec)
{
  sighook_hook hook;

  assert_int_equal(sighook_install(&spec, &hook), SIGHOOK_OK);
  return hook;
}

static void callback_99(uintptr_t address, sighook_context *context)
{
  assert_int_equal(address, context->rip);
  context->rax = 99;
  context->rdi = 1;
}

static void instrument_runs_the_callback_and_then_the_instruction(void **state)
{
  uint32_t original = 0, again = 0;

  (void)state;
  assert_int_equal(sighook_instrument((uintptr_t)four_bytes, callback_99, &original), SIGHOOK_OK);
  assert_int_equal(four_bytes(5), 1);                  /* mov %rdi,%rax, of the rdi that the callback wrote */
  assert_int_equal(sighook_original_opcode((uintptr_t)four_bytes, &again), SIGHOOK_OK);
  assert_int_equal(original, again);
  assert_int_equal(original, 0xc3f88948);
  assert_int_equal(sighook_instrument_no_original((uintptr_t)four_bytes, callback_99, NULL), SIGHOOK_OK);
  assert_int_equal(four_bytes(5), 99);
  assert_int_equal(sighook_unhook((uintptr_t)four_bytes), SIGHOOK_OK);
  assert_int_equal(four_bytes(5), 5);
  assert_int_equal(sighook_original_opcode((uintptr_t)four_bytes, &again), SIGHOOK_NOT_FOUND);
  assert_int_equal(sighook_unhook((uintptr_t)four_bytes), SIGHOOK_NOT_FOUND);
}

static void probes_run_by_priority_and_leave_in_any_order(void **state)
{
  sighook_hook hooks[3];

  (void)state;
  for (int i = 0; i < 3; i++) {
    sighook_spec spec = probe(rip_relative_mov, count, 0);

    spec.user = (void *)(intptr_t)(i + 1);
    spec.priority = i == 1 ? 10 : 0;
    hooks[i] = installed(spec);
  }
  order_count = 0;
  assert_int_equal(rip_relative_mov(1), 1235);
  assert_int_equal(order_count, 3);
  assert_int_equal(order[0] * 100 + order[1] * 10 + order[2], 213);
  assert_int_equal(sighook_remove(hooks[0]), SIGHOOK_OK);
  order_count = 0;
  rip_relative_mov(1);
  assert_int_equal(order[0] * 10 + order[1], 23);
  assert_int_equal(sighook_remove(hooks[2]), SIGHOOK_OK);
  assert_int_equal(sighook_remove(hooks[1]), SIGHOOK_OK);
  assert_int_equal(rip_relative_mov(1), 1235);
}

static void a_hook_is_switched_off_and_on(void **state)
{
  sighook_hook hook = installed(probe(rip_relative_mov, return_4242, SIGHOOK_START_DISABLED));

  (void)state;
  assert_int_equal(rip_relative_mov(1), 1235);
  assert_int_equal(sighook_enable(hook), SIGHOOK_OK);
  assert_int_equal(rip_relative_mov(1), 4242);
  assert_int_equal(sighook_disable(hook), SIGHOOK_OK);
  assert_int_equal(rip_relative_mov(1), 1235);
  assert_int_equal(sighook_remove_wait(hook, 100), SIGHOOK_OK);
  assert_int_equal(sighook_remove(hook), SIGHOOK_NOT_FOUND);
}

static void hits_are_counted_with_and_without_a_handler(void **state)
{
  sighook_handler handlers[] = {NULL, count};

  (void)state;
  for (int i = 0; i < 2; i++) {
    sighook_info info = {.size = sizeof info};
    sighook_hook hook = installed(probe(rip_relative_mov, handlers[i], SIGHOOK_COUNT));

    for (int j = 0; j < 1000; j++)
      rip_relative_mov(j);
    assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
    assert_int_equal(info.hits, 1000);
    assert_int_equal(info.missed, 0);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void hit_again(sighook_context *context, void *user)
{
  (void)context;
  hits++;
  if (hits < 5 || !user)
    rip_relative_mov(1);
}

static void a_hit_inside_a_handler_is_skipped_or_delivered_as_asked(void **state)
{
  sighook_info info = {.size = sizeof info};
  sighook_spec spec = probe(rip_relative_mov, hit_again, SIGHOOK_COUNT);
  sighook_hook hook = installed(spec);

  (void)state;
  hits = 0;
  assert_int_equal(rip_relative_mov(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_query(hook, &info), SIGHOOK_OK);
  assert_int_equal(info.hits, 2);
  assert_int_equal(info.missed, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  spec.flags = SIGHOOK_ALLOW_RECURSION;
  spec.user = (void *)&hits;
  hook = installed(spec);
  hits = 0;
  assert_int_equal(rip_relative_mov(1), 1235);
  assert_int_equal(hits, 5);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static jmp_buf out;

static void jump_out(sighook_context *context, void *user)
{
  (void)context;
  (void)user;
  hits++;
  longjmp(out, 1);
}

static void a_handler_left_by_longjmp_is_called_again(void **state)
{
  sighook_hook hook = installed(probe(rip_relative_mov, jump_out, 0));

  (void)state;
  hits = 0;
  for (volatile int i = 0; i < 100; i++)
    if (!setjmp(out))
      rip_relative_mov(1);
  assert_int_equal(hits, 100);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void write_vector(sighook_context *context, void *user)
{
  size_t width = 0;
  uint64_t *xmm1 = sighook_vector(context, 1, &width);

  (void)user;
  assert_true(width >= 16);
  memset(xmm1, 0, width);
  xmm1[0] = 31337;
  xmm1[width / 8 - 1] += 1;                            /* an upper part that the CPU held in its initial state */
}

static void a_written_vector_register_takes_effect(void **state)
{
  uintptr_t nop = (uintptr_t)live_vectors + 9;         /* behind vpxor (4) and vmovq (5) */
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .address = nop, .handler = write_vector};
  sighook_hook hook = installed(spec);

  (void)state;
  assert_int_equal(live_vectors(5), 31337);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  assert_int_equal(live_vectors(5), 5);
}

static void allocate_and_hook(sighook_context *context, void *user)
{
  sighook_hook hook;
  sighook_spec spec = probe(test_then_je, count, 0);
  void *volatile memory = malloc(100);

  (void)context;
  (void)user;
  free(memory);
  hits += sighook_install(&spec, &hook) == SIGHOOK_OK && sighook_remove(hook) == SIGHOOK_OK;
}

static void a_handler_may_allocate_and_install_hooks_even_inside_malloc(void **state)
{
  uint32_t flags[] = {0, SIGHOOK_FORCE_TRAP};
  sighook_spec spec = {.size = sizeof spec, .kind = SIGHOOK_PROBE, .handler = allocate_and_hook};

  (void)state;
  assert_int_equal(sighook_resolve("malloc", &spec.address), SIGHOOK_OK);
  for (int i = 0; i < 2; i++) {
    sighook_hook hook;
    void *volatile memory;

    spec.flags = flags[i];
    hook = installed(spec);
    hits = 0;
    memory = malloc(10);
    free(memory);
    assert_true(hits >= 1);
    assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
  }
}

static void look_back(sighook_context *context, void *user)
{
  void *frames[32];

  (void)context;
  *(int *)user = backtrace(frames, 32);
}

static void a_backtrace_passes_through_a_handler(void **state)
{
  int depth = 0;
  sighook_spec spec = probe(rip_relative_mov, look_back, 0);
  sighook_hook hook;

  (void)state;
  spec.user = &depth;
  hook = installed(spec);
  rip_relative_mov(1);
  assert_true(depth > 5);                              /* handler, capture, function, this test, cmocka, main ... */
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
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
  uint8_t *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  static int data;

  (void)state;
  munmap(memory + page, page);
  memory[page - 1] = 0xe9;
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument(0, callback_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument(page, callback_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument((uintptr_t)&data, callback_99, NULL));
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument((uintptr_t)rip_relative_mov + 1, callback_99, NULL));
  expect_failure(SIGHOOK_UNDECODABLE, sighook_instrument((uintptr_t)memory + page - 1, callback_99, NULL));
  memory[page - 1] = 0x06;                             /* no instruction of 64-bit mode */
  expect_failure(SIGHOOK_UNDECODABLE, sighook_instrument((uintptr_t)memory + page - 1, callback_99, NULL));
  memory[page - 1] = 0x90;
  assert_int_equal(sighook_instrument((uintptr_t)memory + page - 1, callback_99, NULL), SIGHOOK_OK);
  assert_int_equal(sighook_unhook((uintptr_t)memory + page - 1), SIGHOOK_OK);
  assert_int_equal(memory[page - 1], 0x90);
  mprotect(memory, page, PROT_NONE);
  expect_failure(SIGHOOK_BAD_ADDRESS, sighook_instrument((uintptr_t)memory, callback_99, NULL));
  expect_failure(SIGHOOK_BAD_ARGUMENT, sighook_instrument((uintptr_t)rip_relative_mov, NULL, NULL));
  munmap(memory, page);
}

static void what_later_versions_bring_is_refused_by_name(void **state)
{
  sighook_spec spec = probe(rip_relative_mov, count, 0);
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
  sighook_spec good = probe(rip_relative_mov, return_4242, 0), bad = good;
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
  assert_int_equal(rip_relative_mov(1), 1235);
  sighook_batch_destroy(batch);
  assert_int_equal(sighook_batch_create(&batch), SIGHOOK_OK);
  assert_int_equal(sighook_batch_install(batch, &good, &hook), SIGHOOK_OK);
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  assert_int_equal(rip_relative_mov(1), 4242);
  assert_int_equal(sighook_batch_remove(batch, hook), SIGHOOK_OK);
  assert_int_equal(sighook_batch_commit(batch, NULL), SIGHOOK_OK);
  assert_int_equal(rip_relative_mov(1), 1235);
  sighook_batch_destroy(batch);
}

static int in_child(sighook_hook hook)
{
  sighook_spec spec = probe(test_then_je, return_4242, 0);
  sighook_hook own;
  int wrong = rip_relative_mov(1) != 4242;

  wrong |= (sighook_remove(hook) != SIGHOOK_OK) << 1;
  wrong |= (rip_relative_mov(1) != 1235) << 2;
  wrong |= (sighook_install(&spec, &own) != SIGHOOK_OK) << 3;
  wrong |= (test_then_je(1) != 4242) << 4;
  return wrong;
}

static void parent_and_child_hook_on_their_own_after_a_fork(void **state)
{
  sighook_hook hook = installed(probe(rip_relative_mov, return_4242, 0));

  (void)state;
  for (int raw = 0; raw < 2; raw++) {
    int status;
    pid_t child = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();

    if (child == 0)
      _exit(in_child(hook));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(rip_relative_mov(1), 4242);
    assert_int_equal(test_then_je(1), 2);
  }
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

static void foreign_traps_end_the_process_as_without_us(void **state)
{
  sighook_hook hook = installed(probe(rip_relative_mov, count, SIGHOOK_FORCE_TRAP));

  (void)state;
  for (int sent = 0; sent < 2; sent++) {
    int status;
    pid_t child = fork();

    if (child == 0) {
      if (sent)
        raise(SIGTRAP);
      else
        __asm__ volatile("int3");
      _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
  }
  hits = 0;
  assert_int_equal(rip_relative_mov(1), 1235);
  assert_int_equal(hits, 1);
  assert_int_equal(sighook_remove(hook), SIGHOOK_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(instrument_runs_the_callback_and_then_the_instruction),
      cmocka_unit_test(probes_run_by_priority_and_leave_in_any_order),
      cmocka_unit_test(a_hook_is_switched_off_and_on),
      cmocka_unit_test(hits_are_counted_with_and_without_a_handler),
      cmocka_unit_test(a_hit_inside_a_handler_is_skipped_or_delivered_as_asked),
      cmocka_unit_test(a_handler_left_by_longjmp_is_called_again),
      cmocka_unit_test(a_written_vector_register_takes_effect),
      cmocka_unit_test(a_handler_may_allocate_and_install_hooks_even_inside_malloc),
      cmocka_unit_test(a_backtrace_passes_through_a_handler),
      cmocka_unit_test(bad_addresses_are_answered_with_a_reason),
      cmocka_unit_test(what_later_versions_bring_is_refused_by_name),
      cmocka_unit_test(a_batch_is_all_or_nothing),
      cmocka_unit_test(parent_and_child_hook_on_their_own_after_a_fork),
      cmocka_unit_test(foreign_traps_end_the_process_as_without_us),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
