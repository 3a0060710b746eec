/* Calls of libc whose answers are known to stay the same. */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile size_t length = 200;  /* so that no compiler does the work itself */
static char text[300] = "a text, some of it";
static char other[300];

static long call_malloc(void)
{
  char *volatile memory = malloc(length);
  bool there = memory != NULL;

  free(memory);
  return there;
}

static long call_calloc(void)
{
  char *memory = calloc(length, 2);
  long found = memory ? memory[length] : -1;

  free(memory);
  return found;
}

static long call_realloc(void)
{
  char *memory = malloc(length), *larger;
  long found;

  memset(memory, 5, length);
  larger = realloc(memory, length * 100);
  found = larger ? larger[length - 1] : -1;
  free(larger);
  return found;
}

static long call_memcpy(void)
{
  memset(other, 0, sizeof other);
  memcpy(other, text, length);
  return memcmp(other, text, length);
}

static long call_memmove(void)
{
  memset(other, 3, sizeof other);
  other[0] = 9;
  memmove(other + 1, other, length);
  return other[1] * 10 + other[length];
}

static long call_strings(void)
{
  return (long)strlen(text) * 100 + (strchr(text, ',') - text) * 10 + (strcmp(text, "b") < 0) + (strstr(text, "some") - text);
}

static long call_snprintf(void)
{
  return snprintf(other, sizeof other, "%s %zu %.3f", text, length, (double)length / 3) + other[20];
}

static long call_strtol(void)
{
  return strtol("  123x", NULL, 10) + atoi("77");
}

static int by_value(const void *a, const void *b)
{
  return *(const int *)a - *(const int *)b;
}

static long call_qsort(void)
{
  int numbers[] = {5, 2, 9, 4, 7};

  qsort(numbers, 5, sizeof *numbers, by_value);
  return numbers[0] * 100 + numbers[2] * 10 + numbers[4];
}

static void *give(void *value)
{
  return value;
}

static long call_pthread_create(void)
{
  pthread_t thread;
  void *result = NULL;

  if (pthread_create(&thread, NULL, give, (void *)8) != 0)
    return -1;
  pthread_join(thread, &result);
  return (long)result;
}

static long call_mutex(void)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  int locked = pthread_mutex_lock(&lock);

  return locked * 10 + pthread_mutex_unlock(&lock);
}

static long call_read(void)
{
  int file = open("/dev/zero", O_RDONLY);
  long count = read(file, other, length) + other[7];

  close(file);
  return count;
}

static volatile sig_atomic_t handled;

static void note(int number)
{
  handled += number;
}

static long call_sigaction(void)
{
  struct sigaction action = {.sa_handler = note}, old;

  handled = 0;
  sigaction(SIGUSR1, &action, &old);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &old, NULL);
  return handled;
}

static long call_longjmp(void)
{
  jmp_buf back;
  volatile int times = 0;
  int by = setjmp(back);

  if (by < 3) {
    times++;
    longjmp(back, by + 1);
  }
  return by * 10 + times;
}

static long call_clock(void)
{
  struct timespec now = {0, -1};

  return clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_nsec >= 0;
}

static long call_getenv(void)
{
  setenv("HOSTS", "here", 1);
  return getenv("HOSTS")[2];
}

/* Each address is taken at run time, by a function of its own, as the linker and the loader have it. */
#define FUNCTIONS(one)                                                                                                          \
  one(malloc, call_malloc) one(free, call_malloc) one(calloc, call_calloc) one(realloc, call_realloc)                           \
  one(memcpy, call_memcpy) one(memset, call_memcpy) one(memcmp, call_memcpy) one(memmove, call_memmove)                         \
  one(strlen, call_strings) one(strchr, call_strings) one(strcmp, call_strings) one(strstr, call_strings)                       \
  one(snprintf, call_snprintf) one(strtol, call_strtol) one(qsort, call_qsort)                           \
  one(pthread_create, call_pthread_create) one(pthread_join, call_pthread_create)                                               \
  one(pthread_mutex_lock, call_mutex) one(pthread_mutex_unlock, call_mutex) one(open, call_read) one(read, call_read)           \
  one(close, call_read) one(sigaction, call_sigaction) one(raise, call_sigaction) one(longjmp, call_longjmp)                    \
  one(clock_gettime, call_clock) one(setenv, call_getenv) one(getenv, call_getenv)

#define TAKE_ADDRESS(name, call)                                                                                                \
  static uintptr_t address_of_##name(void)                                                                                      \
  {                                                                                                                             \
    return (uintptr_t)name;                                                                                                     \
  }
FUNCTIONS(TAKE_ADDRESS)

#define ROW(name, call) {#name, address_of_##name, call},
const struct libc_function libc_functions[] = {FUNCTIONS(ROW)};
const unsigned libc_function_count = sizeof libc_functions / sizeof *libc_functions;
