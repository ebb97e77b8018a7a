// SPDX-License-Identifier: BSD-2-Clause
// Waiting, as every source of ours that stays waits: never deaf to the engine, which closes our
// standard input when it wants us to end.
#ifndef ROLLCALL_SOURCES_WAIT_H
#define ROLLCALL_SOURCES_WAIT_H

#include <stddef.h>
#include <stdint.h>

int64_t source_now_ms(void); // of the monotonic clock

// What the engine says on standard input after the request (acknowledgements) is given to this
// one from now on; before, it is dropped.
void source_on_input(void (*take)(const char *bytes, size_t n));
// To be called when standard input can be read. At its end the program ends, with 0.
void source_input(void);

// Waits until `ms` (at most a minute) are over, or `fd` (or -1) can be read, or the engine said
// something.
void source_wait(int64_t ms, int fd);
// Waits for all of `ms`.
void source_pause(int64_t ms);
// Half of `ms` and a part of the other half at random, so that ten thousand hosts do not come
// back at once.
int64_t source_jitter(int64_t ms);

#endif
