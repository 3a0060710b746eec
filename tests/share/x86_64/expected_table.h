/* Traps stand where an instruction is shorter than a jump and nothing else fits; how many depends on what lies around. */
enum { EXPECTED_WORDS = 0, EXPECTED_STRIDE = 5, EXPECTED_STRIDE_LONG = 1 };
enum { EXPECTED_REFUSALS = 4, EXPECTED_TRAPS = 4, EXPECTED_TRAPS_PERMILLE = 5, EXPECTED_REFUSALS_PERMILLE = 1 };

static const char *const expected_refusals[EXPECTED_REFUSALS] = {
    "both are real",
    "the signal return trampoline",
    "cancellable system call",
    "rseq critical section",
};
static const char *const expected_traps[EXPECTED_TRAPS] = {
    "nothing is free where a jump",
    "the next function's first bytes",
    "into the middle of the instruction",
    "a loop's head",
};
