/* What is mapped where. A view is opened, asked, and closed; it is never kept, since the program may close our descriptor
 * and map what it likes. */
#ifndef OS_MAPS_H
#define OS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_mapping {
  uintptr_t start, end;
  unsigned protection;      /* OS_READ | ...; OS_GUARDED and OS_TAGGED only through os_maps_find, of code */
  bool shared_file;         /* writes would reach the file */
  bool stack;               /* the main thread's; known only through os_maps_next */
};

/* Mappings without a gap between them. */
struct os_span {
  uintptr_t start, end;
  bool stack;
};

struct os_maps {
  int descriptor;
  int failure;              /* errno for which an answer could not be had, and was "no" */
  bool queries;             /* the system answers for one address; otherwise `text` holds the whole list */
  char *text;
  size_t length, size;
  struct os_span *spans;    /* of the time when so much had been asked that they were written down */
  size_t span_count, span_room;
  unsigned asked;
  uintptr_t extras_start, extras_end;   /* the mapping whose `extras` were asked for last */
  unsigned extras;
};

/* 0 or errno. */
int os_maps_open(struct os_maps *maps);
void os_maps_close(struct os_maps *maps);
/* The mapping that covers `address`. False where there is none, or where `failure` says that it cannot be known. */
bool os_maps_find(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping);
/* The lowest stretch of mappings that ends above `address`, with the stack told; false where none does. Where much is asked the answer
 * may be as old as the view. */
bool os_maps_next(struct os_maps *maps, uintptr_t address, struct os_mapping *mapping);

/* What the file that is mapped at `address` has there, whatever was written to memory since. False where there is no file, or
 * none under its name any more. */
bool os_maps_read_file(struct os_maps *maps, uintptr_t address, void *bytes, size_t size);

/* Where the heap that brk(2) moves ends now; 0 where there is none. */
uintptr_t os_heap_end(void);

/* How many mappings a process may have. */
size_t os_mappings_max(void);

#endif
