// SPDX-License-Identifier: BSD-2-Clause
// An input of the two fuzzers of the verifier's door: packets of one side, one after the other.
#ifndef TESTS_FUZZ_PACKETS_H
#define TESTS_FUZZ_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#include "rollcall/protocol.h"

#define PACKETS_MAX 12

struct packets {
    size_t n;
    struct rollcall_packet packet[PACKETS_MAX];
};

// Each with its length in two bytes before it; a length of 0x8000 and more means that the head
// of a packet of type (length & 0xff) is put before the rest, so that what lies behind the
// head is reached.
void packets_read(const uint8_t *data, size_t len, struct packets *ret);
void packets_send(const struct packets *p, int fd);

// Good conversations, for the corpus folder in libFuzzer's arguments.
void packets_of_a_verifier(unsigned which, struct packets *ret); // ret->n 0: no more
void packets_of_a_client(unsigned which, struct packets *ret);
void packets_seed(int argc, char **argv, void (*make)(unsigned which, struct packets *ret));

#endif
