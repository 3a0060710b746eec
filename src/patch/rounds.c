/* Changes that wait for others. */
#include "patch/patch.h"

sighook_status patch_in_rounds(struct os_maps *maps, struct os_text *text, struct change *changes, size_t count, size_t *failed_at,
                               struct error *error)
{
  sighook_status status = SIGHOOK_OK;
  size_t end = 0, at = 0, start;

  patch_sort(changes, count);
  for (start = 0; start < count && !status; start = end) {
    for (end = start; end < count && changes[end].round == changes[start].round;)
      end++;
    status = patch_apply(maps, text, changes + start, end - start, &at, error);
    *failed_at = start + at;
    if (status)
      break;
  }
  for (size_t first; status && start > 0; start = first) {
    for (first = start - 1; first > 0 && changes[first - 1].round == changes[start - 1].round;)
      first--;
    patch_undo(maps, text, changes + first, start - first);
  }
  return status;
}
