/* Guarded pages (PROT_BTI) and tagged memory (PROT_MTE), which only the VmFlags of /proc/self/smaps tell: "bt" and "mt"
 * (Linux, Documentation/filesystems/proc.rst). Raw system calls only. */
#include "os/linux/protection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/auxv.h>
#include "raw_syscall.h"
#include "os/linux/own.h"
#include "os/memory.h"

enum { FLAG_BTI = 0x10, FLAG_MTE = 0x20, LINE_MAX_LENGTH = 512 };
#define CPU_BTI (UINT64_C(1) << 17)           /* HWCAP2_BTI */
#define CPU_MTE (UINT64_C(1) << 18)           /* HWCAP2_MTE */

int protection_extra_flags(unsigned protection)
{
  return (protection & OS_GUARDED ? FLAG_BTI : 0) | (protection & OS_TAGGED ? FLAG_MTE : 0);
}

struct search {
  uintptr_t address;
  bool inside;               /* the lines are those of the mapping that covers it */
  bool found;
  unsigned extras;
};

/* A hexadecimal number and the character behind it; false where there is none. */
static bool read_hex(const char **at, char behind, uintptr_t *value)
{
  const char *start = *at;

  for (*value = 0;; ++*at) {
    unsigned digit = (unsigned)(**at - '0'), letter = (unsigned)(**at - 'a');

    if (digit < 10)
      *value = *value << 4 | digit;
    else if (letter < 6)
      *value = *value << 4 | (letter + 10);
    else
      break;
  }
  return *at > start && *(*at)++ == behind;
}

static bool begins(const char *line, const char *word)
{
  while (*word && *line == *word) {
    line++;
    word++;
  }
  return !*word;
}

static void read_line(struct search *search, const char *line)
{
  const char *at = line;
  uintptr_t start, end;

  if (read_hex(&at, '-', &start) && read_hex(&at, ' ', &end)) {
    search->inside = search->address >= start && search->address < end;
    return;
  }
  if (!search->inside || !begins(line, "VmFlags:"))
    return;
  search->found = true;
  for (; *line; line++) {
    if (begins(line, " bt"))
      search->extras |= OS_GUARDED;
    if (begins(line, " mt"))
      search->extras |= OS_TAGGED;
  }
}

static int read_all(int descriptor, struct search *search)
{
  char buffer[2048], line[LINE_MAX_LENGTH];
  size_t length = 0;
  long count = 0;

  while (!search->found && (count = host_syscall3(SYS_read, descriptor, buffer, sizeof buffer)) > 0)
    for (long i = 0; i < count && !search->found; i++) {
      if (buffer[i] != '\n') {
        if (length < sizeof line - 1)
          line[length++] = buffer[i];
        continue;
      }
      line[length] = 0;
      read_line(search, line);
      length = 0;
    }
  return count < 0 ? (int)-count : 0;
}

/* A kernel without that file has told nobody of such pages. */
int protection_extras(uintptr_t address, unsigned *extras)
{
  struct search search = {.address = address};
  int descriptor, failure;

  *extras = 0;
  if (!(getauxval(AT_HWCAP2) & (CPU_BTI | CPU_MTE)))
    return 0;
  descriptor = (int)own_open("smaps", O_RDONLY);
  if (descriptor < 0)
    return descriptor == -ENOENT ? 0 : -descriptor;
  failure = read_all(descriptor, &search);
  host_syscall1(SYS_close, descriptor);
  *extras = search.extras;
  return failure;
}
