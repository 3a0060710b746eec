/* Stubs that go on to the next one's: where a trap stands behind a site, its stub does not go back to the code. */
#include "core/lead.h"

#include "host/host.h"
#include "os/sync.h"
#include "patch/poke.h"
#include "table/table.h"

/* The boundary right behind the site, standing or to stand, or NULL. */
static const struct site *boundary_behind(const struct site *site)
{
  struct table_value found = table_find(site_next(site));

  if (!site->back_offset || !found.site || found.tag || !found.site->stub || !site_is_boundary(found.site))
    return NULL;
  return site_in_place(found.site) || found.site->going_live ? found.site : NULL;
}

/* Where a trap stands behind the site, its stub goes on to that one's instead of the code. Were this refused, it would be right
 * still: the trap leads there too. */
static void lead(struct site *site, const struct site *next)
{
  uint8_t bytes[HOST_BACK_LENGTH];

  if (!next && !site->leads_on)
    return;
  if (host_stub_back(site, next ? site_gate(next) : site_next(site), bytes) &&
      poke_live(site->stub + site->back_offset + (HOST_BRANCH_LENGTH - HOST_BACK_LENGTH), bytes, sizeof bytes) == 0)
    site->leads_on = next != NULL;
}

void lead_on(const struct transaction *t)
{
  bool any = false;

  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[i].site;

    if (site->going_live) {
      lead(site, boundary_behind(site));
      any |= site->leads_on;
    }
  }
  if (any)
    os_sync_core();                    /* before there are traps */
}

/* The site that leads on to this one. */
static struct site *leading_here(const struct site *site)
{
  for (unsigned back = 1; back < SITE_BYTES; back++) {
    struct table_value found = table_find(site_place(site) - back);

    if (found.site && !found.tag && found.site->leads_on && site_next(found.site) == site_place(site))
      return found.site;
  }
  return NULL;
}

void lead_back(const struct transaction *t, bool failed)
{
  for (size_t i = 0; i < t->touched_count; i++) {
    struct site *site = t->touched[i].site, *before;

    if (failed ? !site->going_live : !site->leaving)
      continue;
    lead(site, NULL);
    if (site_is_boundary(site) && (before = leading_here(site)))
      lead(before, NULL);
  }
}
