/* What the code map's tests expect of x86-64 and of its C library. */
#ifndef TEST_CODEMAP_MACHINE_H
#define TEST_CODEMAP_MACHINE_H

enum {
  LINKER_LEAVES_HOLES = 0,
  LIBC_RETURNS_FROM_SIGNALS = 1,
  LIBC_CHOICES_MIN = 20,           /* of its functions more are chosen at run time */
  RELOADED_ELSEWHERE = BOUNDARY_NO /* in the second build of a library, where the first has further instructions */
};

/* A function of libc with a superseded version. */
#define VERSIONED "memcpy"
#define VERSION_NOW "GLIBC_2.14"
#define VERSION_OLD "GLIBC_2.2.5"

#endif
