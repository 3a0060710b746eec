#include "vectors.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 6 };

static char *trim(char *text)
{
  char *end;

  while (isspace((unsigned char)*text))
    text++;
  end = text + strlen(text);
  while (end > text && isspace((unsigned char)end[-1]))
    *--end = 0;
  return text;
}

/* "48 89 c8 ^ e9 .. : assembly", of which the assembly is for vectors.py. */
static bool read_code(const char *text, struct code_text *code)
{
  code->exit_offset = NO_EXIT;
  for (;;) {
    unsigned byte;
    int used;

    while (*text == ' ')
      text++;
    if (*text == ':')
      return code->length > 0;
    if (*text == '^') {
      code->exit_offset = code->length;
      text++;
    } else if (code->length < VECTOR_BYTES && sscanf(text, "%2x%n", &byte, &used) == 1 && used == 2) {
      code->bytes[code->length++] = (uint8_t)byte;
      text += used;
    } else {
      return false;
    }
  }
}

static bool read_vector(char *line, struct vector *vector)
{
  static const char refused[] = "refused: ";
  char *fields[FIELDS];
  unsigned count = 0;

  for (char *rest = line, *field; count < FIELDS && (field = strsep(&rest, "|")); count++)
    fields[count] = trim(field);
  if (count != FIELDS)
    return false;
  *vector = (struct vector){.at = strtoull(fields[2], NULL, 16), .to = strtoull(fields[3], NULL, 16)};
  snprintf(vector->name, sizeof vector->name, "%s", fields[0]);
  if (!read_code(fields[1], &vector->original))
    return false;
  if (strncmp(fields[4], refused, sizeof refused - 1) != 0)
    return read_code(fields[4], &vector->displaced);
  snprintf(vector->refusal, sizeof vector->refusal, "%s", fields[4] + sizeof refused - 1);
  return true;
}

size_t vectors_read(const char *path, struct vector vectors[VECTORS_MAX])
{
  FILE *file = fopen(path, "r");
  char line[1024];
  size_t count = 0;
  unsigned number = 0;

  if (!file) {
    perror(path);
    return 0;
  }
  while (fgets(line, sizeof line, file)) {
    char *text = trim(line);

    number++;
    if (!*text || *text == '#')
      continue;
    if (count == VECTORS_MAX || !read_vector(text, &vectors[count++])) {
      fprintf(stderr, "%s:%u: not understood\n", path, number);
      count = 0;
      break;
    }
  }
  fclose(file);
  return count;
}
