/* Selectors. */
#include "select.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_MAX = 4, DISTANCE_MAX = 2 };

static const char program_module[] = "PROGRAM";

/* "libc" also means libc.so.6. */
static bool module_matches(const char *glob, const struct module *module, size_t index)
{
  char with_so[512];

  if (strcmp(glob, program_module) == 0)
    return index == 0;
  snprintf(with_so, sizeof with_so, "%s.so*", glob);
  return fnmatch(glob, module->file, 0) == 0 || fnmatch(with_so, module->file, 0) == 0;
}

static bool parse_offset(struct selector *selector, char *text)
{
  char *plus = strrchr(text, '+'), *end;

  if (!plus || !isdigit((unsigned char)plus[1]))
    return false;
  selector->offset = strtoull(plus + 1, &end, 0);
  if (*end)
    return false;
  *plus = 0;
  return true;
}

static bool parse_expression(struct selector *selector, const char *text)
{
  const char *end = strrchr(text, '/');
  char *pattern, why[128];
  int failure;

  if (end == text) {
    fprintf(stderr, "sighook: '%s' lacks its closing /\n", text);
    return false;
  }
  pattern = strndup(text + 1, (size_t)(end - text - 1));
  failure = regcomp(&selector->expression, pattern, REG_EXTENDED | REG_NOSUB);
  free(pattern);
  if (failure) {
    regerror(failure, &selector->expression, why, sizeof why);
    fprintf(stderr, "sighook: '%s': %s\n", text, why);
    return false;
  }
  selector->is_expression = true;
  if (end[1] == '@')
    selector->module = strdup(end + 2);
  return true;
}

static bool parse(struct selector *selector, const char *text)
{
  char *copy = strdup(text), *mark, *end;

  *selector = (struct selector){.text = strdup(text)};
  if (text[0] == '/') {
    free(copy);
    return parse_expression(selector, text);
  }
  if (strncmp(text, "0x", 2) == 0) {
    selector->offset = strtoull(text, &end, 16);
    selector->is_absolute = !*end;
    if (*end)
      fprintf(stderr, "sighook: '%s' is not an address\n", text);
    free(copy);
    return !*end;
  }
  parse_offset(selector, copy);
  mark = strchr(copy, '!');
  if (mark) {
    *mark = 0;
    selector->module = copy;
    selector->name = mark + 1;
    return true;
  }
  mark = strrchr(copy, '@');
  if (mark && mark != copy) {
    *mark = 0;
    selector->is_plt = strcmp(mark + 1, "plt") == 0;
    selector->module = selector->is_plt ? NULL : mark + 1;
  }
  selector->name = copy;
  return true;
}

static bool add(struct selection *selection, bool exclude, const char *text);

static bool add_file(struct selection *selection, bool exclude, const char *path)
{
  FILE *file = fopen(path, "re");
  char line[4096];
  bool ok = true;

  if (!file) {
    perror(path);
    return false;
  }
  while (ok && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    if (*line && *line != '#')
      ok = add(selection, exclude, line);
  }
  fclose(file);
  return ok;
}

static bool add(struct selection *selection, bool exclude, const char *text)
{
  struct selector **list = exclude ? &selection->excluded : &selection->chosen;
  size_t *count = exclude ? &selection->excluded_count : &selection->chosen_count;

  if (text[0] == '@')
    return add_file(selection, exclude, text + 1);
  *list = realloc(*list, (*count + 1) * sizeof **list);
  return parse(&(*list)[(*count)++], text);
}

/* Commas inside <>, () or // do not separate. */
bool selection_add(struct selection *selection, bool exclude, const char *text)
{
  char *copy = strdup(text), *start = copy;
  int depth = 0;
  bool expression = false, ok = true;

  for (char *at = copy; ok; at++) {
    bool end = !*at;

    depth += *at == '<' || *at == '(';
    depth -= *at == '>' || *at == ')';
    expression ^= *at == '/' && (at == start || expression);
    if (!end && (*at != ',' || depth > 0 || expression))
      continue;
    *at = 0;
    if (*start)
      ok = add(selection, exclude, start);
    start = at + 1;
    if (end)
      break;
  }
  free(copy);
  return ok;
}

void selection_default(struct selection *selection)
{
  selection_add(selection, false, "*@PROGRAM,*@plt");
}

static bool version_matches(const struct selector *selector, const struct symbol *symbol)
{
  return selector->module && symbol->version && strcmp(selector->module, symbol->version) == 0;
}

static bool matches(struct selector *selector, const struct module *module, size_t index, const struct symbol *symbol)
{
  if (selector->is_plt != symbol->is_plt)
    return false;
  if (symbol->is_plt && index != 0)
    return false;
  if (selector->module && !module_matches(selector->module, module, index) && !version_matches(selector, symbol))
    return false;
  if (selector->is_expression)
    return regexec(&selector->expression, symbol->name, 0, NULL, 0) == 0;
  return selector->name && fnmatch(selector->name, symbol->name, 0) == 0;
}

bool selection_takes(struct selection *selection, const struct module *module, size_t index, const struct symbol *symbol,
                     uint64_t *offset)
{
  bool taken = false;

  for (size_t i = 0; i < selection->chosen_count; i++)
    if (matches(&selection->chosen[i], module, index, symbol)) {
      selection->chosen[i].matches++;
      *offset = symbol->offset + selection->chosen[i].offset;
      taken = true;
    }
  for (size_t i = 0; taken && i < selection->excluded_count; i++)
    taken = !matches(&selection->excluded[i], module, index, symbol);
  return taken;
}

static size_t distance(const char *a, const char *b)
{
  size_t row[64], length = strlen(b);

  if (length >= 63 || strlen(a) >= 63)
    return 63;
  for (size_t j = 0; j <= length; j++)
    row[j] = j;
  for (size_t i = 1; a[i - 1]; i++) {
    size_t diagonal = row[0];

    row[0] = i;
    for (size_t j = 1; j <= length; j++) {
      size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

      best = above + 1 < best ? above + 1 : best;
      row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
      diagonal = above;
    }
  }
  return row[length];
}

void selection_near(const struct selector *selector, const struct module *modules, size_t count, char *text, size_t size)
{
  unsigned found = 0;

  *text = 0;
  for (size_t wanted = 0; wanted <= DISTANCE_MAX && selector->name; wanted++)
    for (size_t i = 0; i < count; i++)
      for (size_t j = 0; j < modules[i].count && found < NEAR_MAX; j++) {
        const struct symbol *symbol = &modules[i].symbols[j];
        size_t length = strlen(text);
        char entry[512];

        if (symbol->is_plt || distance(selector->name, symbol->name) != wanted)
          continue;
        snprintf(entry, sizeof entry, "%s@%s", symbol->name, modules[i].file);
        if (strstr(text, entry))
          continue;
        snprintf(text + length, size - length, "%s%s", length ? ", " : "", entry);
        found++;
      }
}
