// SPDX-License-Identifier: BSD-2-Clause
// "Did you mean": the nearest of many names. Pure.
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

#define CLI_SUGGEST_MAX 3
#define CLI_SUGGEST_LEN 64 // longer names are never suggested

struct cli_suggest {
    const char *wanted; // borrowed
    unsigned n;
    unsigned distance[CLI_SUGGEST_MAX]; // nearest first
    char name[CLI_SUGGEST_MAX][CLI_SUGGEST_LEN];
};

// Insertions, deletions, substitutions and swaps of neighbours between two names of at
// most CLI_SUGGEST_LEN - 1 bytes; 1000 for longer ones.
unsigned cli_suggest_distance(const char *a, const char *b);
// Offers a candidate; kept when it is near enough (a third of the wanted name's length,
// at least one) and among the nearest.
void cli_suggest_offer(struct cli_suggest *suggest, const char *candidate);

#endif
