// SPDX-License-Identifier: BSD-2-Clause
// One history, two ways of saying it.
#include "tests/unit/two_ways.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollcall/account.h"

#define PEOPLE HISTORY_PEOPLE

const char *const history_sources[2] = {"hr", "ad"};

uint64_t history_random(struct history *h, uint64_t below)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    return (h->random >> 11) % below;
}

static bool chance(struct history *h, unsigned per_cent)
{
    return history_random(h, 100) < per_cent;
}

// ---- what happens to a file ----

static void any_name(struct history *h, char name[16])
{
    static const char *const odd[] = {"root", "-rf", "a b", "1234"};

    if (chance(h, 4))
        snprintf(name, 16, "%s", odd[history_random(h, 4)]);
    else
        snprintf(name, 16, "n%u", (unsigned)history_random(h, PEOPLE));
}

static struct file_row any_row(struct history *h)
{
    struct file_row r = {.status = ROLLCALL_STATUS_ACTIVE,
                         .start = ROLLCALL_TIME_UNSET,
                         .end = ROLLCALL_TIME_UNSET,
                         .terminated_at = ROLLCALL_TIME_UNSET,
                         .groups = 1};
    unsigned number = (unsigned)history_random(h, PEOPLE);

    snprintf(r.id, sizeof(r.id), "%u", 100 + number);
    snprintf(r.number, sizeof(r.number), "%u",
             100 + (chance(h, 8) ? (unsigned)history_random(h, PEOPLE) : number));
    if (chance(h, 75))
        snprintf(r.name, sizeof(r.name), "n%u", number);
    else
        any_name(h, r.name);
    snprintf(r.display, sizeof(r.display), "d%u", (unsigned)history_random(h, 9));
    if (chance(h, 15))
        r.uid = ROLLCALL_ID_DEFAULT_MIN + 1 + history_random(h, 12);
    return r;
}

static void remove_row(struct file *f, size_t i)
{
    memmove(&f->row[i], &f->row[i + 1], (--f->n - i) * sizeof(f->row[0]));
}

static void change_dates(struct history *h, struct file_row *r, int64_t now)
{
    int64_t at = now + (int64_t)history_random(h, 6 * DAY) - 3 * DAY;
    int64_t *const which[] = {&r->start, &r->end, &r->terminated_at};
    int64_t *date = which[history_random(h, 3)];

    *date = *date == ROLLCALL_TIME_UNSET ? at : ROLLCALL_TIME_UNSET;
}

static void change_alias(struct history *h, struct file_row *r)
{
    unsigned own = 100 + (unsigned)history_random(h, PEOPLE);

    sscanf(r->id, "%u", &own);
    r->alias = chance(h, 20) ? 0 : chance(h, 70) ? own : 100 + (unsigned)history_random(h, PEOPLE);
}

static void change_row(struct history *h, struct file *f, struct file_row *r, int64_t now)
{
    struct file_row *other = &f->row[history_random(h, f->n)];
    char name[16];

    if (chance(h, 12)) {
        r->dropped = !r->dropped;
        return;
    }
    switch (history_random(h, h->nested ? 14 : 11)) {
    case 0:
        snprintf(r->display, sizeof(r->display), "d%u", (unsigned)history_random(h, 99));
        break;
    case 1:
        any_name(h, r->name);
        break;
    case 2: // rule 15
        memcpy(name, r->name, sizeof(name));
        memcpy(r->name, other->name, sizeof(name));
        memcpy(other->name, name, sizeof(name));
        break;
    case 3: // rule 4
        if (f->n < FILE_ROWS) {
            f->row[f->n] = *r;
            if (chance(h, 50))
                any_name(h, f->row[f->n].name);
            f->n++;
        }
        break;
    case 4: // rules 2 and 3
        r->broken = !r->broken;
        r->says_terminated = chance(h, 30);
        break;
    case 5:
        r->status = chance(h, 50)   ? ROLLCALL_STATUS_TERMINATED
                    : chance(h, 30) ? ROLLCALL_STATUS_LEAVE
                                    : ROLLCALL_STATUS_ACTIVE;
        break;
    case 6: // rule 1
        r->groups = (int)history_random(h, 5) - 1;
        break;
    case 7:
        change_dates(h, r, now);
        break;
    case 8:
        r->uid = chance(h, 30) ? 7 : ROLLCALL_ID_DEFAULT_MIN + 1 + history_random(h, 12);
        break;
    case 9: // rule 5
        snprintf(name, sizeof(name), "0%.14s", other->id);
        memcpy(r->id, name, sizeof(name));
        memcpy(r->number, name, sizeof(name));
        memcpy(r->name, other->name, sizeof(name));
        break;
    case 11:
    case 12:
    case 13:
        change_alias(h, r);
        break;
    default: // rule 11
        snprintf(r->id, sizeof(r->id), "%u", 500 + (unsigned)history_random(h, 20));
        memcpy(r->number, r->id, sizeof(r->id));
    }
}

// Many at once: beyond the breaker, and back.
static void change_many(struct history *h, struct file *f)
{
    unsigned what = (unsigned)history_random(h, 7);

    for (size_t i = f->n; i-- > 0;) {
        if (!chance(h, 40))
            continue;
        if (what == 0)
            remove_row(f, i);
        else if (what == 1)
            f->row[i].status = ROLLCALL_STATUS_TERMINATED;
        else if (what == 2)
            f->row[i].groups = -1;
        else if (what == 3)
            f->row[i].groups = 1;
        else if (what >= 5)
            f->row[i].dropped = what == 5;
        else
            f->row[i].status = ROLLCALL_STATUS_ACTIVE;
    }
    for (size_t i = 0; what == 4 && f->n < 20 && i < 20; i++)
        f->row[f->n++] = any_row(h);
}

void history_change(struct history *h, unsigned source, int64_t now)
{
    struct file *f = &h->now[source];
    size_t times = chance(h, 25) ? 0 : 1 + history_random(h, 4);

    f->nameless = chance(h, 8);
    if (h->nested)
        history_change_groups(h, f);
    if (chance(h, 8))
        change_many(h, f);
    for (size_t i = 0; i < times; i++) {
        if (f->n < 12 || (f->n < 40 && chance(h, 25)))
            f->row[f->n++] = any_row(h);
        else if (chance(h, 22))
            remove_row(f, history_random(h, f->n));
        else
            change_row(h, f, &f->row[history_random(h, f->n)], now);
    }
}

// ---- saying it ----

int history_send(struct engine *e, unsigned source, const struct rollcall_message *m)
{
    return engine_core_message(e->core, history_sources[source], m, e->now);
}

static void say(struct engine *e, unsigned source, const struct file_row *r)
{
    static const char *const names[] = {"linux-users", "team"};
    char alias[24];
    const char *one = alias, *groups[2],
               *words[] = {"", "active", "leave", "disabled", "terminated"};
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_PROBLEM,
                                 .id = r->id,
                                 .text = "cannot be read",
                                 .where = r->id,
                                 .says_terminated = r->says_terminated};
    size_t n = 0;

    for (int i = 0; r->groups > 0 && i < 2; i++)
        if (r->groups & 1 << i)
            groups[n++] = names[i];
    if (r->dropped) {
        m = (struct rollcall_message){.kind = ROLLCALL_MESSAGE_DROPPED,
                                      .id = r->id,
                                      .reason = r->uid % 2 ? "guest" : "unassigned",
                                      .name = r->name,
                                      .gone_status = r->status == ROLLCALL_STATUS_TERMINATED
                                                         ? r->status
                                                         : ROLLCALL_STATUS_UNKNOWN};
    } else if (!r->broken) {
        m = (struct rollcall_message){.kind = ROLLCALL_MESSAGE_USER};
        m.user = (struct rollcall_user_record){.id = r->id,
                                               .employee_number = r->number,
                                               .user_name = r->name,
                                               .display_name = r->display,
                                               .status = r->status,
                                               .status_text = words[r->status],
                                               .start = r->start,
                                               .end = r->end,
                                               .terminated_at = r->terminated_at,
                                               .has_uid = r->uid,
                                               .uid = r->uid,
                                               .groups_present = r->groups >= 0,
                                               .groups = groups,
                                               .n_groups = n,
                                               .where = r->id};
        snprintf(alias, sizeof(alias), "cn=%u", r->alias);
        m.user.aliases = (struct rollcall_strings){&one, r->alias > 0};
    }
    assert_int_equal(history_send(e, source, &m), 0);
}

static void say_nameless(struct engine *e, unsigned source, const struct file *f)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_PROBLEM, .text = "cannot be read"};

    for (unsigned i = 0; i < f->nameless; i++)
        assert_int_equal(history_send(e, source, &m), 0);
}

static int open_listing(struct engine *e, unsigned source, int64_t as_of, const char *since)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = true, .as_of = as_of, .since = since};

    return history_send(e, source, &m);
}

static int close_listing(struct engine *e, unsigned source, const char *cursor, uint64_t rows)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_COMMIT, .cursor = cursor, .rows = rows};

    return history_send(e, source, &m);
}

static bool is_user(const struct file_row *r)
{
    return !r->broken && !r->dropped;
}

int history_say_whole(struct history *h, struct engine *e, unsigned source, int64_t as_of,
                      const char *cursor)
{
    const struct file *f = &h->now[source];
    int r = open_listing(e, source, as_of, NULL);
    uint64_t rows = 0;

    for (size_t i = 0; i < f->n; i++) {
        say(e, source, &f->row[i]);
        rows += is_user(&f->row[i]);
    }
    say_nameless(e, source, f);
    if (h->nested)
        history_say_groups(e, source, f, NULL);
    assert_int_equal(close_listing(e, source, cursor, rows), r);
    return r;
}

// The nth row of this id from `from` on, or NULL.
static const struct file_row *next_of(const struct file *f, const char *id, size_t *from)
{
    while (*from < f->n) {
        const struct file_row *r = &f->row[(*from)++];
        if (strcmp(r->id, id) == 0)
            return r;
    }
    return NULL;
}

static bool same_row(const struct file_row *x, const struct file_row *y)
{
    return strcmp(x->id, y->id) == 0 && strcmp(x->number, y->number) == 0 &&
           strcmp(x->name, y->name) == 0 && strcmp(x->display, y->display) == 0 &&
           x->status == y->status && x->start == y->start && x->end == y->end &&
           x->terminated_at == y->terminated_at && x->uid == y->uid && x->groups == y->groups &&
           x->broken == y->broken && x->dropped == y->dropped && x->alias == y->alias &&
           x->says_terminated == y->says_terminated;
}

static bool same_in(const struct file *a, const struct file *b, const char *id)
{
    size_t i = 0, k = 0;
    const struct file_row *x, *y;

    do {
        x = next_of(a, id, &i);
        y = next_of(b, id, &k);
        if (!x != !y || (x && !same_row(x, y)))
            return false;
    } while (x);
    return true;
}

static bool is_first_of(const struct file *f, size_t i)
{
    size_t from = 0;

    return next_of(f, f->row[i].id, &from) == &f->row[i];
}

// All rows of an id, or none where all of them are as they were. What is unchanged may be
// said again.
static uint64_t say_changed(struct history *h, struct engine *e, unsigned source)
{
    const struct file *f = &h->now[source], *last = &h->last[source];
    const struct file_row *r;
    uint64_t rows = 0;

    for (size_t i = 0; i < f->n; i++) {
        size_t from = i;
        if (!is_first_of(f, i) || (same_in(f, last, f->row[i].id) && !chance(h, 5)))
            continue;
        while ((r = next_of(f, f->row[i].id, &from))) {
            say(e, source, r);
            rows += is_user(r);
        }
    }
    for (size_t i = 0; i < last->n; i++) {
        size_t from = 0;
        const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_ABSENT, .id = last->row[i].id};
        if (!next_of(f, last->row[i].id, &from))
            assert_int_equal(history_send(e, source, &m), 0);
    }
    return rows;
}

void history_say(struct history *h, struct engine *a, struct engine *b, unsigned source,
                 int64_t as_of)
{
    char cursor[24];
    int r, s;

    snprintf(cursor, sizeof(cursor), "c%u", ++h->step);
    r = history_say_whole(h, a, source, as_of, cursor);
    s = open_listing(b, source, as_of, *h->cursor[source] ? h->cursor[source] : NULL);
    if (s == -ESTALE || !*h->cursor[source]) {
        h->stale += s == -ESTALE;
        s = history_say_whole(h, b, source, as_of, cursor);
    } else {
        uint64_t rows = say_changed(h, b, source);
        h->differences++;
        say_nameless(b, source, &h->now[source]);
        if (h->nested)
            history_say_groups(b, source, &h->now[source], &h->last[source]);
        assert_int_equal(close_listing(b, source, cursor, rows), s);
    }
    assert_int_equal(r, s);
    // A source is not told whether its listing was taken.
    h->last[source] = h->now[source];
    snprintf(h->cursor[source], sizeof(h->cursor[source]), "%s", cursor);
}

// ---- comparing ----

// Everything but where a row stood, and when it was said.
#define PEOPLE_TABLES 3 // the first of them
static const char *const tables[] = {
    "SELECT 'person', slot, key, uid, name, former_name, gid, gecos, home, shell, display_name,"
    " immutable_id, hex(groups), state, reason, flags, authority, since, not_before, not_after,"
    " hr_time, received, incarnation, next, admin_lock, journal_lock, recovery, hold FROM person"
    " ORDER BY slot",
    "SELECT 'record', source, id, key, slot, hash, json_extract(body, '$'), first_seen, received,"
    " missing_since, missing, gone, groups_pending, hold, name, number, uid, absent, dropped"
    " FROM record"
    " ORDER BY source, id",
    "SELECT 'dropped', source, id, reason, name, absent, missing_since FROM dropped ORDER BY "
    "source,"
    " id",
    "SELECT 'count', source, reason, n FROM drop_count ORDER BY source, reason",
    "SELECT 'refused', source, id, kind, name, text FROM refused ORDER BY source, id, kind",
    "SELECT 'aside', source, id, hash, body, number, name, uid, copies, terminated FROM aside"
    " ORDER BY source, id",
    "SELECT 'hold', id, source, kind, n, at FROM hold ORDER BY id",
    "SELECT 'effect', source, kind, at, slot FROM effect ORDER BY rowid",
    "SELECT 'group', number, source, id, name, gid FROM grp ORDER BY number",
    "SELECT 'entry', e.source, e.kind, e.name, e.user, g.name FROM entry e LEFT JOIN entry g ON"
    " g.number = e.grp WHERE e.user IS NOT NULL OR e.grp IS NOT NULL ORDER BY e.source, e.kind,"
    " e.name",
    "SELECT 'member', g.source, g.name, e.kind, e.name, m.side, m.said, m.since, m.hold FROM member"
    " m JOIN entry g ON g.number = m.grp JOIN entry e ON e.number = m.entry ORDER BY g.source,"
    " g.name, e.kind, e.name, m.side",
    "SELECT 'own', g.source, g.name, o.slot FROM own o JOIN entry g ON g.number = o.grp ORDER BY"
    " g.source, g.name, o.slot",
    "SELECT 'event', slot, at, text FROM event ORDER BY id",
    "SELECT 'source', name, as_of, full_as_of, problem FROM source ORDER BY name",
};

static bool row_text(struct store *s, sqlite3_stmt *q, char *buf, size_t len)
{
    int error = 0;
    size_t at = 0;

    *buf = 0;
    if (!store_step(s, q, &error)) {
        assert_int_equal(error, 0);
        return false;
    }
    for (int i = 0; i < sqlite3_column_count(q) && at < len; i++)
        at += (size_t)snprintf(buf + at, len - at, "%s|", store_text(q, i));
    return true;
}

static void compare_table(const struct history *h, struct engine *a, struct engine *b,
                          const char *sql)
{
    sqlite3_stmt *p = store_bind(&a->core->store, sql, "");
    sqlite3_stmt *q = store_bind(&b->core->store, sql, "");
    char x[4096], y[4096];
    bool more;

    do {
        bool other = row_text(&b->core->store, q, y, sizeof(y));
        more = row_text(&a->core->store, p, x, sizeof(x));
        if (more != other || strcmp(x, y) != 0)
            fail_msg("step %u\nwhole:      %s\ndifference: %s", h->step, x, y);
    } while (more);
}

static void compare_boards(struct engine *a, struct engine *b)
{
    int64_t slots = store_number(&a->core->store, -1, "SELECT max(slot) FROM person", "") + 1;

    for (int64_t slot = 0; slot < slots; slot++) {
        struct rollcall_word x = {0}, y = {0};
        int r = rollcall_board_get(a->core->board, (uint32_t)slot, &x);
        assert_int_equal(r, rollcall_board_get(b->core->board, (uint32_t)slot, &y));
        assert_int_equal(x.state, y.state);
        assert_int_equal(x.flags, y.flags);
        assert_int_equal(x.uid, y.uid);
        assert_int_equal(x.authority, y.authority);
    }
}

// A record without what depends on the wall clock and on how often a row was said.
static bool is_compared(json_t *o)
{
    const char *event = json_string_value(json_object_get(o, "event"));

    json_object_del(o, "locked");
    json_object_del(o, "at");
    if (strcmp(event, "listing-accepted") == 0) {
        json_object_del(o, "rows");
        json_object_del(o, "said");
    }
    return strcmp(event, "row-skipped") != 0;
}

static void compare_audit(const struct history *h, struct engine *a, struct engine *b)
{
    size_t i = 0, k = 0;

    for (;; i++, k++) {
        while (i < json_array_size(a->audit) && !is_compared(json_array_get(a->audit, i)))
            i++;
        while (k < json_array_size(b->audit) && !is_compared(json_array_get(b->audit, k)))
            k++;
        if (i >= json_array_size(a->audit) && k >= json_array_size(b->audit))
            break;
        if (!json_equal(json_array_get(a->audit, i), json_array_get(b->audit, k))) {
            char *x = json_dumps(json_array_get(a->audit, i), JSON_COMPACT | JSON_ENCODE_ANY);
            char *y = json_dumps(json_array_get(b->audit, k), JSON_COMPACT | JSON_ENCODE_ANY);
            fail_msg("step %u\nwhole:      %s\ndifference: %s", h->step, x ? x : "", y ? y : "");
        }
    }
    assert_int_equal(a->rings, b->rings);
    engine_forget(a);
    engine_forget(b);
}

// What both go by, and what is kept so that it need not be counted or walked.
static void check_hints(struct engine *e)
{
    assert_int_equal(person_count(e->core),
                     store_number(&e->core->store, -1,
                                  "SELECT count(*) FROM person WHERE state BETWEEN 1 AND 4", ""));
    assert_int_equal(store_number(&e->core->store, -1,
                                  "SELECT count(*) FROM record JOIN person USING(slot)"
                                  " WHERE ended AND state < 5",
                                  ""),
                     0);
}

void history_compare_people(const struct history *h, struct engine *a, struct engine *b)
{
    for (size_t i = 0; i < PEOPLE_TABLES; i++)
        compare_table(h, a, b, tables[i]);
    compare_boards(a, b);
    engine_forget(a);
    engine_forget(b);
}

void history_compare(const struct history *h, struct engine *a, struct engine *b)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        compare_table(h, a, b, tables[i]);
    compare_boards(a, b);
    compare_audit(h, a, b);
    check_hints(a);
    check_hints(b);
    assert_int_equal(store_number(&b->core->store, -1, "SELECT count(*) FROM dropped", ""),
                     store_number(&b->core->store, 0, "SELECT sum(n) FROM drop_count", ""));
}
