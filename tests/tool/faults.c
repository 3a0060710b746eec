/* A program whose handlers look at where its faults are, at its registers, and at where it spends its time.
 *   faults see|profile */
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "faults.h"

enum { RUNS_MS = 300, SAMPLES_LEAST = 10, PAGE = 4096, CODES = 64 };

long fault_load(const void *from), fault_divide(long by), fault_illegal(void), fault_breakpoint(void), fault_deep(void);
long fault_registers(const void *from), call_divide(long by);
extern uintptr_t fault_sp;

static volatile sig_atomic_t handled;
static void *page;
static const void *fault_at;
static int repair;                     /* what the handler does */
static int file;

static void see(int number, siginfo_t *info, void *ucontext)
{
  unsigned long *registers = frame_registers(ucontext);
  bool is_address = number == SIGSEGV || number == SIGBUS;

  handled++;
  printf("signal %d, code %d, pc at %+ld, address %s", number, info->si_code, (long)(registers[FRAME_PC] - (uintptr_t)fault_at),
         is_address ? (info->si_addr == page ? "right" : "wrong") : "");
  if (!is_address)
    printf("%ld", info->si_addr ? (long)((uintptr_t)info->si_addr - (uintptr_t)fault_at) : 0L);
  printf("\n");
  if (fault_at == fault_deep)
    for (unsigned i = 0; i < FRAME_REGISTERS; i++)
      if (i != FRAME_PC)
        printf("  %u: %#lx\n", i, registers[i] - (i == FRAME_SP ? fault_sp : i == FRAME_FIRST ? (uintptr_t)page : 0));
  if (repair == 'm')
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
  if (repair == 'g' && ftruncate(file, PAGE) != 0)
    abort();
  if (repair == 'r')
    registers[FRAME_FIRST] = 5;
  if (repair == 's')
    registers[FRAME_PC] += (unsigned long)(number == SIGILL ? ILLEGAL_LENGTH : BREAKPOINT_LENGTH - BREAKPOINT_BEHIND);
}

static void look(const char *what, const void *at, int how)
{
  printf("%s\n", what);
  fault_at = at;
  repair = how;
}

static void set_handlers(void)
{
  static char stack[1 << 16];
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  struct sigaction action = {.sa_sigaction = see};

  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    action.sa_flags = SA_SIGINFO | (i % 2 ? SA_ONSTACK : 0);
    sigaction(numbers[i], &action, NULL);
  }
}

static void run_faults(void)
{
  file = fileno(tmpfile());
  page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  set_handlers();
  look("a load that is repaired", fault_load, 'm');
  printf("%ld\n", fault_load(page));
  mprotect(page, PAGE, PROT_NONE);
  look("every register", fault_deep, 'm');
  printf("%ld\n", fault_registers(page));
  munmap(page, PAGE);
  page = mmap(page, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
  look("a load behind the end of a file", fault_load, 'g');
  printf("%ld\n", fault_load(page));
  look("a division that gets another divisor", fault_divide, 'r');
  printf("%ld\n", call_divide(0));
  look("no instruction, passed over", fault_illegal, 's');
  printf("%ld\n", fault_illegal());
  look("a breakpoint, passed over", fault_breakpoint, 's');
  printf("%ld\n", fault_breakpoint());
  printf("handled %d\n", handled);
}

/* ---- a profiler ---- */

static struct {
  uintptr_t start, end;
} code[CODES];
static int code_count;
static volatile long samples, strange;
static volatile uintptr_t strange_pc;

static int note_code(struct dl_phdr_info *info, size_t size, void *data)
{
  (void)size;
  (void)data;
  if (strstr(info->dlpi_name, "sighook") || strstr(info->dlpi_name, "Zydis"))
    return 0;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
      code[code_count].start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      code[code_count++].end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    }
  return 0;
}

static void sample(int number, siginfo_t *info, void *ucontext)
{
  uintptr_t pc = frame_registers(ucontext)[FRAME_PC];

  (void)number;
  (void)info;
  samples++;
  for (int i = 0; i < code_count; i++)
    if (pc >= code[i].start && pc < code[i].end)
      return;
  strange++;
  strange_pc = pc;
}

static long now_ms(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static volatile size_t length;

static void *work(void *until)
{
  while (now_ms() < *(long *)until)
    for (int i = 0; i < 1000; i++) {
      char *memory = malloc((size_t)i + 1);

      memset(memory, i, (size_t)i + 1);
      memory[i] = 0;
      length = strlen(memory);
      free(memory);
    }
  return NULL;
}

static void run_profile(void)
{
  struct sigaction action = {.sa_sigaction = sample, .sa_flags = SA_SIGINFO | SA_RESTART};
  const struct itimerval often = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500}, never = {0};
  long until = now_ms() + RUNS_MS;
  pthread_t thread;

  dl_iterate_phdr(note_code, NULL);
  sigaction(SIGPROF, &action, NULL);
  setitimer(ITIMER_PROF, &often, NULL);
  pthread_create(&thread, NULL, work, &until);
  work(&until);
  pthread_join(thread, NULL);
  setitimer(ITIMER_PROF, &never, NULL);
  printf("%s, %ld strange", samples > SAMPLES_LEAST ? "many samples" : "few samples", strange);
  if (strange)
    printf(" of %ld, the last at %#lx", samples, (long)strange_pc);
  printf("\n");
}

int main(int argc, char **argv)
{
  if (argc > 1 && strcmp(argv[1], "profile") == 0)
    run_profile();
  else
    run_faults();
  return 0;
}
