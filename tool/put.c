/* Writing JSON with yajl. */
#include "put.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MAX = 8192 };
#define EXACT_MAX (UINT64_C(1) << 53)

void json_text(yajl_gen json, const char *text)
{
  yajl_gen_string(json, (const unsigned char *)text, strlen(text));
}

/* Names and arguments are bytes; JSON is UTF-8. A byte that is not part of a valid sequence becomes U+FFFD. */
static size_t sequence_length(const unsigned char *at)
{
  size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xC2 && at[0] < 0xE0 ? 2 : (at[0] & 0xF0) == 0xE0 ? 3 : at[0] >= 0xF0 && at[0] < 0xF5 ? 4 : 0;

  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xC0) != 0x80)
      return 0;
  if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) || (at[0] == 0xF0 && at[1] < 0x90) ||
      (at[0] == 0xF4 && at[1] > 0x8F))
    return 0;
  return length;
}

void json_bytes(yajl_gen json, const char *bytes)
{
  const unsigned char *at = (const unsigned char *)bytes;
  char text[TEXT_MAX + 4];
  size_t used = 0;

  while (*at && used < TEXT_MAX) {
    size_t length = sequence_length(at);

    memcpy(text + used, length ? (const char *)at : "\xEF\xBF\xBD", length ? length : 3);
    used += length ? length : 3;
    at += length ? length : 1;
  }
  yajl_gen_string(json, (const unsigned char *)text, used);
}

void json_number(yajl_gen json, uint64_t value)
{
  char text[32];

  if (value <= EXACT_MAX) {
    yajl_gen_integer(json, (long long)value);
    return;
  }
  snprintf(text, sizeof text, "%" PRIu64, value);
  json_text(json, text);
}

void json_named_number(yajl_gen json, const char *name, uint64_t value)
{
  json_text(json, name);
  json_number(json, value);
}

void json_named_bytes(yajl_gen json, const char *name, const char *bytes)
{
  json_text(json, name);
  json_bytes(json, bytes);
}

void json_end_line(yajl_gen json, FILE *out)
{
  const unsigned char *text;
  size_t length;

  yajl_gen_map_close(json);
  yajl_gen_get_buf(json, &text, &length);
  fwrite(text, 1, length, out);
  fputc('\n', out);
  yajl_gen_clear(json);
  yajl_gen_reset(json, NULL);
}
