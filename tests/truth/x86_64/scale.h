/* How much is done by default, and with SIGHOOK_LONG. */
enum { SCALE_ROUNDS = 2, SCALE_ROUNDS_LONG = 10, SCALE_BATCHES = 100, SCALE_SLOW = 0 };
