/* Offsets and numbers of the core's structures that assembly shares with C; asserted in offsets.c. */
#ifndef CORE_OFFSETS_H
#define CORE_OFFSETS_H

/* struct site */
#define SITE_PATH 0
#define SITE_ROUTINE 8
#define SITE_ACTION 16
#define SITE_ADDRESS 24
#define SITE_STUB 32
#define SITE_PROBE_OFFSET 80
#define SITE_DISPLACED_OFFSET 81
#define SITE_SHIFT 87

/* site->action: the struct action, with its save class in the low bits; SITE_NO_ACTION where nothing runs. Two of the bits tell
 * alone what captures branch on. */
#define ACTION_TAG 7
#define ACTION_SAVES_BIT 0            /* more is to be saved than the general registers, or nothing runs */
#define ACTION_NONE_BIT 2             /* nothing runs */
#define SITE_NO_ACTION 7

/* struct action */
#define ACTION_HANDLER 0
#define ACTION_ARGUMENT 8

/* struct thread */
#define THREAD_LEVEL 0

/* struct capture_facts */
#define FACTS_EPOCH 0
#define FACTS_SELF_OFFSET 8
#define FACTS_ERRNO_OFFSET 16

/* enum save_class */
#define SAVE_INTEGER 0
#define SAVE_VECTOR 1
#define SAVE_FULL 3

#endif
