/* Changes in order. */
#include "patch/patch.h"

static bool precedes(const struct change *a, const struct change *b)
{
  return a->round != b->round ? a->round < b->round : a->address < b->address;
}

static void sift_down(struct change *changes, size_t root, size_t count)
{
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    struct change swapped;

    if (child + 1 < count && precedes(&changes[child], &changes[child + 1]))
      child++;
    if (!precedes(&changes[root], &changes[child]))
      return;
    swapped = changes[root];
    changes[root] = changes[child];
    changes[child] = swapped;
  }
}

/* Heapsort: libc's qsort may allocate, and a callback inside malloc may have called us. */
void patch_sort(struct change *changes, size_t count)
{
  bool sorted = true;

  for (size_t i = 1; i < count; i++)
    sorted &= !precedes(&changes[i], &changes[i - 1]);
  if (sorted)
    return;
  for (size_t i = count / 2; i-- > 0;)
    sift_down(changes, i, count);
  for (size_t end = count - 1; end > 0; end--) {
    struct change swapped = changes[0];

    changes[0] = changes[end];
    changes[end] = swapped;
    sift_down(changes, 0, end);
  }
}
