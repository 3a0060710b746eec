/* For faults_test.c: jumps at the sites of faults_neighbours.S fit only where the instructions behind, which fault, give way. */
#include "reach.h"
#include "../live/windows.h"

extern const uint8_t site_evicted_load[], site_evicted_store[], site_evicted_short[], site_reached[], site_reached_later[];
extern const uint8_t site_evicted_call[];

void faults_prepare(void);

void faults_prepare(void)
{
  take_windows(site_evicted_load, 1);
  take_windows(site_evicted_store, 2);
  take_windows(site_evicted_short, 1);
  take_windows(site_evicted_call, 1);
  reach_crowd_at(site_reached, 1);
  reach_crowd_at(site_reached_later, 1);
}
