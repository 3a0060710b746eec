/* In C there is nothing more. */
#include "host.h"

void host_check_more(void)
{
}
