/* How much is done by default, and with SIGHOOK_LONG. A step takes a millisecond on an emulated machine. */
enum { SCALE_ROUNDS = 1, SCALE_ROUNDS_LONG = 10, SCALE_BATCHES = 10, SCALE_SLOW = 1 };
