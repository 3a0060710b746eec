/* What the code map's tests expect of AArch64 and of its C library. */
#ifndef TEST_CODEMAP_MACHINE_H
#define TEST_CODEMAP_MACHINE_H

enum {
  LINKER_LEAVES_HOLES = 1, /* pages may have 64 KiB; glibc then answers for the segments of code alone */
  LIBC_RETURNS_FROM_SIGNALS = 0, /* the vDSO does */
  LIBC_CHOICES_MIN = 4,
  RELOADED_ELSEWHERE = BOUNDARY_UNKNOWN
};

/* A function of libc with a superseded version. */
#define VERSIONED "fmemopen"
#define VERSION_NOW "GLIBC_2.22"
#define VERSION_OLD "GLIBC_2.17"

#endif
