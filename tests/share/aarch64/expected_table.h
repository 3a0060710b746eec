/* Every word is an instruction, or else data that nobody runs, which is refused for what it looks like. */
enum { EXPECTED_WORDS = 1, EXPECTED_STRIDE = 401, EXPECTED_STRIDE_LONG = 7 };   /* primes: no pattern repeats so */
enum { EXPECTED_REFUSALS = 7, EXPECTED_TRAPS = 1, EXPECTED_TRAPS_PERMILLE = 1, EXPECTED_REFUSALS_PERMILLE = 5 };

static const char *const expected_refusals[EXPECTED_REFUSALS] = {
    "inside a load/store-exclusive sequence",
    "a store-exclusive, which would fail each time",
    "an authenticated call that reads the link register",
    "signs or authenticates its own address",
    "the signal return trampoline",
    "cancellable system call",
    "rseq critical section",
};
static const char *const expected_traps[EXPECTED_TRAPS] = {"the landing pad of a guarded page"};
