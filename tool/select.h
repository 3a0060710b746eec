/* Selectors (-e, -x): which functions of which modules.
 *   NAME[@MODULE] | MODULE!NAME | /ERE/[@MODULE] | NAME@plt | NAME@VERSION | MODULE+OFF | FUNC+OFF | 0xADDR | @FILE */
#ifndef TOOL_SELECT_H
#define TOOL_SELECT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include "symbols.h"

struct selector {
  char *text;               /* as given */
  char *name;               /* glob, or NULL for an expression, an address */
  char *module;             /* glob on the file name; NULL: any */
  regex_t expression;
  bool is_expression, is_plt;
  bool is_absolute;
  uint64_t offset;          /* FUNC+OFF, MODULE+OFF, 0xADDR */
  unsigned matches;
};

struct selection {
  struct selector *chosen, *excluded;
  size_t chosen_count, excluded_count;
};

/* Adds the selectors of one option's argument, separated by commas. On failure prints why and returns false. */
bool selection_add(struct selection *selection, bool exclude, const char *text);
/* What is counted where nothing was asked for: the program's own functions and its imports. */
void selection_default(struct selection *selection);

/* Whether the symbol is selected. `index` is the module's place: 0 is the program. Counts the match. */
bool selection_takes(struct selection *selection, const struct module *module, size_t index, const struct symbol *symbol,
                     uint64_t *offset);

/* Names like the selector's, for people who mistyped: at most `size` characters, separated by commas. */
void selection_near(const struct selector *selector, const struct module *modules, size_t count, char *text, size_t size);

#endif
