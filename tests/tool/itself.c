/* A process that asks the library about places in its own C library, as the command then does from outside.
 *   itself PLACES NAME...: asks about that many addresses from each function's start on; prints each that gets a trap or is
 *   refused as `sighook list` does, then how many are branch, punned, evicted, trap, refused, and waits until its input ends */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sighook/sighook.h>

enum { ENTRIES = 5 };

static const char *const kinds[ENTRIES] = {"refused", "branch", "punned", "evicted", "trap"};

static sighook_entry ask(uintptr_t address)
{
  sighook_spec spec = {
      .size = sizeof spec, .kind = SIGHOOK_PROBE, .flags = SIGHOOK_COUNT | SIGHOOK_INTEGER_ONLY, .address = address};
  sighook_info info = {.size = sizeof info};

  return sighook_check(&spec, &info) == SIGHOOK_OK ? info.entry : SIGHOOK_ENTRY_NONE;
}

static void ask_about(const char *name, unsigned long places, unsigned long counts[ENTRIES], FILE *out)
{
  uintptr_t function = (uintptr_t)dlsym(RTLD_DEFAULT, name);

  for (unsigned long i = 0; function && i < places; i++) {
    sighook_entry entry = ask(function + i);

    counts[entry]++;
    if (!out || (entry != SIGHOOK_ENTRY_NONE && entry != SIGHOOK_ENTRY_TRAP))
      continue;
    fprintf(out, i ? "%s+%#lx@libc.so.6: %s\n" : "%s%.0lx@libc.so.6: %s\n", name, i, kinds[entry]);
  }
}

int main(int argc, char **argv)
{
  unsigned long places = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  char byte;

  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  /* The first time the library maps memory of its own. */
  for (int time = 0; time < 2; time++) {
    unsigned long counts[ENTRIES] = {0};

    for (int i = 2; i < argc; i++)
      ask_about(argv[i], places, counts, time ? stdout : NULL);
    if (time)
      printf("%lu %lu %lu %lu %lu\n", counts[SIGHOOK_ENTRY_BRANCH], counts[SIGHOOK_ENTRY_PUNNED], counts[SIGHOOK_ENTRY_EVICTED],
             counts[SIGHOOK_ENTRY_TRAP], counts[SIGHOOK_ENTRY_NONE]);
  }
  fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0)
    ;
  return 0;
}
