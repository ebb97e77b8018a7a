// SPDX-License-Identifier: BSD-2-Clause
// Nearest names by the optimal string alignment distance.
#include "cli/suggest.h"

#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned cli_suggest_distance(const char *a, const char *b)
{
    unsigned row[3][CLI_SUGGEST_LEN];
    unsigned *before = row[0], *last = row[1], *now = row[2];
    size_t n = strlen(a), m = strlen(b);

    if (n >= CLI_SUGGEST_LEN || m >= CLI_SUGGEST_LEN)
        return 1000;
    for (size_t j = 0; j <= m; j++) {
        last[j] = (unsigned)j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= n; i++) {
        unsigned *spare = before;
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            now[j] =
                least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

void cli_suggest_offer(struct cli_suggest *suggest, const char *candidate)
{
    unsigned limit = (unsigned)strlen(suggest->wanted) / 3;
    unsigned d = cli_suggest_distance(suggest->wanted, candidate);
    unsigned at = suggest->n;

    if (d > (limit ? limit : 1))
        return;
    while (at > 0 && suggest->distance[at - 1] > d)
        at--;
    if (at == CLI_SUGGEST_MAX)
        return;
    if (suggest->n < CLI_SUGGEST_MAX)
        suggest->n++;
    for (unsigned i = suggest->n - 1; i > at; i--) {
        suggest->distance[i] = suggest->distance[i - 1];
        memcpy(suggest->name[i], suggest->name[i - 1], CLI_SUGGEST_LEN);
    }
    suggest->distance[at] = d;
    memcpy(suggest->name[at], candidate, strlen(candidate) + 1);
}
