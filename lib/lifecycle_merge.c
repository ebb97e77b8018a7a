// SPDX-License-Identifier: BSD-2-Clause
// From everything known of one person, and the time, to one verdict.
#include "rollcall/lifecycle.h"

// Takes a statement into the verdict if it is stricter than what stands.
static void say(struct rollcall_verdict *v, enum rollcall_state state, enum rollcall_reason reason,
                int source, uint8_t flags)
{
    if (state <= v->state)
        return;
    v->state = state;
    v->reason = reason;
    v->source = source;
    v->flags = (uint8_t)((v->flags & ROLLCALL_FLAG_PASSWORD_BLOCKED) | flags);
}

static void earlier(int64_t *t, int64_t candidate)
{
    if (candidate != ROLLCALL_TIME_UNSET && (*t == ROLLCALL_TIME_UNSET || candidate < *t))
        *t = candidate;
}

static void later(int64_t *t, int64_t candidate)
{
    if (candidate != ROLLCALL_TIME_UNSET && (*t == ROLLCALL_TIME_UNSET || candidate > *t))
        *t = candidate;
}

static void say_status(struct rollcall_verdict *v, const struct rollcall_vouch *vouch, int index)
{
    switch (vouch->status) {
    case ROLLCALL_STATUS_ACTIVE:
        // A signal only takes away: its "active" vouches for nobody.
        if (vouch->role & ROLLCALL_ROLE_AUTHORITY)
            say(v, ROLLCALL_STATE_ACTIVE, ROLLCALL_REASON_EMPLOYED, index, 0);
        break;
    case ROLLCALL_STATUS_LEAVE:
        say(v, ROLLCALL_STATE_SUSPENDED, ROLLCALL_REASON_ON_LEAVE, index, 0);
        break;
    case ROLLCALL_STATUS_TERMINATED:
        say(v, ROLLCALL_STATE_TERMINATED,
            vouch->role & (ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY)
                ? ROLLCALL_REASON_STATUS_TERMINATED
                : ROLLCALL_REASON_SIGNAL,
            index, 0);
        break;
    case ROLLCALL_STATUS_DISABLED:
        say(v, ROLLCALL_STATE_SUSPENDED, ROLLCALL_REASON_DISABLED, index, 0);
        break;
    case ROLLCALL_STATUS_LOCKED:
        say(v, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_HUB, index, 0);
        break;
    case ROLLCALL_STATUS_REFUSED:
        say(v, ROLLCALL_STATE_LOCKED,
            vouch->dropped ? ROLLCALL_REASON_DROPPED : ROLLCALL_REASON_HUB, index,
            ROLLCALL_FLAG_REFUSE_ONLY);
        break;
    case ROLLCALL_STATUS_UNKNOWN:
    default:
        // A directory that says nothing of a status says nothing; an authority that
        // says something unknown says no, but ends no session.
        if (vouch->role & ROLLCALL_ROLE_AUTHORITY)
            say(v, ROLLCALL_STATE_PENDING, ROLLCALL_REASON_ORPHAN, index, 0);
        break;
    }
}

static void say_dates(struct rollcall_verdict *v, const struct rollcall_vouch *vouch, int index,
                      int64_t now)
{
    if (vouch->rehire_conflict) {
        say(v, ROLLCALL_STATE_TERMINATED, ROLLCALL_REASON_REHIRE_DATES, index, 0);
        return;
    }
    later(&v->not_before, vouch->start);
    earlier(&v->not_after, vouch->end);
    earlier(&v->not_after, vouch->terminated_at);
    if (vouch->terminated_at != ROLLCALL_TIME_UNSET && now >= vouch->terminated_at)
        say(v, ROLLCALL_STATE_TERMINATED, ROLLCALL_REASON_TERMINATED_AT, index, 0);
    if (vouch->end != ROLLCALL_TIME_UNSET && now >= vouch->end)
        say(v, ROLLCALL_STATE_TERMINATED, ROLLCALL_REASON_END_DATE, index, 0);
    // Rule 10: who was missing when the first day came waits for a listing.
    if (vouch->start != ROLLCALL_TIME_UNSET && (now < vouch->start || vouch->start_unconfirmed))
        say(v, ROLLCALL_STATE_PENDING, ROLLCALL_REASON_NOT_STARTED, index, 0);
}

static uint8_t absence_flags(bool approved)
{
    return ROLLCALL_FLAG_INFERRED | (approved ? 0 : ROLLCALL_FLAG_REFUSE_ONLY);
}

static void say_one(struct rollcall_verdict *v, const struct rollcall_vouch *vouch, int index,
                    int64_t now)
{
    if (vouch->password_blocked)
        v->flags |= ROLLCALL_FLAG_PASSWORD_BLOCKED;
    if (vouch->missing && !vouch->missing_keep && !vouch->start_unconfirmed &&
        (vouch->role & ROLLCALL_ROLE_AUTHORITY))
        say(v, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_MISSING, index,
            absence_flags(vouch->missing_approved));
    say_status(v, vouch, index);
    say_dates(v, vouch, index, now);
}

// Somebody said it on purpose: it ends sessions, also where an inference refuses already.
static void say_compromised(struct rollcall_verdict *v, int index)
{
    if (v->state > ROLLCALL_STATE_LOCKED ||
        (v->state == ROLLCALL_STATE_LOCKED && !(v->flags & ROLLCALL_FLAG_REFUSE_ONLY)))
        return;
    v->state = ROLLCALL_STATE_NONE;
    say(v, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_SIGNAL, index, 0);
}

// Rule 16: the removal of a record gives nothing back.
static void say_gone(struct rollcall_verdict *v, const struct rollcall_vouch *vouch, int index,
                     int64_t now)
{
    struct rollcall_vouch last = *vouch;

    last.start = ROLLCALL_TIME_UNSET;
    if (last.status != ROLLCALL_STATUS_ACTIVE && last.status != ROLLCALL_STATUS_UNKNOWN)
        say_status(v, &last, index);
    say_dates(v, &last, index, now);
}

static void say_local(struct rollcall_verdict *v, const struct rollcall_local_word *local)
{
    if (local->recovery)
        say(v, ROLLCALL_STATE_SUSPENDED, ROLLCALL_REASON_RECOVERY, -1, ROLLCALL_FLAG_REFUSE_ONLY);
    if (local->needs_approval)
        say(v, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_NEEDS_APPROVAL, -1,
            ROLLCALL_FLAG_REFUSE_ONLY);
    if (local->journal_lock)
        say(v, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_REPLAYED, -1, 0);
    if (local->admin_lock)
        say(v, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_ADMIN_LOCK, -1, 0);
}

// An admin's lock is explicit: it ends sessions even where a stricter word that only
// refuses (an inference) decides the name of the state.
static void settle_flags(struct rollcall_verdict *v, const struct rollcall_local_word *local)
{
    if (local->admin_lock)
        v->flags &= (uint8_t)~ROLLCALL_FLAG_REFUSE_ONLY;
    else if (local->held && v->state >= ROLLCALL_STATE_SUSPENDED)
        v->flags |= ROLLCALL_FLAG_REFUSE_ONLY;
}

void rollcall_lifecycle_merge(const struct rollcall_vouch *vouches, size_t n,
                              const struct rollcall_local_word *local, int64_t now,
                              struct rollcall_verdict *ret)
{
    bool authority = false, approved = false;

    *ret = (struct rollcall_verdict){.not_before = ROLLCALL_TIME_UNSET,
                                     .not_after = ROLLCALL_TIME_UNSET,
                                     .next = ROLLCALL_TIME_UNSET,
                                     .source = -1};
    for (size_t i = 0; i < n; i++) {
        approved = approved || vouches[i].missing_approved;
        if (vouches[i].gone) {
            say_gone(ret, &vouches[i], (int)i, now);
            continue;
        }
        if (vouches[i].role & ROLLCALL_ROLE_AUTHORITY)
            authority = true;
        say_one(ret, &vouches[i], (int)i, now);
    }
    for (size_t i = 0; i < n; i++)
        if (vouches[i].compromised)
            say_compromised(ret, (int)i);
    if (!authority)
        say(ret, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_ORPHAN, -1, absence_flags(approved));
    say_local(ret, local);
    if (ret->state == ROLLCALL_STATE_NONE)
        say(ret, ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_ORPHAN, -1, absence_flags(approved));
    settle_flags(ret, local);
    if (ret->not_after != ROLLCALL_TIME_UNSET && now < ret->not_after)
        earlier(&ret->next, ret->not_after);
    if (ret->not_before != ROLLCALL_TIME_UNSET && now < ret->not_before)
        earlier(&ret->next, ret->not_before);
}
