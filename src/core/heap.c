/* A free list for each multiple of 16 bytes, cut from larger blocks; what is larger than a block goes to the system. */
#include "core/heap.h"

#include <stdint.h>
#include "os/memory.h"

enum { GRAIN = 16, CLASSES = 64, BLOCK = 64 * 1024 };

struct free_piece {
  struct free_piece *next;
};

static struct free_piece *free_pieces[CLASSES + 1];
static char *block, *block_end;

static size_t class_of(size_t size)
{
  return (size + GRAIN - 1) / GRAIN;
}

static void *cut(size_t size)
{
  char *memory;

  if (size > (size_t)(block_end - block)) {
    char *fresh = os_allocate(BLOCK);

    if (!fresh)
      return NULL;
    block = fresh;
    block_end = fresh + BLOCK;
  }
  memory = block;
  block += size;
  return memory;
}

void *heap_take(size_t size)
{
  size_t class = class_of(size);
  struct free_piece *piece;

  if (class > CLASSES)
    return os_allocate(page_up(size, os_page_size()));
  piece = free_pieces[class];
  if (!piece)
    return cut(class * GRAIN);
  free_pieces[class] = piece->next;
  for (size_t i = 0; i < class * GRAIN / sizeof(uint64_t); i++)
    ((uint64_t *)piece)[i] = 0;
  return piece;
}

void heap_give(void *memory, size_t size)
{
  size_t class = class_of(size);
  struct free_piece *piece = memory;

  if (class > CLASSES) {
    os_free(memory, page_up(size, os_page_size()));
    return;
  }
  piece->next = free_pieces[class];
  free_pieces[class] = piece;
}

void heap_abandon(void)
{
  for (size_t i = 0; i <= CLASSES; i++)
    free_pieces[i] = NULL;
  block = block_end = NULL;
}
