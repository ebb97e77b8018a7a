// SPDX-License-Identifier: BSD-2-Clause
// Throttling (NIST SP 800-63B-4 3.2.2). Pure.
#include "pam_module/verifier/throttle.h"

// 5 s, 10 s, ... 320 s, and then the softer lock.
static int64_t pause_of(uint32_t nth, int64_t longest)
{
    int64_t pause = nth < 8 ? 5ll << nth : longest;

    return pause < longest ? pause : longest;
}

int64_t throttle_until(const struct credential *c, enum side side, enum factor_kind kind,
                       int64_t now)
{
    const struct tally *t = side == SIDE_INSIDE ? &c->inside : &c->outside;
    // A failure of a time to come is one of a clock that was set back since.
    int64_t last = t->in_all.last < now ? t->in_all.last : now;

    if (t->of[kind].count >= THROTTLE_DISABLED)
        return INT64_MAX;
    if (t->in_all.count < THROTTLE_FREE)
        return 0;
    if (side == SIDE_INSIDE)
        return last + pause_of(t->in_all.count - THROTTLE_FREE, THROTTLE_PAUSE_INSIDE);
    return t->in_all.count >= THROTTLE_SOFT
               ? last + THROTTLE_PAUSE
               : last + pause_of(t->in_all.count - THROTTLE_FREE, THROTTLE_PAUSE);
}

static void count(struct failures *f, int64_t now)
{
    f->count += f->count < UINT32_MAX;
    f->last = now;
}

void throttle_charge(struct credential *c, enum side side, enum factor_kind kind, int64_t now)
{
    struct tally *t = side == SIDE_INSIDE ? &c->inside : &c->outside;

    count(&t->in_all, now);
    count(&t->of[kind], now);
}

void throttle_charge_also(struct credential *c, enum side side, enum factor_kind kind, int64_t now)
{
    count(side == SIDE_INSIDE ? &c->inside.of[kind] : &c->outside.of[kind], now);
}

void throttle_refund(struct credential *c, enum side side, enum factor_kind kind)
{
    struct failures *f = side == SIDE_INSIDE ? &c->inside.of[kind] : &c->outside.of[kind];

    f->count -= f->count > 0;
}

void throttle_undo(struct credential *c, enum side side, enum factor_kind kind)
{
    struct tally *t = side == SIDE_INSIDE ? &c->inside : &c->outside;

    throttle_refund(c, side, kind);
    t->in_all.count -= t->in_all.count > 0;
}

// What a directory counted ends when it took a password, and not before.
static void clear(struct tally *t, bool disabled_too)
{
    t->in_all = (struct failures){0};
    for (int i = 0; i < FACTOR_KINDS; i++)
        if (i != FACTOR_BIND && (disabled_too || t->of[i].count < THROTTLE_DISABLED))
            t->of[i] = (struct failures){0};
}

void throttle_succeeded(struct credential *c, enum side side)
{
    clear(&c->inside, side == SIDE_OUTSIDE);
    if (side == SIDE_OUTSIDE)
        clear(&c->outside, false);
}

// ---- addresses ----

static uint32_t drained(const struct address_slot *s, int64_t now)
{
    int64_t gone = now > s->last ? (now - s->last) / ADDRESS_DRAIN : 0;

    return gone >= s->level ? 0 : s->level - (uint32_t)gone;
}

struct address_slot *address_find(struct address_slot slots[ADDRESS_WAYS], uint64_t key)
{
    for (int i = 0; i < ADDRESS_WAYS; i++)
        if (slots[i].key == key && slots[i].level > 0)
            return &slots[i];
    return NULL;
}

int64_t address_until(const struct address_slot *s, int64_t now)
{
    uint32_t level = drained(s, now);
    int64_t last = s->last < now ? s->last : now;

    return level < ADDRESS_FREE ? 0 : last + pause_of(level - ADDRESS_FREE, THROTTLE_PAUSE);
}

void address_charge(struct address_slot slots[ADDRESS_WAYS], uint64_t key, int64_t now)
{
    struct address_slot *s = address_find(slots, key);

    // Where all are taken, the one that failed least makes room.
    if (!s) {
        s = &slots[0];
        for (int i = 1; i < ADDRESS_WAYS; i++)
            if (drained(&slots[i], now) < drained(s, now))
                s = &slots[i];
        *s = (struct address_slot){.key = key};
    }
    s->level = drained(s, now) + 1;
    s->last = now;
}
