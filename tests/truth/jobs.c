/* The jobs, done `rounds` times with other data each. */
#define _GNU_SOURCE
#include "jobs.h"

#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "sink.h"

/* libcrypto's, declared here since it has no headers among the packages. */
void *EVP_MD_fetch(void *, const char *, const char *);
void *EVP_CIPHER_fetch(void *, const char *, const char *);
int EVP_Digest(const void *, size_t, unsigned char *, unsigned *, const void *, void *);
void *EVP_CIPHER_CTX_new(void);
void EVP_CIPHER_CTX_free(void *);
int EVP_CipherInit_ex(void *, const void *, void *, const unsigned char *, const unsigned char *, int);
int EVP_CipherUpdate(void *, unsigned char *, int *, const unsigned char *, int);
int EVP_CipherFinal_ex(void *, unsigned char *, int *);

enum { INPUT = 144, PACKED = 2 * INPUT, NUMBERS = 6, SECRET = 320, BLOCK = 16, MEMORY = 3000, WINDOW_BITS = 9, MATCHES = 4 };

static unsigned rounds;
static void *sha256;
static const char *const cipher_names[] = {"AES-128-CBC", "AES-256-CTR", "AES-128-GCM"};
enum { CIPHERS = sizeof cipher_names / sizeof *cipher_names };
static void *ciphers[CIPHERS];
static unsigned char input[MEMORY], packed[PACKED];
static size_t packed_length, memory, secret_length;

/* With the smallest window: its tables are cleared each time. */
static size_t pack(int level, unsigned char *out)
{
  z_stream stream = {.next_in = input, .avail_in = INPUT, .next_out = out, .avail_out = PACKED};

  deflateInit2(&stream, level, Z_DEFLATED, WINDOW_BITS, 1, Z_DEFAULT_STRATEGY);
  deflate(&stream, Z_FINISH);
  deflateEnd(&stream);
  return stream.total_out;
}

int jobs_start(unsigned wanted, int small)
{
  bool fetched;

  rounds = wanted;
  memory = small ? MEMORY / 6 : MEMORY;
  secret_length = small ? SECRET / 2 : SECRET;
  for (unsigned i = 0; i < sizeof input; i++)
    input[i] = (unsigned char)(i * i >> 5 ^ i % 13);
  packed_length = pack(6, packed);
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  fetched = sha256 != NULL;
  for (unsigned i = 0; i < CIPHERS; i++)
    fetched &= (ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL)) != NULL;
  return packed_length && fetched;
}

unsigned long job_compress(void)
{
  unsigned char out[PACKED] = {0};
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++)
    digest = emit(digest, out, pack(1 + (int)(i * 5 % 9), out));
  return digest;
}

unsigned long job_expand(void)
{
  unsigned char out[INPUT];
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++) {
    z_stream stream = {.next_in = packed, .avail_in = (uInt)packed_length, .next_out = out, .avail_out = sizeof out};
    unsigned long sum;

    inflateInit2(&stream, WINDOW_BITS);
    inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    sum = crc32(adler32(1, out, sizeof out), out, sizeof out);
    digest = emit(emit(digest, out, sizeof out), &sum, sizeof sum);
  }
  return digest;
}

static int by_value(const void *a, const void *b)
{
  double difference = *(const double *)a - *(const double *)b;

  return (difference > 0) - (difference < 0);
}

/* The last numbers take arithmetic of many digits, there and back; long ones have registers of their own on x86-64. */
unsigned long job_text(void)
{
  static const char *const written[] = {"3.14159e2", "-0x1.8p3", "17", "2.2250738585072011e-308", "-9.87654321098765432109e+22"};
  unsigned long digest = 0;
  double numbers[NUMBERS];
  long double long_number;
  FILE *stream;
  char text[256];
  int exponent;

  for (unsigned i = 0; i < rounds; i++) {
    unsigned count = 4 + i % 2;

    for (unsigned j = 0; j < NUMBERS; j++)
      numbers[j] = strtod(written[j % count], NULL) * (j * 7 % 5) + i;
    qsort(numbers, NUMBERS, sizeof *numbers, by_value);
    snprintf(text, sizeof text, "%d %-8s|%#lx %.6g %08.3f %c %.17g %a", (int)i - 7, "left", 0xABCDEFul * i, numbers[1],
             numbers[NUMBERS - 1], 'x', numbers[0], numbers[2]);
    digest = emit(digest, text, strlen(text)) + strtoul(text, NULL, 0);
    long_number = ldexpl(strtold(text, NULL), (int)i - 3);
    stream = fmemopen(text, sizeof text, "w");
    fprintf(stream, "%.12Lg %Lf %s\n", long_number, frexpl(strtold(written[1], NULL), &exponent), "to a stream");
    fclose(stream);
    digest = emit(digest, text, strlen(text));
  }
  return digest;
}

unsigned long job_regex(void)
{
  static const char *const patterns[] = {"[x-z]+(1|2)", "(a|b)*c\\.(d.)\\1", "^([a-f]+|x[0-9]*y)z?$"};
  static const char *const texts[] = {"abcdefz", "x12y", "abc.dab"};
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++) {
    regex_t compiled;

    if (regcomp(&compiled, patterns[i % 3], i < 3 ? REG_EXTENDED : REG_EXTENDED | REG_ICASE) != 0)
      return 0;
    for (unsigned j = 0; j < sizeof texts / sizeof *texts; j++) {
      regmatch_t matches[MATCHES] = {{0, 0}};
      int answer = regexec(&compiled, texts[j], MATCHES, matches, 0);

      digest = emit(emit(digest, &answer, sizeof answer), matches, sizeof matches);
    }
    regfree(&compiled);
  }
  return digest;
}

/* Copies of many lengths, from and to every misalignment, overlapping ones too. The longest may be left to the processor's
 * own string instructions. */
unsigned long job_memory(void)
{
  static const size_t lengths[] = {1, 2, 3, 5, 8, 13, 20, 31, 32, 40, 64, 77, 100, 128, 150, 240, 300, 520, 1000, 2500};
  unsigned char bytes[MEMORY], other[MEMORY];
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++) {
    mempcpy(bytes, input, memory);
    memset(other, (int)i, memory);
    for (unsigned j = 0; j < sizeof lengths / sizeof *lengths && lengths[j] + 32 < memory; j++) {
      size_t length = lengths[j] + (j > 2 ? i % 8 : 0);
      char *copy = malloc(length * 9);

      memcpy(copy, bytes + length % 8, length);
      memcpy(other + length % 16, copy, length);
      memmove(other + 3, other + length % 7, length);
      memmove(bytes + length % 5 + 2, bytes + 1, length);
      memset(copy + length % 3, 7, length);
      digest += (unsigned long)(memchr(bytes, 7, length) != NULL) + (unsigned long)(memcmp(bytes, other, length) > 0);
      digest += (unsigned long)(memrchr(copy, 7, length) != NULL) + (unsigned long)(memmem(bytes, length, other, 3) != NULL);
      free(copy);
    }
    digest = emit(emit(emit(digest, bytes, memory), other, memory), &digest, sizeof digest);
  }
  return digest;
}

/* Of a length that varies, at a place that varies. */
unsigned long job_strings(void)
{
  unsigned long digest = 0;
  char text[300], copy[300];

  for (unsigned i = 0; i < rounds; i++)
    for (size_t length = 0; length < 200; length = length * 3 / 2 + 1 + i % 3) {
      char *from = text + length % 9 + i % 8, *to = copy + length % 5;
      unsigned long found;

      memset(from, 'a' + (int)length % 7, length);
      from[length] = '\0';
      stpcpy(stpcpy(to, from), "tail");
      found = strlen(from) + (unsigned long)(strchr(to, 't') - to) + (unsigned long)(strrchr(to, 'a') != NULL);
      found += (unsigned long)(strcmp(from, to) < 0) + (unsigned long)(strncmp(from, to, length) == 0);
      found += strnlen(from, length / 2) + strspn(to, "abcdefg") + strcspn(to, "l") + (unsigned long)(strstr(to, "ail") - to);
      found += (unsigned long)(strcasecmp(from, to) < 0) + (unsigned long)((char *)rawmemchr(to, 'i') - to);
      digest = emit(emit(digest, &found, sizeof found), to, length + sizeof "tail");
    }
  return digest;
}

unsigned long job_digest(void)
{
  unsigned char hash[32];
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds; i++) {
    EVP_Digest(input + i, secret_length - i % 64, hash, NULL, sha256, NULL);
    digest = emit(digest, hash, sizeof hash);
  }
  return digest;
}

/* There and back, by each cipher. */
unsigned long job_cipher(void)
{
  unsigned char secret[SECRET + 2 * BLOCK], plain[SECRET + 2 * BLOCK];
  unsigned long digest = 0;

  for (unsigned i = 0; i < rounds * CIPHERS; i++) {
    void *context = EVP_CIPHER_CTX_new();
    int length = 0, end = 0, back = 0;

    EVP_CipherInit_ex(context, ciphers[i % CIPHERS], NULL, input + i, input + SECRET + i, 1);
    EVP_CipherUpdate(context, secret, &length, input, (int)(secret_length - i / CIPHERS % BLOCK));
    EVP_CipherFinal_ex(context, secret + length, &end);
    EVP_CipherInit_ex(context, NULL, NULL, NULL, input + SECRET + i, 0);
    EVP_CipherUpdate(context, plain, &back, secret, length + end);
    EVP_CIPHER_CTX_free(context);
    digest = emit(emit(digest, secret, (size_t)(length + end)), plain, (size_t)back);
  }
  return digest;
}
