// SPDX-License-Identifier: BSD-2-Clause
// What is said of a list of people.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/jsonapi.h"

#define PROGRESS_EVERY 1000
#define WHERE_ROOM     120

enum { BESIDE_NEXT, BESIDE_COUNT, BESIDE_TIMESTAMP };

int hr_listing_init(struct listing *l, struct web *w)
{
    *l = (struct listing){.w = w, .hr = w->own, .now = (int64_t)time(NULL)};
    l->as_of = l->now;
    listed_begin(l->hr->listed);
    return 0;
}

void hr_listing_done(struct listing *l)
{
    rows_free(l->rows);
    free(l->etag);
    free(l->modified);
    free(l->count);
    *l = (struct listing){0};
}

void hr_today(const struct hr *hr, char ret[11])
{
    time_t now = time(NULL);
    struct tm tm;

    rollcall_timezone_use(hr->rules.zone);
    localtime_r(&now, &tm);
    strftime(ret, 11, "%Y-%m-%d", &tm);
}

// ---- its begin ----

static const char *since(const struct listing *l)
{
    return listed_known(l->hr->listed) ? l->hr->since : NULL;
}

// Its sentence is kept: what becomes of an answer that was not taken is another one.
static int take_timestamp(struct listing *l)
{
    const char *text = rows_beside(l->rows, BESIDE_TIMESTAMP);
    struct hr_date d = {.kind = HR_DATE_NONE};
    char why[200];

    if (text && hr_date_read(&l->hr->rules.dates, text, &d, why, sizeof(why)) == 0 &&
        d.kind != HR_DATE_NONE) {
        l->as_of = d.at;
        return 0;
    }
    snprintf(l->complaint, sizeof(l->complaint),
             "there is no instant at %.100s before the list%s%.40s", l->hr->timestamp.text,
             text ? ": " : "", text ? text : "");
    return -EBADMSG;
}

static int begin(struct listing *l)
{
    if (l->open || l->hr->coverage)
        return 0;
    if (l->hr->timestamp.text && take_timestamp(l) < 0)
        return -EBADMSG;
    l->open = true;
    emit_begin(true, l->as_of, l->etag, l->now, since(l));
    return 0;
}

// ---- one element ----

static void say_person(struct listing *l, const struct hr_said *said, const char *where)
{
    struct listed *listed = l->hr->listed;
    enum listed_word word;

    listed_bytes_begin(listed);
    listed_bytes(listed, said->json, said->len);
    word = listed_record(listed, said->id, listed_bytes_end(listed), true);
    if (word == LISTED_SAME || word == LISTED_REPEATED)
        return;
    if (word == LISTED_TWICE) // a mistake of HR's: the engine has to see both
        listed_rows(listed, said->id);
    if (said->warning[0])
        emit_warning(where, said->id, said->warning);
    emit_user_text(said->json, said->len, where);
    l->said++;
}

// Being left out ends no session: that employment is over has to be heard of whoever was a person,
// and makes nobody one.
static void say_left_out(struct listing *l, const struct hr_said *said)
{
    json_t *content = json_pack("[s, s, b]", said->reason, said->name, said->terminated);
    struct listed_hash hash = listed_json_hash(l->hr->listed, content);

    json_decref(content);
    if (listed_record(l->hr->listed, said->id, hash, true) == LISTED_NEW)
        emit_dropped_as(said->id, said->reason, said->terminated ? "terminated" : NULL,
                        said->name[0] ? said->name : NULL);
}

static void say_unreadable(struct listing *l, const struct hr_said *said, const char *where)
{
    struct listed_hash none = {0};

    if (said->id[0])
        listed_record(l->hr->listed, said->id, none, false);
    emit_problem(where, said->id[0] ? said->id : NULL, said->terminated, said->text);
}

static void say(struct listing *l, enum hr_outcome outcome, const struct hr_said *said,
                const char *where)
{
    switch (outcome) {
    case HR_PERSON:
        say_person(l, said, where);
        break;
    case HR_LEFT_OUT:
        say_left_out(l, said);
        break;
    case HR_UNREADABLE:
    default:
        say_unreadable(l, said, where);
    }
}

static void progress(struct listing *l)
{
    json_int_t before = json_integer_value(json_object_get(l->w->cursor, "rows"));
    const char *said = rows_beside(l->rows, BESIDE_COUNT);
    uint64_t total = before > 0 ? (uint64_t)before : 0;

    if (l->came % PROGRESS_EVERY != 0 || l->hr->coverage)
        return;
    if (said)
        rollcall_parse_u64(said, 0, INT64_MAX, &total);
    emit_progress(l->came, total > l->came ? total : l->came);
}

// NAME:NUMBER, of each row, without snprintf's long way.
static void say_where(const struct listing *l, char ret[WHERE_ROOM])
{
    char digits[24], *p = digits + sizeof(digits);
    size_t len = strnlen(l->w->request.name, 80);
    uint64_t n = l->came;

    do
        *--p = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    memcpy(ret, l->w->request.name, len);
    ret[len++] = ':';
    memcpy(ret + len, p, (size_t)(digits + sizeof(digits) - p));
    ret[len + (size_t)(digits + sizeof(digits) - p)] = 0;
}

static int on_row(void *ctx, const struct value *row, uint64_t number, const char *fault)
{
    struct listing *l = ctx;
    struct hr_said said = {0};
    enum hr_outcome outcome = HR_UNREADABLE;
    char where[WHERE_ROOM];
    int r = begin(l);

    if (r < 0)
        return r;
    l->came++;
    say_where(l, where);
    if (row)
        outcome = hr_take(&l->hr->rules, row, l->now, &said);
    else
        snprintf(said.text, sizeof(said.text), "the record %.200s", fault);
    if (number == 1)
        snprintf(l->first, sizeof(l->first), "%s", said.id);
    if (l->hr->coverage)
        hr_coverage_row(l->hr->coverage, l->hr, row, outcome, &said, fault, where);
    else
        say(l, outcome, &said, where);
    progress(l);
    return 0;
}

// ---- a page ----

int hr_page_begin(struct listing *l)
{
    const struct hr *hr = l->hr;
    struct rows_settings s = {.list = &hr->rules.rows, .row = on_row, .ctx = l};

    s.beside[BESIDE_NEXT] = hr->next.text ? &hr->next : NULL;
    s.beside[BESIDE_COUNT] = hr->count.text ? &hr->count : NULL;
    s.beside[BESIDE_TIMESTAMP] = hr->timestamp.text ? &hr->timestamp : NULL;
    rows_free(l->rows);
    l->rows = rows_new(&s);
    l->fed = false;
    l->first[0] = 0;
    if (l->rows)
        return 0;
    snprintf(l->w->why, sizeof(l->w->why), "there is no memory");
    return -ENOMEM;
}

int hr_page_feed(void *ctx, const char *bytes, size_t len)
{
    struct listing *l = ctx;

    l->fed = l->fed || len > 0;
    return rows_feed(l->rows, bytes, len);
}

int hr_page_end(struct listing *l, const char *what)
{
    int r = rows_end(l->rows);
    const char *count = rows_beside(l->rows, BESIDE_COUNT);

    if (count) {
        free(l->count);
        l->count = strdup(count);
    }
    l->page_rows = rows_count(l->rows);
    if (r < 0 && (l->complaint[0] || rows_why(l->rows)[0]))
        snprintf(l->w->why, sizeof(l->w->why), "%.250s cannot be taken: %s", what,
                 l->complaint[0] ? l->complaint : rows_why(l->rows));
    return r;
}

// ---- its end ----

// Nobody at all is a missing permission, or an export that failed, and no dismissal of all.
int hr_listing_check(struct listing *l)
{
    const char *text = l->count;
    struct web *w = l->w;
    uint64_t n;

    if (l->came == 0) {
        snprintf(w->why, sizeof(w->why),
                 "nobody is in the list; that is more likely a missing permission than the truth");
        return -EBADMSG;
    }
    if (!l->hr->count.text)
        return 0;
    if (!text || rollcall_parse_u64(text, 0, INT64_MAX, &n) < 0) {
        snprintf(w->why, sizeof(w->why), "there is no number of people at %s", l->hr->count.text);
        return -EBADMSG;
    }
    if (n == l->came)
        return 0;
    snprintf(w->why, sizeof(w->why), "the list is not whole: it names %llu people, and %llu came",
             (unsigned long long)n, (unsigned long long)l->came);
    return -EBADMSG;
}

static bool lacked;

static void on_absent(const char *id)
{
    lacked = true;
    emit_absent(id);
}

// Only what was taken is news no more.
static void feed_is_taken(struct listing *l)
{
    struct hr *hr = l->hr;

    hr->latest = l->as_of;
    if (!hr->heard)
        return;
    free(hr->changes);
    hr->changes = ROLLCALL_TAKE(hr->heard);
}

// A cursor names one listing, and the way in which it was read.
static void make_cursor(struct listing *l)
{
    json_t *c = l->w->cursor;
    json_int_t last = json_integer_value(json_object_get(c, "at"));
    struct timespec ts;
    json_int_t at;
    char day[11];

    clock_gettime(CLOCK_REALTIME, &ts);
    at = (json_int_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    hr_today(l->hr, day);
    json_object_clear(c);
    json_object_set_new(c, "at", json_integer(at > last ? at : last + 1));
    json_object_set_new(c, "day", json_string(day));
    json_object_set_new(c, "of", json_string(l->hr->of));
    json_object_set_new(c, "rows", json_integer((json_int_t)l->came));
    if (l->etag)
        json_object_set_new(c, "etag", json_string(l->etag));
    if (l->modified)
        json_object_set_new(c, "modified", json_string(l->modified));
    if (l->hr->confirm)
        json_object_set_new(c, "confirm", json_true());
}

void hr_listing_commit(struct listing *l)
{
    struct hr *hr = l->hr;

    lacked = false;
    if (since(l))
        listed_absent(hr->listed, on_absent);
    // Whom the engine knew before this process began and the list lacks, only the engine knows.
    hr->confirm = lacked || (!since(l) && json_object_size(l->w->cursor) > 0);
    feed_is_taken(l);
    make_cursor(l);
    free(hr->since);
    hr->since = json_dumps(l->w->cursor, JSON_COMPACT | JSON_SORT_KEYS); // as web_commit does
    web_commit(l->w, l->said);
    listed_keep(hr->listed, true);
    if (!hr->since)
        listed_forget(hr->listed);
}
