/* Answers for `sighook list --entry`. */
#ifndef AGENT_LISTER_H
#define AGENT_LISTER_H

#include <sighook/sighook.h>
#include "listing.h"
#include "sites.h"

/* Finds the sites that are asked about, has `answer` write down what they get, and says that it is done. */
void list_entries(struct listing *listing, void (*answer)(const struct sites *sites));

/* Asks about them one by one. */
void list_each(const struct sites *sites);

/* Installs all of them in one batch. */
void list_together(const struct sites *sites);

sighook_spec list_spec(uintptr_t address);

/* Writes down what a site gets: `info`, or where that is NULL the failure that happened last in this thread. */
void list_record(const struct sites *sites, uint32_t function, uintptr_t address, const sighook_info *info);

#endif
