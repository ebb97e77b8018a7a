// SPDX-License-Identifier: BSD-2-Clause
// May this account come in now?
#include "rollcall/admission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/cleanup.h"

static void earlier(int64_t *t, int64_t candidate, int64_t now)
{
    if (candidate != ROLLCALL_TIME_UNSET && candidate > now &&
        (*t == ROLLCALL_TIME_UNSET || candidate < *t))
        *t = candidate;
}

// Until when the authority's silence is borne; UNSET for the exempt.
static void decide_lease(const struct rollcall_board_facts *facts, const struct rollcall_word *word,
                         int64_t now, struct rollcall_admission *ret)
{
    const struct rollcall_lease *l;
    int64_t length; // with what an administrator added

    if (word->flags & ROLLCALL_FLAG_LEASE_EXEMPT)
        return;
    if (word->authority >= ROLLCALL_AUTHORITIES_MAX) {
        ret->lease_ends = now; // nobody vouches, so nothing was ever leased
        ret->lease_used_percent = 100;
        return;
    }
    l = &facts->leases[word->authority];
    ret->as_of = l->as_of;
    ret->lease_ends = l->as_of > 0 && l->length > 0 ? l->as_of + l->length : now;
    if (l->extended > ret->lease_ends)
        ret->lease_ends = l->extended;
    length = ret->lease_ends - l->as_of;
    if (l->length > 0 && now > l->as_of)
        ret->lease_used_percent =
            now - l->as_of >= length * 10 ? 1000 : (int)((now - l->as_of) * 100 / length);
}

static enum rollcall_admission_cause decide_cause(const struct rollcall_board_facts *facts,
                                                  const struct rollcall_word *word,
                                                  const struct rollcall_person *person,
                                                  const char *asked_name, int64_t now,
                                                  const struct rollcall_admission *a)
{
    // The most telling cause first; every one of them refuses.
    if (asked_name && strcmp(asked_name, person->name) != 0)
        return ROLLCALL_REFUSE_FORMER_NAME;
    if (word->state != ROLLCALL_STATE_ACTIVE)
        return ROLLCALL_REFUSE_STATE;
    if (person->not_after != ROLLCALL_TIME_UNSET && now >= person->not_after)
        return ROLLCALL_REFUSE_ENDED;
    if (person->not_before != ROLLCALL_TIME_UNSET && now < person->not_before)
        return ROLLCALL_REFUSE_NOT_STARTED;
    if (facts->clock_mark > 0 && now < facts->clock_mark - ROLLCALL_CLOCK_TOLERANCE)
        return ROLLCALL_REFUSE_CLOCK;
    if (a->lease_ends != ROLLCALL_TIME_UNSET && now >= a->lease_ends)
        return ROLLCALL_REFUSE_LEASE;
    if (!(word->flags & ROLLCALL_FLAG_ALLOWED_HERE))
        return ROLLCALL_REFUSE_NOT_ALLOWED;
    return ROLLCALL_ADMIT;
}

void rollcall_admission_decide(const struct rollcall_board_facts *facts,
                               const struct rollcall_word *word, int word_error,
                               const struct rollcall_person *person, const char *asked_name,
                               int64_t now, struct rollcall_admission *ret)
{
    *ret =
        (struct rollcall_admission){.lease_ends = ROLLCALL_TIME_UNSET, .next = ROLLCALL_TIME_UNSET};
    if (!facts) {
        ret->cause = ROLLCALL_REFUSE_NO_CACHE;
        return;
    }
    if (!person) {
        ret->cause = ROLLCALL_REFUSE_UNKNOWN;
        return;
    }
    ret->reason = person->reason;
    if (word_error || !word) {
        ret->cause = ROLLCALL_REFUSE_NO_CACHE;
        ret->state = ROLLCALL_STATE_NONE;
        return;
    }
    ret->state = word->state;
    ret->flags = word->flags;
    decide_lease(facts, word, now, ret);
    ret->cause = decide_cause(facts, word, person, asked_name, now, ret);
    ret->ends_sessions =
        word->state >= ROLLCALL_STATE_SUSPENDED && !(word->flags & ROLLCALL_FLAG_REFUSE_ONLY);
    // A date that HR gave and the engine accepted is a positive statement, also when the
    // engine is no longer there to say it. A clock that cannot be right says nothing.
    if (person->not_after != ROLLCALL_TIME_UNSET && now >= person->not_after &&
        !(facts->clock_mark > 0 && now < facts->clock_mark - ROLLCALL_CLOCK_TOLERANCE)) {
        if (ret->state < ROLLCALL_STATE_TERMINATED)
            ret->reason = ROLLCALL_REASON_END_DATE;
        if (ret->state < ROLLCALL_STATE_TERMINATED)
            ret->state = ROLLCALL_STATE_TERMINATED;
        ret->ends_sessions = true;
    }
    earlier(&ret->next, person->not_after, now);
    earlier(&ret->next, person->not_before, now);
    earlier(&ret->next, ret->lease_ends, now);
}

const char *rollcall_admission_cause_name(enum rollcall_admission_cause cause)
{
    static const char *const names[] = {
        "admitted", "unknown-account",  "cache-unreadable", "state",        "not-started",
        "ended",    "not-allowed-here", "lease-over",       "clock-behind", "former-name"};

    return (unsigned)cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "unknown";
}

// Copies the person's strings out of the mapping. Leaves what does not fit empty.
static void keep_person(const struct rollcall_person *p, struct rollcall_person *ret, char *buf,
                        size_t len)
{
    const char **fields[] = {
        &ret->name,         &ret->former_name, &ret->display_name, &ret->employee_number,
        &ret->immutable_id, &ret->home,        &ret->shell,        &ret->dn};

    *ret = *p;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t n = strlen(*fields[i]) + 1;
        if (n > len) {
            *fields[i] = "";
            continue;
        }
        memcpy(buf, *fields[i], n);
        *fields[i] = buf;
        buf += n;
        len -= n;
    }
}

// ---- looking ----

void rollcall_look_end(struct rollcall_look *look)
{
    look->board = rollcall_board_close(look->board);
    look->private_ = rollcall_private_close(look->private_);
}

int rollcall_look_at_board(struct rollcall_look *look, const char *board_path)
{
    if (look->board && rollcall_board_current(look->board, board_path))
        return 0;
    look->board = rollcall_board_close(look->board);
    return rollcall_board_open(board_path, &look->board);
}

int rollcall_look_at_private(struct rollcall_look *look, const char *private_path)
{
    if (look->private_ && rollcall_private_current(look->private_, private_path))
        return 0;
    look->private_ = rollcall_private_close(look->private_);
    return rollcall_private_open(private_path, &look->private_);
}

// -ESTALE: the board was replaced meanwhile; ask again.
static int look_once(const struct rollcall_look *look, const char *name, uid_t uid, int64_t now,
                     struct rollcall_admission *ret, struct rollcall_person *ret_person, char *buf,
                     size_t buf_len)
{
    struct rollcall_board_facts facts;
    struct rollcall_person person;
    struct rollcall_word word;
    uint64_t generation;
    uint8_t ledger[16];
    int r;

    rollcall_board_facts(look->board, &facts);
    rollcall_private_generation(look->private_, &generation, ledger);
    if (memcmp(ledger, facts.ledger_id, 16) != 0) {
        rollcall_admission_decide(NULL, NULL, 0, NULL, name, now, ret);
        return -ESTALE;
    }
    r = name ? rollcall_private_by_name(look->private_, name, &person)
             : rollcall_private_by_uid(look->private_, uid, &person);
    if (r < 0) {
        rollcall_admission_decide(r == -ENOENT ? &facts : NULL, NULL, 0, NULL, name, now, ret);
        return 0;
    }
    r = rollcall_board_read(look->board, person.slot, person.uid, &word);
    rollcall_admission_decide(&facts, &word, r, &person, name, now, ret);
    if (ret_person)
        keep_person(&person, ret_person, buf, buf_len);
    return r == -ESTALE ? r : 0;
}

void rollcall_admission_look_again(struct rollcall_look *look, const char *board_path,
                                   const char *private_path, const char *name, uid_t uid,
                                   int64_t now, struct rollcall_admission *ret,
                                   struct rollcall_person *ret_person, char *buf, size_t buf_len)
{
    if (ret_person)
        *ret_person = (struct rollcall_person){.name = "",
                                               .former_name = "",
                                               .display_name = "",
                                               .employee_number = "",
                                               .immutable_id = "",
                                               .home = "",
                                               .shell = "",
                                               .dn = ""};
    for (int i = 0; i < 3; i++) {
        if (rollcall_look_at_board(look, board_path) < 0 ||
            rollcall_look_at_private(look, private_path) < 0) {
            rollcall_admission_decide(NULL, NULL, 0, NULL, name, now, ret);
            return;
        }
        if (look_once(look, name, uid, now, ret, ret_person, buf, buf_len) != -ESTALE)
            return;
        rollcall_look_end(look);
    }
}

void rollcall_admission_look_up(const char *board_path, const char *private_path, const char *name,
                                uid_t uid, int64_t now, struct rollcall_admission *ret,
                                struct rollcall_person *ret_person, char *buf, size_t buf_len)
{
    _cleanup_look_ struct rollcall_look look = {0};

    rollcall_admission_look_again(&look, board_path, private_path, name, uid, now, ret, ret_person,
                                  buf, buf_len);
}
