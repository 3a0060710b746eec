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

static bool is_listed(const char *text, const char *entry)
{
  size_t length = strlen(entry);

  for (const char *at = text; (at = strstr(at, entry)); at += length)
    if ((at == text || at[-1] == ' ') && (at[length] == ',' || !at[length]))
      return true;
  return false;
}

static bool append(char *text, size_t size, const char *entry)
{
  size_t length = strlen(text);

  if (is_listed(text, entry) || length + strlen(entry) + 3 > size)
    return false;
  snprintf(text + length, size - length, "%s%s", length ? ", " : "", entry);
  return true;
}

static void near_names(const struct selector *selector, const struct module *const *modules, size_t count, char *text,
                       size_t size)
{
  unsigned found = 0;

  for (size_t wanted = 0; wanted <= limit_for(selector->name); wanted++)
    for (size_t i = 0; i < count; i++)
      for (size_t j = 0; j < modules[i]->count && found < NEAR_MAX; j++) {
        const struct symbol *symbol = &modules[i]->symbols[j];
        char entry[512];

        if (distance(selector->name, symbol_shown(symbol)) != wanted || (symbol->is_plt && i != 0) || symbol->is_old)
          continue;
        snprintf(entry, sizeof entry, "%s@%s", symbol_shown(symbol), symbol->is_plt ? "plt" : modules[i]->file);
        found += append(text, size, entry);
      }
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
  for (size_t i = 0; i < count && !module_found && !*text; i++)
    append(text, size, modules[i]->file);
}
