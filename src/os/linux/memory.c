/* Memory from Linux by raw system calls. */
#include "os/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include "raw_syscall.h"
#include "os/linux/protection.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

enum { TRIES = 20, PAUSE_NS = 1000000 };

size_t os_page_size(void)
{
  static _Atomic(size_t) known;         /* whoever comes first, all find the same */
  size_t page = atomic_load_explicit(&known, memory_order_relaxed);

  if (!page) {
    page = getauxval(AT_PAGESZ);
    atomic_store_explicit(&known, page, memory_order_relaxed);
  }
  return page;
}

static bool failed(long result)
{
  return (unsigned long)result > -4096ul;
}

void *os_allocate(size_t size)
{
  long memory = host_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return failed(memory) ? NULL : (void *)memory;
}

static int protection_flags(unsigned protection)
{
  return (protection & OS_READ ? PROT_READ : 0) | (protection & OS_WRITE ? PROT_WRITE : 0) |
         (protection & OS_EXECUTE ? PROT_EXEC : 0) | protection_extra_flags(protection);
}

int os_allocate_at(uintptr_t address, size_t size, unsigned protection)
{
  long memory = host_syscall6(SYS_mmap, (long)address, (long)size, protection_flags(protection),
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

  if (failed(memory))
    return (int)-memory;
  if ((uintptr_t)memory == address)
    return 0;
  host_syscall2(SYS_munmap, memory, size);   /* a kernel before 4.17 took the address for a hint */
  return EEXIST;
}

void os_free(void *memory, size_t size)
{
  host_syscall2(SYS_munmap, memory, size);
}

void os_prefer_large_pages(void *memory, size_t size)
{
  host_syscall3(SYS_madvise, memory, size, MADV_HUGEPAGE);
}

int os_protect(uintptr_t address, size_t size, unsigned protection)
{
  return (int)-host_syscall3(SYS_mprotect, address, size, protection_flags(protection));
}

int os_protect_again(uintptr_t address, size_t size, unsigned protection)
{
  const struct timespec pause = {0, PAUSE_NS};
  int failure = os_protect(address, size, protection);

  for (unsigned again = 0; failure && again < TRIES; again++) {
    host_syscall2(SYS_nanosleep, &pause, 0);
    failure = os_protect(address, size, protection);
  }
  return failure;
}

uint32_t *os_allocate_fork_word(void)
{
  uint32_t *word = os_allocate(os_page_size());

  if (word && host_syscall3(SYS_madvise, word, os_page_size(), MADV_WIPEONFORK) != 0) {
    os_free(word, os_page_size());
    return NULL;
  }
  return word;
}
