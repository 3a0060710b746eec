/* Selectors (-e, -x): which functions of which modules.
 *   NAME[@MODULE] | MODULE!NAME | /ERE/[@MODULE] | NAME@plt | NAME@VERSION | MODULE+OFF | FUNC+OFF[@MODULE] | 0xADDR | @FILE */
#ifndef TOOL_SELECT_H
#define TOOL_SELECT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include "symbols.h"

struct selector {
  char *text;               /* as given */
  char *name;               /* glob; NULL for an expression, an address */
  char *module;             /* glob on the file name, or a version; NULL: any */
  regex_t expression;
  bool is_expression, is_plt, is_absolute;
  bool is_literal;          /* names one function, no pattern */
  bool is_default;          /* nobody asked for it */
  bool has_offset;
  uint64_t offset;          /* FUNC+OFF, MODULE+OFF, 0xADDR */
};

struct selection {
  struct selector *chosen, *excluded;
  size_t chosen_count, excluded_count;
};

/* Adds the selectors of one option's argument, separated by commas. On failure prints why and returns false. */
bool selection_add(struct selection *selection, bool exclude, const char *text);
/* What is counted where nothing was asked for: the program's own functions and its imports. */
void selection_default(struct selection *selection);

/* `index` is the module's place among its process's: 0 is the program. */
bool selector_takes_module(const struct selector *selector, const struct module *module, size_t index);
/* A function without a name is taken by `*` and by expressions that match nothing at all. */
bool selector_takes(const struct selector *selector, const struct module *module, size_t index,
                    const struct symbol *symbol);
/* MODULE+OFF. */
bool selector_takes_place(const struct selector *selector, const struct module *module, size_t index);

/* Names like the selector's, for people who mistyped: at most `size` characters, separated by commas. */
void selector_near(const struct selector *selector, const struct module *const *modules, size_t count, char *text,
                   size_t size);

#endif
