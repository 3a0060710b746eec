// What the emulators must get right before a test of the library under them means anything.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
  THREADS = 4,
  ROUNDS = 20000
};

static int failures;

static void check(bool passed, const char *sentence)
{
  printf("%s - %s\n", passed ? "ok" : "not ok", sentence);
  failures += !passed;
}

static atomic_int sum;

static void *add(void *unused)
{
  for (int i = 0; i < ROUNDS; i++) {
    atomic_fetch_add(&sum, 1);
  }
  return unused;
}

static bool threads_count(void)
{
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, add, NULL) != 0) {
      return false;
    }
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  return sum == THREADS * ROUNDS;
}

static volatile sig_atomic_t trap_is_right;

static void on_trap(int signal, siginfo_t *info, void *context)
{
  mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
  trap_is_right = signal == SIGTRAP && info->si_code == TRAP_BRKPT && (uint64_t)(uintptr_t)info->si_addr == machine->pc;
  machine->pc += 4;
}

static bool brk_is_handled(void)
{
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  __asm__ volatile("brk #0x5160" ::: "memory");
  return trap_is_right;
}

static bool cores_are_synchronised(void)
{
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0 &&
         syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0;
}

// mov w0, #number; ret
static void assemble(uint32_t *code, uint32_t number)
{
  code[0] = 0x52800000 | number << 5;
  code[1] = 0xd65f03c0;
}

static bool rewritten_code_runs(void)
{
  size_t size = (size_t)sysconf(_SC_PAGESIZE);
  uint32_t *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint32_t code[2];
  int (*function)(void) = (int (*)(void))(uintptr_t)page;
  int memory = open("/proc/self/mem", O_RDWR);
  assemble(page, 0);
  mprotect(page, size, PROT_READ | PROT_EXEC);
  __builtin___clear_cache((char *)page, (char *)page + sizeof(code));
  bool right = function() == 0;
  for (uint32_t number = 1; right && number <= 100; number++) {
    assemble(code, number);
    right = pwrite(memory, code, sizeof(code), (off_t)(uintptr_t)page) == sizeof(code);
    __builtin___clear_cache((char *)page, (char *)page + sizeof(code));
    right = right && function() == (int)number;
  }
  close(memory);
  return right;
}

int main(int argc, char **argv)
{
  if (argc > 1 && strcmp(argv[1], "crash") == 0) {
    raise(SIGSEGV);
  }
  printf("pages of %ld bytes\n", sysconf(_SC_PAGESIZE));
  check(threads_count(), "threads count together");
  check(brk_is_handled(), "the handler of BRK sees its address and goes on after it");
  check(cores_are_synchronised(), "membarrier synchronises the cores");
  check(rewritten_code_runs(), "code written through /proc/self/mem runs after IC IVAU");
  if (argc > 1 && strcmp(argv[1], "fail") == 0) {
    check(false, "failed on demand");
  }
  return failures > 0;
}
