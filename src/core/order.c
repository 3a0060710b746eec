/* Heapsort. */
#include "core/order.h"

struct sorting {
  uint32_t *order;
  uintptr_t (*key)(const void *context, size_t index);
  const void *context;
};

static bool precedes(const struct sorting *s, size_t a, size_t b)
{
  uintptr_t first = s->key(s->context, s->order[a]), second = s->key(s->context, s->order[b]);

  return first != second ? first < second : s->order[a] < s->order[b];
}

static void swap(struct sorting *s, size_t a, size_t b)
{
  uint32_t held = s->order[a];

  s->order[a] = s->order[b];
  s->order[b] = held;
}

static void sift_down(struct sorting *s, size_t root, size_t count)
{
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && precedes(s, child, child + 1))
      child++;
    if (!precedes(s, root, child))
      return;
    swap(s, root, child);
  }
}

void order_by(uint32_t *order, size_t count, uintptr_t (*key)(const void *context, size_t index), const void *context)
{
  struct sorting s = {.order = order, .key = key, .context = context};
  bool sorted = true;

  for (size_t i = 0; i < count; i++)
    order[i] = (uint32_t)i;
  for (size_t i = 1; i < count && sorted; i++)
    sorted = precedes(&s, i - 1, i);
  if (sorted)
    return;
  for (size_t i = count / 2; i-- > 0;)
    sift_down(&s, i, count);
  for (size_t end = count - 1; end > 0; end--) {
    swap(&s, 0, end);
    sift_down(&s, 0, end);
  }
}
