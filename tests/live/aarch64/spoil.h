/* What a handler, or the functions that it calls, may do to registers by the procedure call standard. */
#ifndef TESTS_LIVE_SPOIL_H
#define TESTS_LIVE_SPOIL_H

void spoil_registers(void);

#endif
