// SPDX-License-Identifier: BSD-2-Clause
// The breaker's limits: the larger of a count and a share of the people who are not
// terminated. Pure.
#include "syncd/engine/core_internal.h"

uint64_t breaker_limit(uint64_t count, uint32_t share, uint64_t people)
{
    uint64_t part = people > UINT64_MAX / 10000 ? people : people * share / 10000;

    return part > count ? part : count;
}

uint64_t breaker_inferred_limit(const struct rollcall_config *c, uint64_t people)
{
    return breaker_limit(c->breaker_inferred_count, c->breaker_inferred_share, people);
}

uint64_t breaker_explicit_limit(const struct rollcall_config *c, uint64_t people)
{
    return breaker_limit(c->breaker_explicit_count, c->breaker_explicit_share, people);
}
