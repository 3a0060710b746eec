#define _GNU_SOURCE
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "patterns.h"

#define CHUNK (UINT64_C(1) << 20)
enum { SHRINK = 16, MARGIN = 16,            /* chunks beyond the reach: the program's code is long too */
       LOWEST = 64 * 1024 };                /* that the kernel gives to programs */

static uintptr_t next_hole;                 /* below the program, so not where its heap grows */

static uintptr_t middle(void)
{
  return (uintptr_t)crowd & ~(uintptr_t)(CHUNK - 1);
}

/* Of what is mapped already the rest, in smaller pieces. */
static void take(uintptr_t low, uintptr_t high, size_t piece)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);

  for (uintptr_t at = low; at < high; at += piece) {
    void *taken = mmap((void *)at, piece, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (taken == MAP_FAILED && piece > page)
      take(at, at + piece, piece / SHRINK > page ? piece / SHRINK : page);
    else if (taken != MAP_FAILED && piece == CHUNK && at < middle() - CHUNK)
      next_hole = at;                       /* the nearest comes last */
  }
}

void crowd(void)
{
  uintptr_t reach = BRANCH_REACH + MARGIN * CHUNK;

  take(middle() > reach ? middle() - reach : LOWEST, middle() + reach, CHUNK);
  if (!next_hole) {
    fprintf(stderr, "nothing was free to be taken\n");
    abort();
  }
}

uintptr_t crowd_leave(size_t pages)
{
  uintptr_t hole = next_hole;

  munmap((void *)hole, pages * (size_t)sysconf(_SC_PAGESIZE));
  next_hole += CHUNK / SHRINK;
  return hole;
}
