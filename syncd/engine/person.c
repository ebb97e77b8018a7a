// SPDX-License-Identifier: BSD-2-Clause
// One person: everything known, merged into a word.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rollcall/lifecycle.h"
#include "rollcall/utf8.h"
#include "syncd/engine/core_internal.h"

#define RECORDS_MAX ROLLCALL_SOURCES_MAX

struct known {
    struct rollcall_vouch vouch[RECORDS_MAX];
    int64_t received[RECORDS_MAX], first_seen[RECORDS_MAX];
    bool ended_out[RECORDS_MAX]; // its end was said when it was left out already
    size_t n;
    int authority;       // index of the first source that vouches, or NONE
    int64_t incarnation; // the highest that one says
};

int source_index(const struct rollcall_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_sources; i++)
        if (strcmp(config->source[i].name, name) == 0)
            return (int)i;
    return -1;
}

// What state.db says of a record beside what its source said.
struct about {
    int64_t received, first_seen, missing_since; // UNSET where it is not missing
    int missing, gone, dropped;
};

static struct about about_of(sqlite3_stmt *q)
{
    return (struct about){.received = sqlite3_column_int64(q, 2),
                          .missing = sqlite3_column_int(q, 3),
                          .gone = sqlite3_column_int(q, 4),
                          .first_seen = sqlite3_column_int64(q, 5),
                          .missing_since = sqlite3_column_type(q, 6) == SQLITE_NULL
                                               ? ROLLCALL_TIME_UNSET
                                               : sqlite3_column_int64(q, 6),
                          .dropped = sqlite3_column_int(q, 7)};
}

static void vouch_of(const struct rollcall_source_config *src, int index, const struct body *b,
                     const struct about *a, struct rollcall_vouch *ret)
{
    *ret = (struct rollcall_vouch){
        .role = src->role,
        .status = b->status,
        .start = b->start,
        .end = b->end,
        .terminated_at = b->terminated_at,
        .rehire_conflict = b->rehire_conflict,
        .missing = a->missing,
        .missing_approved = a->missing > 1,
        .missing_keep = src->when_missing == ROLLCALL_MISSING_KEEP,
        .gone = a->gone,
        .password_blocked = b->password_blocked,
        .start_unconfirmed = b->start != ROLLCALL_TIME_UNSET &&
                             a->missing_since != ROLLCALL_TIME_UNSET && a->missing_since < b->start,
        .dropped = a->dropped != 0 && a->dropped != 2, // held, as it stood
        .compromised = b->risk == ROLLCALL_RISK_COMPROMISED && (src->role & ROLLCALL_ROLE_SIGNAL),
        .source = (uint16_t)index,
    };
    // A person for whom nobody named an end gets one, where the source says so.
    if (src->default_end && ret->end == ROLLCALL_TIME_UNSET)
        ret->end = (b->start != ROLLCALL_TIME_UNSET ? b->start : a->first_seen) +
                   (int64_t)src->default_end;
}

// What an older record says beside one that its source lists now, under another id: nothing where
// it is absent, or an account that is left out on purpose. What was said before it was deleted, or
// of dates, is over where the other one came later: hired again, or made anew there (rule 11).
static bool is_replaced(const struct known *k, size_t old, size_t by)
{
    const struct rollcall_vouch *o = &k->vouch[old], *b = &k->vouch[by];
    bool later = k->first_seen[by] >= k->received[old], dated, refused;

    if (o->source != b->source || b->missing || b->gone || b->dropped)
        return false;
    dated = o->end != ROLLCALL_TIME_UNSET || o->terminated_at != ROLLCALL_TIME_UNSET;
    if (o->gone && !k->ended_out[old])
        return later;
    if (o->missing)
        return true;
    refused = o->status == ROLLCALL_STATUS_REFUSED || k->ended_out[old];
    return o->dropped && !o->compromised && (later || (refused && !dated));
}

static void leave_out_replaced(struct known *k)
{
    bool replaced[RECORDS_MAX] = {false};
    size_t n = 0;

    for (size_t i = 0; i < k->n; i++)
        for (size_t j = 0; j < k->n && !replaced[i]; j++)
            replaced[i] = is_replaced(k, i, j);
    for (size_t i = 0; i < k->n; i++) {
        if (replaced[i])
            continue;
        k->vouch[n] = k->vouch[i];
        k->received[n++] = k->received[i]; // nobody asks for the rest from here on
    }
    k->n = n;
}

static void add_known(const struct engine_core *core, int index, const struct body *b,
                      const struct about *a, struct known *k)
{
    const struct rollcall_source_config *src = &core->config->source[index];

    vouch_of(src, index, b, a, &k->vouch[k->n]);
    k->received[k->n] = a->received;
    k->first_seen[k->n] = a->first_seen;
    k->ended_out[k->n] = a->dropped == 3;
    if ((src->role & ROLLCALL_ROLE_AUTHORITY) && !k->vouch[k->n].gone && index < k->authority)
        k->authority = index;
    if (b->incarnation > k->incarnation)
        k->incarnation = b->incarnation;
    k->n++;
}

// The records of a person, in the order of the configuration's sources.
static int gather(struct engine_core *core, uint32_t slot, struct known *ret)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT source, body, received, missing, gone, first_seen, missing_since,"
                   " dropped FROM record WHERE slot = ?",
                   "i", (int64_t)slot);
    int error = 0;

    *ret = (struct known){.authority = ROLLCALL_AUTHORITY_NONE};
    while (store_step(&core->store, q, &error)) {
        int index = source_index(core->config, store_text(q, 0));
        struct about about;
        struct body b;
        // A source that is configured no more says nothing; it takes its word for
        // nobody back, and its people become orphans: refused, no session ended.
        if (index < 0 || ret->n == RECORDS_MAX || body_parse(store_text(q, 1), &b) < 0)
            continue;
        about = about_of(q);
        add_known(core, index, &b, &about, ret);
        body_done(&b);
    }
    leave_out_replaced(ret);
    return error;
}

// HR's own time of what decided: the instant it named, else when we had it.
static int64_t hr_time_of(const struct known *k, const struct rollcall_verdict *v)
{
    const struct rollcall_vouch *w;

    if (v->source < 0)
        return ROLLCALL_TIME_UNSET;
    w = &k->vouch[v->source];
    switch ((int)v->reason) {
    case ROLLCALL_REASON_TERMINATED_AT:
        return w->terminated_at;
    case ROLLCALL_REASON_END_DATE:
        return w->end;
    case ROLLCALL_REASON_STATUS_TERMINATED:
        return w->terminated_at;
    default:
        return ROLLCALL_TIME_UNSET;
    }
}

struct standing {
    struct rollcall_local_word local;
    struct rollcall_word word;
    char name[ROLLCALL_NAME_MAX + 1];
    int64_t since, incarnation, not_before;
    enum rollcall_reason reason;
};

static int read_standing(struct engine_core *core, uint32_t slot, struct standing *ret)
{
    sqlite3_stmt *q =
        store_bind(&core->store,
                   "SELECT uid, coalesce(name, ''), state, flags, authority, reason,"
                   " admin_lock, journal_lock, recovery, hold, since, incarnation, not_before"
                   " FROM person WHERE slot = ?",
                   "i", (int64_t)slot);
    int error = -ENOENT;

    *ret = (struct standing){0};
    if (!store_step(&core->store, q, &error))
        return error;
    ret->word = (struct rollcall_word){.uid = (uid_t)sqlite3_column_int64(q, 0),
                                       .state = sqlite3_column_int(q, 2),
                                       .flags = (uint8_t)sqlite3_column_int(q, 3),
                                       .authority = (uint8_t)sqlite3_column_int(q, 4)};
    snprintf(ret->name, sizeof(ret->name), "%s", store_text(q, 1));
    ret->reason = sqlite3_column_int(q, 5);
    ret->local = (struct rollcall_local_word){
        .admin_lock = sqlite3_column_int(q, 6),
        .journal_lock = sqlite3_column_int(q, 7),
        .recovery = sqlite3_column_int(q, 8),
        .held = sqlite3_column_type(q, 9) != SQLITE_NULL,
    };
    ret->since = sqlite3_column_int64(q, 10);
    ret->incarnation = sqlite3_column_int64(q, 11);
    ret->not_before = sqlite3_column_type(q, 12) == SQLITE_NULL ? ROLLCALL_TIME_UNSET
                                                                : sqlite3_column_int64(q, 12);
    sqlite3_reset(q);
    return 0;
}

int person_word(struct engine_core *core, uint32_t slot, struct rollcall_word *ret)
{
    struct standing s;
    int r = read_standing(core, slot, &s);

    if (r == 0)
        *ret = s.word;
    return r;
}

int person_event(struct engine_core *core, uint32_t slot, int64_t at, const char *format, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    rollcall_utf8_mend(text);
    return store_run(&core->store, "INSERT INTO event(slot, at, text) VALUES(?, ?, ?)", "iis",
                     (int64_t)slot, at, text);
}

static bool is_counted(enum rollcall_state state)
{
    return state > ROLLCALL_STATE_NONE && state < ROLLCALL_STATE_TERMINATED;
}

int64_t person_count(struct engine_core *core)
{
    if (core->people < 0)
        core->people = store_number(&core->store, 0,
                                    "SELECT count(*) FROM person WHERE state BETWEEN 1 AND 4", "");
    return core->people;
}

// Counts people as they come and go, and notes on their records who left.
static int note_end(struct engine_core *core, uint32_t slot, enum rollcall_state was,
                    enum rollcall_state is)
{
    if (core->people >= 0)
        core->people += is_counted(is) - is_counted(was);
    if ((was >= ROLLCALL_STATE_TERMINATED) == (is >= ROLLCALL_STATE_TERMINATED))
        return 0;
    return store_run(&core->store, "UPDATE record SET ended = ? WHERE slot = ?", "ii",
                     (int64_t)(is >= ROLLCALL_STATE_TERMINATED), (int64_t)slot);
}

// PURGED comes a day after an explicit end; it stays until the person is active again.
static void keep_purged(const struct standing *was, struct rollcall_verdict *v)
{
    if (was->word.state == ROLLCALL_STATE_PURGED && v->state >= ROLLCALL_STATE_SUSPENDED)
        v->state = ROLLCALL_STATE_PURGED;
}

// Who is employed again is held no more. Until then the date that is held must not end
// sessions through the private file either (rule 9).
static int settle_hold(struct engine_core *core, uint32_t slot, const struct standing *was,
                       int64_t now, struct rollcall_verdict *v)
{
    // A replayed lock that ended no session before ends none now.
    if (v->reason == ROLLCALL_REASON_REPLAYED)
        v->flags |= was->word.flags & (ROLLCALL_FLAG_REFUSE_ONLY | ROLLCALL_FLAG_INFERRED);
    if (!was->local.held)
        return 0;
    if (v->state < ROLLCALL_STATE_SUSPENDED)
        return store_run(&core->store, "UPDATE person SET hold = NULL WHERE slot = ?", "i",
                         (int64_t)slot);
    if ((v->flags & ROLLCALL_FLAG_REFUSE_ONLY) && v->not_after <= now)
        v->not_after = ROLLCALL_TIME_UNSET;
    return 0;
}

// `cut`: in more groups than are counted, perhaps in one of which more is asked.
static void add_group_flags(struct engine_core *core, const struct membership *m, bool cut,
                            struct rollcall_word *word)
{
    if (core->config->has_allow_groups && membership_in(core, m, &core->config->allow_groups))
        word->flags |= ROLLCALL_FLAG_ALLOWED_HERE;
    if (membership_in(core, m, &core->config->lease_exempt_group))
        word->flags |= ROLLCALL_FLAG_LEASE_EXEMPT;
    if (membership_in(core, m, &core->config->multi_groups) ||
        (cut && core->config->multi_groups.n > 0))
        word->flags |= ROLLCALL_FLAG_NEEDS_MULTI;
    if (membership_in(core, m, &core->config->phishing_resistant_groups) ||
        (cut && core->config->phishing_resistant_groups.n > 0))
        word->flags |= ROLLCALL_FLAG_NEEDS_RESISTANT;
}

static int read_group_flags(struct engine_core *core, uint32_t slot, struct rollcall_word *word)
{
    bool asked = core->config->multi_groups.n > 0 || core->config->phishing_resistant_groups.n > 0;
    bool cut =
        asked && store_number(&core->store, 0, "SELECT groups_cut FROM person WHERE slot = ?", "i",
                              (int64_t)slot);
    struct membership m;
    int r = membership_read(core, slot, &m);

    if (r < 0)
        return r;
    add_group_flags(core, &m, cut, word);
    membership_done(&m);
    return 0;
}

// A state is a word on the board and a row in `private`. The public file changes only when
// somebody enters or leaves it: with a first day, or by a group where only those are
// published who may come in.
static void note_publication(struct engine_core *core, uint32_t slot, const struct standing *was,
                             const struct rollcall_word *word, const struct rollcall_verdict *v)
{
    bool first_day = was->word.state <= ROLLCALL_STATE_NONE ||
                     was->word.state == ROLLCALL_STATE_PENDING ||
                     word->state == ROLLCALL_STATE_PENDING;
    bool allowed = (was->word.flags ^ word->flags) & ROLLCALL_FLAG_ALLOWED_HERE;

    publish_changed(core, slot);
    if (first_day && (was->word.state != word->state || was->not_before != v->not_before))
        core->dirty |= DIRTY_ACCOUNTS;
    if (allowed && core->config->publish && strcmp(core->config->publish, "allowed") == 0)
        core->dirty |= DIRTY_ACCOUNTS;
    // Keys go with the rest that is destroyed, and come back with their person.
    if ((was->word.state == ROLLCALL_STATE_PURGED) != (word->state == ROLLCALL_STATE_PURGED))
        core->dirty |= DIRTY_KEYS;
}

// What is decided of a person.
struct decided {
    struct rollcall_verdict v;
    struct rollcall_word word;
    bool state_changed;
    int64_t since, received, hr, incarnation;
};

static void decide(const struct known *k, const struct standing *was,
                   const struct rollcall_word *word, const struct rollcall_verdict *v, int64_t now,
                   struct decided *ret)
{
    // Employed again after an end: the same person, the same uid and home, fresh factors.
    // Counted as soon as the end is over: the way back may lead through a first day to come.
    bool rehire =
        v->state < ROLLCALL_STATE_TERMINATED && was->word.state >= ROLLCALL_STATE_TERMINATED;

    *ret = (struct decided){.v = *v, .word = *word, .hr = hr_time_of(k, v)};
    ret->state_changed = word->state != was->word.state || v->reason != was->reason;
    ret->since = ret->state_changed ? now : was->since;
    ret->received = v->source >= 0 ? k->received[v->source] : now;
    ret->incarnation = was->incarnation + rehire;
    if (k->incarnation > ret->incarnation) // a hub's count goes before ours
        ret->incarnation = k->incarnation;
}

static int note_change(const struct decided *d, uint32_t slot, const struct standing *was,
                       const char *source, struct changes *changes)
{
    struct change *c;

    if (d->word.state == was->word.state && d->word.flags == was->word.flags &&
        d->word.authority == was->word.authority && !d->state_changed)
        return 0;
    c = changes_add(changes);
    if (!c)
        return -ENOMEM;
    *c = (struct change){.slot = slot,
                         .uid = d->word.uid,
                         .before = was->word,
                         .after = d->word,
                         .reason = d->v.reason,
                         .hr_time = d->hr,
                         .received = d->received};
    memcpy(c->name, was->name, sizeof(c->name));
    if (source)
        snprintf(c->source, sizeof(c->source), "%s", source);
    return 0;
}

// What follows from it beside the person's own row.
static int follow(struct engine_core *core, const struct decided *d, uint32_t slot,
                  const struct standing *was, const char *source, int64_t now,
                  struct changes *changes)
{
    int r;

    note_publication(core, slot, was, &d->word, &d->v);
    r = note_end(core, slot, was->word.state, d->word.state);
    if (r == 0 && d->state_changed)
        r = person_event(core, slot, now, "%s: %s%s%s", rollcall_state_name(d->word.state),
                         rollcall_reason_name(d->v.reason), source ? " from " : "",
                         source ? source : "");
    return r == 0 ? note_change(d, slot, was, source, changes) : r;
}

int person_merge(struct engine_core *core, uint32_t slot, const char *source, int64_t now,
                 struct changes *changes)
{
    struct known k;
    struct standing was;
    struct rollcall_verdict v;
    struct rollcall_word word;
    struct decided d;
    int r = gather(core, slot, &k);

    if (r == 0)
        r = read_standing(core, slot, &was);
    if (r < 0)
        return r;
    rollcall_lifecycle_merge(k.vouch, k.n, &was.local, now, &v);
    keep_purged(&was, &v);
    r = settle_hold(core, slot, &was, now, &v);
    if (r < 0)
        return r;
    word = (struct rollcall_word){
        .uid = was.word.uid, .state = v.state, .flags = v.flags, .authority = (uint8_t)k.authority};
    r = read_group_flags(core, slot, &word);
    if (r < 0)
        return r;
    decide(&k, &was, &word, &v, now, &d);
    r = store_run(&core->store,
                  "UPDATE person SET state = ?, reason = ?, flags = ?, authority = ?, since = ?,"
                  " not_before = ?, not_after = ?, hr_time = ?, received = ?, next = ?,"
                  " incarnation = ? WHERE slot = ?",
                  "iiiiiiiiiiii", (int64_t)word.state, (int64_t)v.reason, (int64_t)word.flags,
                  (int64_t)word.authority, d.since, v.not_before, v.not_after, d.hr, d.received,
                  v.next, d.incarnation, (int64_t)slot);
    return r == 0 ? follow(core, &d, slot, &was, source, now, changes) : r;
}

static int insert_new(struct engine_core *core, const struct newcomer *n, const struct decided *d)
{
    return store_run(
        &core->store,
        // The primary group is always one's own: gid = uid. A gidNumber of the source that
        // says otherwise is a group to be named in `groups`.
        "INSERT INTO person(slot, key, uid, gid, name, gecos, display_name, home, shell,"
        " immutable_id, dn, groups, groups_cut, state, reason, flags, authority, since,"
        " not_before, not_after, hr_time, received, next, incarnation) VALUES(?1, ?2, ?3, ?3, ?4,"
        " ?5, ?5, ?6, ?7, ?8, ?9, CASE WHEN length(?10) > 0 THEN ?10 END, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        "isissssssbiiiiiiiiiiii", (int64_t)n->slot, n->key, (int64_t)n->uid, n->name, n->gecos,
        n->home, n->shell, n->immutable_id, n->dn, (const void *)n->groups->number,
        n->groups->n * sizeof(*n->groups->number), (int64_t)n->groups_cut, (int64_t)d->word.state,
        (int64_t)d->v.reason, (int64_t)d->word.flags, (int64_t)d->word.authority, d->since,
        d->v.not_before, d->v.not_after, d->hr, d->received, d->v.next, d->incarnation);
}

int person_new(struct engine_core *core, const struct newcomer *n,
               const struct rollcall_source_config *src, const struct body *b, int64_t now,
               struct changes *changes)
{
    const struct about about = {
        .received = now, .first_seen = now, .missing_since = ROLLCALL_TIME_UNSET};
    struct known k = {.authority = ROLLCALL_AUTHORITY_NONE};
    // As a row stands of whom nothing is known.
    struct standing was = {
        .word = {.uid = n->uid, .state = ROLLCALL_STATE_NONE, .authority = ROLLCALL_AUTHORITY_NONE},
        .since = now,
        .incarnation = 1,
        .not_before = ROLLCALL_TIME_UNSET};
    struct rollcall_verdict v;
    struct rollcall_word word;
    struct decided d;
    int r;

    snprintf(was.name, sizeof(was.name), "%s", n->name);
    add_known(core, (int)(src - core->config->source), b, &about, &k);
    rollcall_lifecycle_merge(k.vouch, k.n, &was.local, now, &v);
    word = (struct rollcall_word){
        .uid = n->uid, .state = v.state, .flags = v.flags, .authority = (uint8_t)k.authority};
    add_group_flags(core, n->groups, n->groups_cut, &word);
    decide(&k, &was, &word, &v, now, &d);
    r = insert_new(core, n, &d);
    core->dirty |= DIRTY_ACCOUNTS;
    return r == 0 ? follow(core, &d, n->slot, &was, src->name, now, changes) : r;
}
