// SPDX-License-Identifier: BSD-2-Clause
// What inputs of fuzz_nss begin with, and the first ones: files of the real writers.
#ifndef TESTS_FUZZ_NSS_SEED_H
#define TESTS_FUZZ_NSS_SEED_H

#include <stddef.h>
#include <stdint.h>

#include "rollcall/account.h"

#define SEED_ROOM  32768
#define SEED_STAFF (ROLLCALL_ID_DEFAULT_MIN + 1)

struct seed_plan {
    uint8_t leave; // of cache_shape.h
    uint8_t unused;
    uint8_t faults[14];
    uint8_t acts[24][2];
};

// Calls `run` with each, and writes them into the folder unless it is NULL.
void seed_nss(const char *corpus, void (*run)(const unsigned char *data, size_t len));

#endif
