/* Function ranges from unwind tables. Pure: reads only inside the bounds given, whatever the table says. What is not in
 * the form that linkers write is answered as unknown. */
#ifndef RESOLVE_EH_FRAME_H
#define RESOLVE_EH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct eh_table {
  uintptr_t header;    /* .eh_frame_hdr, where it lies in memory */
  uintptr_t low, high; /* nothing outside is read */
  uintptr_t shift;     /* how far behind its address each byte is read */
};

struct eh_function {
  uintptr_t start, end;
  bool is_signal_frame; /* libc's signal return: its entry begins a byte before its code, for the unwinders' sake */
};

/* The function whose unwind entry covers `pc`. */
bool eh_find(const struct eh_table *table, uintptr_t pc, struct eh_function *function);

/* The lowest function start above `pc`; UINTPTR_MAX where there is none, or no table. */
uintptr_t eh_next_start(const struct eh_table *table, uintptr_t pc);

#endif
