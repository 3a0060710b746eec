/* What the shared library shows: everything else is compiled hidden. */
#ifndef VISIBILITY_H
#define VISIBILITY_H

#define API __attribute__((visibility("default")))

#endif
