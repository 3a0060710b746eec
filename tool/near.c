/* Suggestions for selectors that match nothing. */
#include "select.h"

#include <stdio.h>
#include <string.h>

enum { NEAR_MAX = 4, DISTANCE_MAX = 3, NAME_MAX_LENGTH = 62 };

/* Insertions, removals and replacements from one to the other. */
static size_t distance(const char *a, const char *b)
{
  size_t row[NAME_MAX_LENGTH + 2], length = strlen(b);

  if (length > NAME_MAX_LENGTH)
    return SIZE_MAX;
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

/* What is one letter off counts as near, in long names two or three. */
static size_t limit_for(const char *name)
{
  size_t limit = strlen(name) / 3;

  return limit < 1 ? 1 : limit > DISTANCE_MAX ? DISTANCE_MAX : limit;
}

/* A name, and how far it is: smaller is nearer. */
struct near {
  const struct symbol *symbol;
  const struct module *module;
  size_t distance, differs_at;
};

static struct near measure(const char *wanted, const struct module *module, const struct symbol *symbol)
{
  const char *name = symbol_shown(symbol);
  struct near near = {symbol, module, distance(wanted, name), 0};

  while (wanted[near.differs_at] && wanted[near.differs_at] == name[near.differs_at])
    near.differs_at++;
  if (!wanted[near.differs_at] && near.distance > 1)
    near.distance = 1;                 /* it begins so */
  return near;
}

static bool is_nearer(const struct near *a, const struct near *b)
{
  return a->distance != b->distance ? a->distance < b->distance : a->differs_at > b->differs_at;
}

static bool is_same(const struct near *a, const struct near *b)
{
  return a->module == b->module && strcmp(symbol_shown(a->symbol), symbol_shown(b->symbol)) == 0;
}

/* Keeps the nearest, in order. */
static void insert(struct near list[NEAR_MAX], size_t *count, const struct near *near)
{
  size_t at = *count;

  for (size_t i = 0; i < *count; i++)
    if (is_same(&list[i], near))
      return;
  while (at && is_nearer(near, &list[at - 1]))
    at--;
  if (at == NEAR_MAX)
    return;
  *count += *count < NEAR_MAX;
  memmove(&list[at + 1], &list[at], (*count - at - 1) * sizeof *list);
  list[at] = *near;
}

static void append(char *text, size_t size, const char *name, const char *module)
{
  size_t length = strlen(text);

  snprintf(text + length, size - length, "%s%s%s%s", length ? ", " : "", name, module ? "@" : "", module ? module : "");
}

static void near_names(const struct selector *selector, const struct module *const *modules, size_t count, char *text,
                       size_t size)
{
  struct near list[NEAR_MAX];
  size_t found = 0, limit = limit_for(selector->name);

  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < modules[i]->count; j++) {
      struct near near = measure(selector->name, modules[i], &modules[i]->symbols[j]);

      if (*near.symbol->name && near.symbol->is_plt == selector->is_plt && !near.symbol->is_old && (!near.symbol->is_plt || i == 0) &&
          near.distance <= limit)
        insert(list, &found, &near);
    }
  for (size_t i = 0; i < found && (i == 0 || list[0].distance > 0 || list[i].distance == 0); i++)
    append(text, size, symbol_shown(list[i].symbol), list[i].symbol->is_plt ? "plt" : list[i].module->file);
}

void selector_near(const struct selector *selector, const struct module *const *modules, size_t count, char *text,
                   size_t size)
{
  bool module_found = false;

  *text = 0;
  for (size_t i = 0; i < count; i++)
    module_found |= selector_takes_module(selector, modules[i], i);
  if (selector->name && selector->is_literal)
    near_names(selector, modules, count, text, size);
  if (module_found || *text)
    return;
  for (size_t i = 0; i < count; i++)
    if (*modules[i]->file)
      append(text, size, modules[i]->file, NULL);
}
