/* Entries that make another instruction give way. */
#ifndef HOST_X86_64_EVICT_H
#define HOST_X86_64_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/entry.h"

/* Gives the site, whose instruction no jump and no pun fits, such an entry if there is one; else its reason tells why not. */
void evict(const struct entry_request *request);

/* Takes the entry of before again, with the one that gave way, where both still fit. */
bool evict_keeps(const struct entry_request *request);

/* The jump that an idle site had still leads to its island, if code[] is what stands from the site on. */
bool evict_still_fits(const struct site *site, const uint8_t *code, size_t readable);

#endif
