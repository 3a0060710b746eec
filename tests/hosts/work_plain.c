/* What every program calls: memory, strings, streams. */
#define _GNU_SOURCE
#include "work.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 300000 };

static unsigned long digest(unsigned long so_far, const void *bytes, size_t length)
{
  const unsigned char *at = bytes;

  for (size_t i = 0; i < length; i++)
    so_far = (so_far ^ at[i]) * 0x100000001B3 % 1000003;
  return so_far;
}

long work_memory(void)
{
  static const size_t sizes[] = {1, 3, 8, 15, 16, 31, 33, 64, 100, 129, 255, 300, 520, 1500, 4096, LARGE};
  unsigned long sum = 0;

  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t size = sizes[i];
    char *from = malloc(size + 1), *to = i % 2 ? calloc(size + 1, 1) : aligned_alloc(64, (size + 64) / 64 * 64);

    memset(from, 'a' + (int)i, size);
    from[size] = '\0';
    memcpy(to, from, size + 1);
    memmove(to + size / 3, to, size - size / 3);
    sum = digest(sum, to, size < 600 ? size : 600) + strlen(from) + (size_t)(memcmp(from, to, size) == 0);
    sum += (strchr(from, 'z') != NULL) + strnlen(to, size / 2) + (size_t)(strcmp(from, to) <= 0);
    to = realloc(to, size * 2 + 1);
    free(from);
    free(to);
  }
  return (long)(sum % 1000003);
}

static int by_value(const void *a, const void *b)
{
  return *(const int *)a - *(const int *)b;
}

long work_text(void)
{
  int numbers[] = {5, 2, 9, 4, 7};
  char text[128], line[128] = "";
  unsigned long sum = 0;
  FILE *stream = tmpfile();
  struct tm broken;
  time_t moment = 1000000000;

  qsort(numbers, 5, sizeof *numbers, by_value);
  setenv("HOSTS", "value", 1);
  setlocale(LC_ALL, "C");
  gmtime_r(&moment, &broken);
  snprintf(text, sizeof text, "%d %s %.6g %#lx %d", numbers[1], getenv("HOSTS"), strtod("3.25e2", NULL), strtoul("77", NULL, 8),
           broken.tm_year);
  fprintf(stream, "%s\n%d\n", text, 17);
  rewind(stream);
  while (fgets(line, sizeof line, stream))
    sum = digest(sum, line, strlen(line));
  fclose(stream);
  return (long)(sum + (clock_gettime(CLOCK_MONOTONIC, &(struct timespec){0}) == 0));
}
