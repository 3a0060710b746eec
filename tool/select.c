/* Selectors. */
#include "select.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char program_module[] = "PROGRAM", plt[] = "plt";

/* ---- reading ---- */

/* Cuts "+OFF" off, where it ends the text or stands before an @. */
static void parse_offset(struct selector *selector, char *text)
{
  char *plus = strrchr(text, '+'), *end;

  if (!plus || plus == text || !isdigit((unsigned char)plus[1]))
    return;
  selector->offset = strtoull(plus + 1, &end, 0);
  if (*end && *end != '@')
    return;
  selector->has_offset = true;
  memmove(plus, end, strlen(end) + 1);
}

static bool parse_expression(struct selector *selector, const char *text)
{
  const char *end = strrchr(text, '/');
  char *pattern, why[128];
  int failure;

  if (end == text || (end[1] && end[1] != '@')) {
    fprintf(stderr, "sighook: '%s' lacks its closing /\n", text);
    return false;
  }
  pattern = checked(strndup(text + 1, (size_t)(end - text - 1)));
  failure = regcomp(&selector->expression, pattern, REG_EXTENDED | REG_NOSUB);
  free(pattern);
  if (failure) {
    regerror(failure, &selector->expression, why, sizeof why);
    fprintf(stderr, "sighook: '%s': %s\n", text, why);
    return false;
  }
  selector->is_expression = true;
  if (end[1] == '@')
    selector->module = checked(strdup(end + 2));
  return true;
}

static bool parse_address(struct selector *selector, const char *text)
{
  char *end;

  selector->offset = strtoull(text, &end, 16);
  selector->is_absolute = true;
  if (*end)
    fprintf(stderr, "sighook: '%s' is not an address\n", text);
  return !*end;
}

/* The ! of MODULE!NAME; not that of operator! and operator!=. */
static char *find_bang(char *text)
{
  char *bang = strchr(text, '!');

  return bang && bang != text && !(bang - text >= 8 && strncmp(bang - 8, "operator", 8) == 0) ? bang : NULL;
}

static bool parse_name(struct selector *selector, const char *text)
{
  char *copy = checked(strdup(text)), *mark;

  parse_offset(selector, copy);
  if ((mark = find_bang(copy))) {
    *mark = 0;
    selector->module = copy;
    selector->name = mark + 1;
  } else {
    mark = strrchr(copy, '@');
    selector->name = copy;
    if (mark && mark != copy) {
      *mark = 0;
      selector->is_plt = strcmp(mark + 1, plt) == 0;
      selector->module = selector->is_plt ? NULL : mark + 1;
    }
  }
  selector->is_literal = !strpbrk(selector->name, "*?[");
  if (!*selector->name || (selector->module && !*selector->module)) {
    fprintf(stderr, "sighook: '%s' names nothing\n", text);
    return false;
  }
  return true;
}

static bool parse(struct selector *selector, const char *text)
{
  *selector = (struct selector){.text = checked(strdup(text))};
  if (text[0] == '/')
    return parse_expression(selector, text);
  if (strncmp(text, "0x", 2) == 0)
    return parse_address(selector, text);
  return parse_name(selector, text);
}

static bool add(struct selection *selection, bool exclude, const char *text);

static bool add_file(struct selection *selection, bool exclude, const char *path)
{
  FILE *file = fopen(path, "re");
  char line[4096];
  bool ok = true;

  if (!file) {
    fprintf(stderr, "sighook: %s: %m\n", path);
    return false;
  }
  while (ok && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\r\n")] = 0;
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
  *list = checked(realloc(*list, (*count + 1) * sizeof **list));
  return parse(&(*list)[(*count)++], text);
}

/* Commas inside <>, () or // do not separate. */
bool selection_add(struct selection *selection, bool exclude, const char *text)
{
  char *copy = checked(strdup(text)), *start = copy;
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
  for (size_t i = 0; i < selection->chosen_count; i++)
    selection->chosen[i].is_default = true;
}

/* ---- matching ---- */

/* "libc" also means libc.so.6. */
static bool module_matches(const char *glob, const struct module *module, size_t index)
{
  char with_so[512];

  if (strcmp(glob, program_module) == 0)
    return index == 0;
  snprintf(with_so, sizeof with_so, "%s.so*", glob);
  return fnmatch(glob, module->file, 0) == 0 || fnmatch(with_so, module->file, 0) == 0;
}

bool selector_takes_module(const struct selector *selector, const struct module *module, size_t index)
{
  if (selector->is_plt)
    return index == 0;
  return !selector->module || module_matches(selector->module, module, index);
}

static bool version_matches(const struct selector *selector, const struct symbol *symbol)
{
  return selector->module && symbol->version && strcmp(selector->module, symbol->version) == 0;
}

static bool expression_matches(const struct selector *selector, const struct symbol *symbol)
{
  return regexec(&selector->expression, symbol->name, 0, NULL, 0) == 0 ||
         (symbol->plain && regexec(&selector->expression, symbol->plain, 0, NULL, 0) == 0);
}

static bool name_matches(const struct selector *selector, const char *name)
{
  return name && (selector->is_literal ? strcmp(selector->name, name) == 0 : fnmatch(selector->name, name, 0) == 0);
}

bool selector_takes(const struct selector *selector, const struct module *module, size_t index,
                    const struct symbol *symbol)
{
  if (selector->is_plt != symbol->is_plt)
    return false;
  if (!selector_takes_module(selector, module, index) && !version_matches(selector, symbol))
    return false;
  if (selector->is_expression)
    return expression_matches(selector, symbol);
  if (!selector->name)
    return false;
  if (name_matches(selector, symbol->name) || name_matches(selector, symbol->plain))
    return true;
  return strchr(selector->name, '(') && name_matches(selector, symbol->full);
}

bool selector_takes_place(const struct selector *selector, const struct module *module, size_t index)
{
  return selector->has_offset && selector->name && !selector->module && !selector->is_plt &&
         module_matches(selector->name, module, index);
}
