/* What each site would get: the library is asked, nothing is changed. */
#include "lister.h"

#include <string.h>

sighook_spec list_spec(uintptr_t address)
{
  return (sighook_spec){.size = sizeof(sighook_spec),
                        .kind = SIGHOOK_PROBE,
                        .flags = SIGHOOK_COUNT | SIGHOOK_INTEGER_ONLY,
                        .address = address};
}

/* ---- reasons ---- */

struct text {
  char *at, *end;
};

static void append(struct text *text, const char *from, size_t length)
{
  for (; length && text->at < text->end; length--)
    *text->at++ = *from++;
  *text->at = 0;
}

static void append_word(struct text *text, const char *word)
{
  append(text, word, strlen(word));
}

static uintptr_t read_hexadecimal(const char **at)
{
  uintptr_t value = 0;

  for (*at += 2;; ++*at) {
    char c = **at;

    if (c >= '0' && c <= '9')
      value = value << 4 | (uintptr_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value << 4 | (uintptr_t)(c - 'a' + 10);
    else
      return value;
  }
}

/* The library's message about one site as a reason that many may share: without addresses, and bytes in parentheses. */
static void generalise(const char *message, uintptr_t address, char reason[LISTING_TEXT])
{
  static const char forbidden[] = "may not be hooked: ", preposition[] = " at ";
  const char *behind = strstr(message, forbidden);
  struct text text = {reason, reason + LISTING_TEXT - 1};

  reason[0] = 0;
  for (const char *at = behind ? behind + sizeof forbidden - 1 : message; *at;) {
    const char *number = strncmp(at, preposition, sizeof preposition - 1) == 0 ? at + sizeof preposition - 1 : at;

    if (*at == '(' && strchr(at, ')')) {
      at = strchr(at, ')') + 1;
      at += *at == ' ';
    } else if (strncmp(number, "0x", 2) == 0) {
      bool has_preposition = number != at;
      bool is_own = read_hexadecimal(&number) == address;

      if (!is_own || !has_preposition)
        append_word(&text, is_own ? "it" : has_preposition ? " at another address" : "another address");
      at = number;
    } else {
      append(&text, at++, 1);
    }
  }
}

static uint32_t cause_of(struct listing *listing, uint32_t entry, const char *reason)
{
  struct listing_cause *cause;
  uint32_t i;

  for (i = 0; i < listing->cause_count; i++)
    if (listing->causes[i].entry == entry && strcmp(listing->causes[i].text, reason) == 0)
      return i;
  if (i == LISTING_CAUSES)             /* the last one has to stand for what has no room */
    return i - 1;
  cause = &listing->causes[listing->cause_count++];
  cause->entry = entry;
  append_word(&(struct text){cause->text, cause->text + LISTING_TEXT - 1}, i == LISTING_CAUSES - 1 ? "another reason" : reason);
  return i;
}

/* ---- answers ---- */

void list_record(const struct sites *sites, uint32_t function, uintptr_t address, const sighook_info *info)
{
  struct listing *listing = sites->listing;
  uint32_t entry = info && (uint32_t)info->entry < LISTING_ENTRIES ? (uint32_t)info->entry : SIGHOOK_ENTRY_NONE, cause;
  sighook_error error = {.size = sizeof error};
  char reason[LISTING_TEXT] = "";

  listing->entries[entry]++;
  listing->sites_asked++;
  listing->fragile += info && info->fragile;
  if (info) {
    append_word(&(struct text){reason, reason + LISTING_TEXT - 1}, info->reason);
  } else {
    sighook_last_error(&error);
    generalise(error.message, address, reason);
  }
  if (!*reason)
    return;
  cause = cause_of(listing, entry, reason);
  listing->causes[cause].count++;
  if ((entry == SIGHOOK_ENTRY_NONE || entry == SIGHOOK_ENTRY_TRAP) && listing->site_count < listing->site_room)
    listing_sites(listing)[listing->site_count++] =
        (struct listing_site){.at = address - sites->ranges[function].start, .function = function, .cause = cause};
}

static void ask_library(void *data, uint32_t function, uintptr_t address)
{
  const struct sites *sites = data;
  sighook_spec spec = list_spec(address);
  sighook_info info = {.size = sizeof info};

  list_record(sites, function, address, sighook_check(&spec, &info) == SIGHOOK_OK ? &info : NULL);
}

void list_each(const struct sites *sites)
{
  sites_each(sites, ask_library, (void *)sites);
}

void list_entries(struct listing *listing, void (*answer)(const struct sites *sites))
{
  struct sites sites;

  if (!sites_find(&sites, listing))
    return;
  answer(&sites);
  sites_free(&sites);
  atomic_store_explicit(&listing->done, 1, memory_order_release);
}
