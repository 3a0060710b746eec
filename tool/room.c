/* The command's part of the channel. Images are given back and used again, by powers of two of their size. */
#include "room.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "doubt.h"

enum { IMAGE_SMALLEST = 4096, REASON_BYTES = 64 };

static struct image *images;
static size_t image_count, image_room;

void room_punch(const struct count_run *run, uint64_t offset, uint64_t size)
{
  if (fallocate(run->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) != 0)
    memset(channel_at(run->channel, offset), 0, size);
}

/* The offset of `size` bytes, never such as were taken here before; 0 where there are none. */
static uint64_t take(struct channel *channel, uint64_t size)
{
  static uint64_t own_end = sizeof(struct channel);
  uint64_t used = atomic_load(&channel->used), at;

  size = (size + CHANNEL_UNIT - 1) & ~(uint64_t)(CHANNEL_UNIT - 1);
  do {
    at = used > own_end ? used : own_end;
    if (at % CHANNEL_UNIT || at > CHANNEL_SIZE || size > CHANNEL_SIZE - at)
      return 0;
  } while (!atomic_compare_exchange_weak(&channel->used, &used, at + size));
  own_end = at + size;
  return at;
}

/* ---- images ---- */

static struct image *find_free(uint64_t size)
{
  for (size_t i = 0; i < image_count; i++)
    if (images[i].is_free && images[i].size == size)
      return &images[i];
  return NULL;
}

static struct image *add_image(struct count_run *run, uint64_t size)
{
  uint64_t offset = take(run->channel, size);

  if (!offset)
    return NULL;
  images = grown(images, image_count, &image_room, sizeof *images);
  images[image_count] = (struct image){.memory = channel_at(run->channel, offset), .offset = offset, .size = size};
  return &images[image_count++];
}

const struct image *room_new_image(struct count_run *run, const struct plan *plan, uint64_t extra)
{
  uint64_t wanted = sizeof(struct channel_image) + plan->count * (sizeof(struct channel_site) + REASON_BYTES) + extra;
  uint64_t size = IMAGE_SMALLEST;
  struct image *image;

  while (size < wanted)
    size *= 2;
  image = find_free(size);
  if (!image)
    image = add_image(run, size);
  if (!image)
    return NULL;
  image->is_free = false;
  image->plan = plan;
  image->memory->size = size;
  image->memory->site_count = (uint32_t)plan->count;
  atomic_store(&image->memory->references, 1);
  return image;
}

const struct image *room_image_at(uint64_t offset)
{
  for (size_t i = 0; i < image_count; i++)
    if (images[i].offset == offset && !images[i].is_free)
      return &images[i];
  return NULL;
}

void room_drop_image(struct count_run *run, const struct image *image)
{
  if (atomic_fetch_sub(&image->memory->references, 1) != 1)
    return;
  room_punch(run, image->offset, image->size);
  images[image - images].is_free = true;
}

/* ---- the listing ---- */

bool room_new_listing(struct count_run *run, const struct plan *plan, uint64_t site_count)
{
  uint64_t size = sizeof(struct listing) + plan->count * sizeof(struct listing_function);
  uint64_t used = atomic_load(&run->channel->used), room = used < CHANNEL_SIZE ? (CHANNEL_SIZE - used) / 2 : 0, offset;

  if (size > room)
    return false;
  if (site_count > (room - size) / sizeof(struct listing_site))
    site_count = (room - size) / sizeof(struct listing_site);
  size += site_count * sizeof(struct listing_site);
  offset = take(run->channel, size);
  if (!offset)
    return false;
  run->listed_plan = plan_index(plan);
  run->listed_sites = site_count;
  run->listing = channel_at(run->channel, offset);
  run->listing->size = size;
  run->listing->function_count = plan->count;
  run->listing->site_room = site_count;
  run->channel->listing = offset;
  return true;
}

static bool is_sound(struct listing *listing)
{
  for (uint32_t i = 0; i < listing->cause_count; i++) {
    struct listing_cause *cause = &listing->causes[i];

    channel_end_text(cause->text, sizeof cause->text);
    if (cause->entry >= LISTING_ENTRIES)
      return false;
  }
  for (uint64_t i = 0; i < listing->site_count; i++) {
    const struct listing_site *site = &listing_sites(listing)[i];

    if (site->function >= listing->function_count || site->cause >= listing->cause_count)
      return false;
  }
  return true;
}

void room_take_listing(struct count_run *run)
{
  const struct listing *shared = run->listing;
  size_t functions = shared ? plan_at(run->listed_plan)->count : 0;
  size_t size = sizeof *shared + functions * sizeof(struct listing_function);
  struct listing *own;

  if (!shared || !atomic_load(&shared->done))
    return;
  own = checked(malloc(size));
  channel_copy(own, shared, size);
  own->function_count = functions;
  channel_end_text(own->failure, sizeof own->failure);
  run->listing = NULL;
  if (own->cause_count <= LISTING_CAUSES && own->site_count <= run->listed_sites) {
    own = checked(realloc(own, size + own->site_count * sizeof(struct listing_site)));
    channel_copy((char *)own + size, (const char *)shared + size, own->site_count * sizeof(struct listing_site));
    if (is_sound(own))
      run->listing = own;
  }
  run->is_broken |= !run->listing;
}
