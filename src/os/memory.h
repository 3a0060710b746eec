/* Memory from the system: raw system calls, no libc, no allocation of its own. Sizes and addresses are multiples of the
 * page size unless a comment says otherwise. Results are 0 or a positive errno value. */
#ifndef OS_MEMORY_H
#define OS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum {
  OS_READ = 1,
  OS_WRITE = 2,
  OS_EXECUTE = 4,
  OS_GUARDED = 8,            /* indirect branches must land on landing pads */
  OS_TAGGED = 16             /* memory has tags */
};

size_t os_page_size(void);

static inline uintptr_t page_down(uintptr_t address, size_t page)
{
  return address & ~(uintptr_t)(page - 1);
}

static inline uintptr_t page_up(uintptr_t address, size_t page)
{
  return page_down(address + page - 1, page);
}

/* Private zeroed memory wherever the system likes; NULL where it refuses. */
void *os_allocate(size_t size);
/* The same exactly at `address`; EEXIST where something is mapped there already. */
int os_allocate_at(uintptr_t address, size_t size, unsigned protection);
void os_free(void *memory, size_t size);
/* A wish: random access over much memory is cheaper on large pages. */
void os_prefer_large_pages(void *memory, size_t size);
int os_protect(uintptr_t address, size_t size, unsigned protection);
/* The same where rights that were had for a moment go again: where the system has no memory for it, tries for a while. */
int os_protect_again(uintptr_t address, size_t size, unsigned protection);

/* A word that a forked child finds zeroed, however it was forked; NULL where the system has no such thing. */
uint32_t *os_allocate_fork_word(void);

#endif
