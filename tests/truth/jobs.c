/* The jobs, done `rounds` times with other data each. */
#include "jobs.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* libcrypto's, declared here since it has no headers among the packages. */
void *EVP_MD_fetch(void *, const char *, const char *);
void *EVP_CIPHER_fetch(void *, const char *, const char *);
int EVP_Digest(const void *, size_t, unsigned char *, unsigned *, const void *, void *);
void *EVP_CIPHER_CTX_new(void);
void EVP_CIPHER_CTX_free(void *);
int EVP_EncryptInit_ex(void *, const void *, void *, const unsigned char *, const unsigned char *);
int EVP_EncryptUpdate(void *, unsigned char *, int *, const unsigned char *, int);

enum { INPUT = 144, PACKED = 2 * INPUT, NUMBERS = 6, KEY = 16, MEMORY = 256, WINDOW_BITS = 9 };

static unsigned rounds;
static void *sha256, *aes128;
static unsigned char input[MEMORY], packed[PACKED];
static size_t packed_length;

/* By words, since these are steps too. */
static unsigned long mix(unsigned long digest, const void *bytes, size_t length)
{
  unsigned long word;

  for (size_t i = 0; i + sizeof word <= length; i += sizeof word) {
    __builtin_memcpy(&word, (const char *)bytes + i, sizeof word);
    digest = (digest ^ word) * 0x100000001B3;
  }
  return digest;
}

/* With the smallest window: its tables are cleared each time. */
static size_t pack(int level, unsigned char *out)
{
  z_stream stream = {.next_in = input, .avail_in = INPUT, .next_out = out, .avail_out = PACKED};

  deflateInit2(&stream, level, Z_DEFLATED, WINDOW_BITS, 1, Z_DEFAULT_STRATEGY);
  deflate(&stream, Z_FINISH);
  deflateEnd(&stream);
  return stream.total_out;
}

int jobs_start(unsigned wanted)
{
  rounds = wanted;
  for (unsigned i = 0; i < sizeof input; i++)
    input[i] = (unsigned char)(i * i >> 5 ^ i % 13);
  packed_length = pack(6, packed);
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  aes128 = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
  return packed_length && sha256 && aes128;
}

unsigned long job_compress(void)
{
  unsigned char out[PACKED] = {0};
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++)
    digest = mix(digest * 31 + pack(1 + (int)(i * 5 % 9), out), out, sizeof out);
  return digest;
}

unsigned long job_expand(void)
{
  unsigned char out[INPUT];
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++) {
    z_stream stream = {.next_in = packed, .avail_in = (uInt)packed_length, .next_out = out, .avail_out = sizeof out};

    inflateInit2(&stream, WINDOW_BITS);
    inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    digest = mix(digest + crc32(adler32(1, out, sizeof out), out, sizeof out), out, sizeof out);
  }
  return digest;
}

static int by_value(const void *a, const void *b)
{
  double difference = *(const double *)a - *(const double *)b;

  return (difference > 0) - (difference < 0);
}

unsigned long job_text(void)
{
  unsigned long digest = 0;
  double numbers[NUMBERS];
  char text[128];

  for (unsigned i = 0; i < rounds; i++) {
    for (unsigned j = 0; j < NUMBERS; j++)
      numbers[j] = strtod(j % 2 ? "3.14159e2" : "-0x1.8p3", NULL) * (j * 7 % 5) + i;
    qsort(numbers, NUMBERS, sizeof *numbers, by_value);
    snprintf(text, sizeof text, "%d %-8s|%#lx %.6g %08.3f %c", (int)i - 7, "left", 0xABCDEFul * i, numbers[1],
             numbers[NUMBERS - 1], 'x');
    digest = mix(digest, text, strlen(text)) + strtoul(text, NULL, 0) + (strchr(text, '|') ? 1 : 0);
  }
  return digest;
}

/* Copies of many lengths, from and to every misalignment, overlapping ones too. */
unsigned long job_memory(void)
{
  unsigned char bytes[MEMORY], other[MEMORY];
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++) {
    memcpy(bytes, input, sizeof bytes);
    memset(other, (int)i, sizeof other);
    for (size_t length = 1; length < MEMORY - 16; length += 19 + i) {
      char *copy = malloc(length * 9);

      memcpy(copy, bytes + length % 8, length);
      memcpy(other + length % 16, copy, length);
      memmove(other + 3, other + length % 7, length);
      memmove(bytes + length % 5 + 2, bytes + 1, length);
      digest += (unsigned long)(memchr(bytes, 7, length) != NULL) + (unsigned long)(memcmp(bytes, other, length) > 0);
      free(copy);
    }
    digest = mix(mix(digest, bytes, sizeof bytes), other, sizeof other);
  }
  return digest;
}

unsigned long job_cipher(void)
{
  unsigned char output[INPUT + KEY], hash[32];
  unsigned long digest = 0;
  int length = 0;

  for (unsigned i = 0; i < rounds; i++) {
    void *context = EVP_CIPHER_CTX_new();

    EVP_Digest(input + i, INPUT, hash, NULL, sha256, NULL);
    EVP_EncryptInit_ex(context, aes128, NULL, input + i, hash);
    EVP_EncryptUpdate(context, output, &length, input, INPUT);
    EVP_CIPHER_CTX_free(context);
    digest = mix(mix(digest, hash, sizeof hash), output, (size_t)length);
  }
  return digest;
}
