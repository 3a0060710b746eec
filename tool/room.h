/* What the command itself puts into the channel: images, and the listing. Where they lie is written down here, since targets can
 * change what stands in the channel. */
#ifndef TOOL_ROOM_H
#define TOOL_ROOM_H

#include "count.h"
#include "listing.h"
#include "plan.h"

/* An image in use. */
struct image {
  struct channel_image *memory;
  const struct plan *plan;
  uint64_t offset, size;
  bool is_free;
};

/* A zeroed one, with one reference, for the plan's sites and `extra` bytes behind them; NULL where the channel is full. Good
 * until the next one is made. */
const struct image *room_new_image(struct count_run *run, const struct plan *plan, uint64_t extra);

/* The image in use that lies there; NULL: there is none. */
const struct image *room_image_at(uint64_t offset);

/* One reference less; the last one frees it. */
void room_drop_image(struct count_run *run, const struct image *image);

/* Makes run->listing, for the plan's functions, with room for that many sites, or as many as fit; false where the channel is
 * full. */
bool room_new_listing(struct count_run *run, const struct plan *plan, uint64_t site_count);

/* Once it is answered: puts a copy that was checked in its place, or NULL where the answer is broken. */
void room_take_listing(struct count_run *run);

/* Zeroes that part of the channel, and gives its memory back. */
void room_punch(const struct count_run *run, uint64_t offset, uint64_t size);

#endif
