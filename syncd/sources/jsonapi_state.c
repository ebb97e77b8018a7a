// SPDX-License-Identifier: BSD-2-Clause
// What a record says of employment, and the values that it says it with.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rollcall/lifecycle.h"
#include "syncd/sources/jsonapi_taking.h"

int hr_wrong(struct taking *t, const struct pointer *p, const char *format, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    snprintf(t->said->text, sizeof(t->said->text), "%.80s: %s", p->text, text);
    return -EBADMSG;
}

void hr_warn(struct taking *t, const char *format, ...)
{
    va_list ap;

    if (t->said->warning[0])
        return;
    va_start(ap, format);
    vsnprintf(t->said->warning, sizeof(t->said->warning), format, ap);
    va_end(ap);
}

const struct value *hr_value_at(struct taking *t, enum hr_field f, const struct value *in,
                                const struct pointer **ret_at)
{
    const struct hr_place *place = &t->r->place[f];

    for (size_t i = 0; i < place->n; i++) {
        const struct value *v = pointer_get(&place->pointer[i], in);
        if (!v || (value_is(v, VALUE_TEXT) && value_len(v) == 0))
            continue;
        t->said->has |= UINT64_C(1) << f;
        *ret_at = &place->pointer[i];
        return v;
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hr_text_at(struct taking *t, enum hr_field f, const struct value *in, size_t max)
{
    const struct pointer *at;
    const struct value *v = hr_value_at(t, f, in, &at);
    const char *s = value_text(v);
    size_t n;

    t->text[0] = 0;
    if (!v)
        return 0;
    if (value_is(v, VALUE_INTEGER)) {
        snprintf(t->text, sizeof(t->text), "%lld", (long long)value_integer(v));
        return 1;
    }
    if (value_is(v, VALUE_TRUE) || value_is(v, VALUE_FALSE)) {
        snprintf(t->text, sizeof(t->text), "%s", v->kind == VALUE_TRUE ? "true" : "false");
        return 1;
    }
    if (!s)
        return hr_wrong(t, at, "is neither a text nor a whole number");
    n = v->len;
    for (; n > 0 && is_blank(*s); s++)
        n--;
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    if (n > max)
        return hr_wrong(t, at, "is longer than %zu bytes", max);
    memcpy(t->text, s, n);
    t->text[n] = 0;
    return n > 0;
}

int hr_boolean_at(struct taking *t, enum hr_field f, const struct value *in)
{
    static const char *const words[2][5] = {{"0", "n", "no", "false", NULL},
                                            {"1", "y", "yes", "true", NULL}};
    int e = hr_text_at(t, f, in, 16);

    if (e <= 0)
        return e == 0 ? -ENOENT : e;
    for (int on = 0; on < 2; on++)
        for (size_t i = 0; words[on][i]; i++)
            if (strcasecmp(words[on][i], t->text) == 0)
                return on;
    return -EBADMSG;
}

int hr_date_at(struct taking *t, enum hr_field f, const struct value *in, struct hr_date *ret)
{
    const struct pointer *at = NULL;
    char why[160];
    int e;

    *ret = (struct hr_date){.kind = HR_DATE_NONE};
    e = hr_text_at(t, f, in, 64);
    if (e <= 0 || hr_date_read(&t->r->dates, t->text, ret, why, sizeof(why)) == 0)
        return e < 0 ? e : 0;
    hr_value_at(t, f, in, &at);
    return hr_wrong(t, at, "%s", why);
}

void hr_copy(char *to, size_t len, const char *from)
{
    size_t n = strnlen(from, len - 1);

    while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80) // no half of a character
        n--;
    memcpy(to, from, n);
    to[n] = 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == ROLLCALL_TIME_UNSET || (b != ROLLCALL_TIME_UNSET && b < a) ? b : a;
}

// What a status of HR's means; what nobody mapped lets nobody in.
static enum hr_word meaning(const struct hr_rules *r, const char *value)
{
    static const char *const words[] = {"terminated", "disabled", "leave", "active"};
    static const enum hr_word of[] = {HR_WORD_TERMINATED, HR_WORD_DISABLED, HR_WORD_LEAVE,
                                      HR_WORD_ACTIVE};

    for (size_t i = 0; i < r->n_statuses; i++) {
        if (strlen(value) != r->status[i].value_len ||
            memcmp(value, r->status[i].value, r->status[i].value_len) != 0)
            continue;
        for (size_t k = 0; k < 4; k++)
            if (strcmp(r->status[i].means, words[k]) == 0)
                return of[k];
    }
    return HR_WORD_UNKNOWN;
}

struct words { // where a record, or an employment, says how things are
    enum hr_field status, active, start, end, last_day;
};
static const struct words of_record = {HR_STATUS, HR_ACTIVE, HR_START, HR_END, HR_LAST_DAY};
static const struct words of_job = {HR_JOB_STATUS, HR_JOB_ACTIVE, HR_JOB_START, HR_JOB_END,
                                    HR_JOB_LAST_DAY};

static void take_status(struct taking *t, enum hr_field f, const struct value *in,
                        struct hr_job *job)
{
    int e = hr_text_at(t, f, in, PERSON_TEXT_MAX);

    if (e == 0)
        return;
    job->word = e < 0 ? HR_WORD_UNKNOWN : meaning(t->r, t->text);
    hr_copy(job->said, sizeof(job->said), e < 0 ? "?" : t->text);
}

static void take_dates(struct taking *t, const struct words *w, const struct value *in,
                       struct hr_job *job, int *error)
{
    struct hr_date start, end, last;

    *error = hr_date_at(t, w->start, in, &start);
    if (*error == 0)
        *error = hr_date_at(t, w->end, in, &end);
    if (*error == 0)
        *error = hr_date_at(t, w->last_day, in, &last);
    if (*error < 0)
        return;
    job->start = hr_date_start(&start);
    job->end =
        earlier(hr_date_end(&t->r->dates, &end, false), hr_date_end(&t->r->dates, &last, true));
}

// Is false is a termination, but for whoever has a first day to come, and nobody on leave.
static void take_active(struct taking *t, const struct words *w, const struct value *in, bool leave,
                        struct hr_job *job)
{
    int on = hr_boolean_at(t, w->active, in);
    bool to_come = job->start != ROLLCALL_TIME_UNSET && job->start > t->now;

    if (on == -ENOENT)
        return;
    if (on < 0) {
        job->word = HR_WORD_UNKNOWN;
        hr_copy(job->said, sizeof(job->said), t->text);
    } else if (on) {
        job->word = job->word == HR_WORD_NONE ? HR_WORD_ACTIVE : job->word;
    } else if (job->end == ROLLCALL_TIME_UNSET && (to_come || leave)) {
        job->word = job->word == HR_WORD_NONE ? HR_WORD_ACTIVE : job->word;
    } else {
        job->word = HR_WORD_TERMINATED;
    }
}

// Of effective-dated records the one in force: the last that has begun; else the first.
static int take_record(struct taking *t, const struct value *in, struct hr_job *job)
{
    const struct pointer *at;
    const struct value *list = hr_value_at(t, HR_JOB_RECORDS, in, &at), *item, *best = NULL;
    int64_t best_start = 0;

    if (list && !value_is(list, VALUE_LIST))
        return hr_wrong(t, at, "is no list");
    value_each(list, item)
    {
        struct hr_date d;
        int64_t start;
        int e = hr_date_at(t, HR_RECORD_START, item, &d);
        if (e < 0)
            return e;
        start = hr_date_start(&d);
        if (!best || (start <= t->now ? best_start > t->now || start >= best_start
                                      : best_start > t->now && start < best_start)) {
            best = item;
            best_start = start;
        }
    }
    if (best)
        take_status(t, HR_RECORD_STATUS, best, job);
    return 0;
}

// 0 where it does not count.
static int take_job(struct taking *t, const struct value *in, struct hr_job *ret)
{
    const struct pointer *at;
    const struct value *type = hr_value_at(t, HR_JOB_USER_TYPE, in, &at);
    int e, primary = hr_boolean_at(t, HR_JOB_PRIMARY, in);

    *ret = (struct hr_job){
        .start = ROLLCALL_TIME_UNSET, .end = ROLLCALL_TIME_UNSET, .user_type = value_text(type)};
    if (t->r->place[HR_JOB_PRIMARY].n > 0 && primary != 1)
        return 0;
    if (t->r->user_types && t->r->place[HR_JOB_USER_TYPE].n > 0 &&
        !person_listed(t->r->user_types, ret->user_type))
        return 0;
    take_dates(t, &of_job, in, ret, &e);
    if (e == 0)
        e = take_record(t, in, ret);
    if (e < 0)
        return e;
    take_status(t, HR_JOB_STATUS, in, ret);
    take_active(t, &of_job, in, false, ret);
    return 1;
}

// The strictest word of the record and its employment, and the narrower time.
static void join(struct hr_job *record, const struct hr_job *job)
{
    if (record->word == HR_WORD_NONE || (job->word != HR_WORD_NONE && job->word < record->word)) {
        record->word = job->word;
        snprintf(record->said, sizeof(record->said), "%s", job->said);
    }
    if (job->start > record->start) // unset is the smallest
        record->start = job->start;
    record->end = earlier(record->end, job->end);
    if (job->user_type)
        record->user_type = job->user_type;
}

static int take_jobs(struct taking *t, const struct value *row, struct hr_job *record)
{
    static const struct hr_job none = {.word = HR_WORD_UNKNOWN,
                                       .start = ROLLCALL_TIME_UNSET,
                                       .end = ROLLCALL_TIME_UNSET,
                                       .said = "no employment that counts"};
    struct hr_job jobs[HR_JOBS_MAX], chosen;
    const struct pointer *at;
    const struct value *list = hr_value_at(t, HR_EMPLOYMENTS, row, &at), *item;
    size_t n = 0;

    if (t->r->place[HR_EMPLOYMENTS].n == 0)
        return 0;
    if (list && (!value_is(list, VALUE_LIST) || value_size(list) > HR_JOBS_MAX))
        return hr_wrong(t, at, "is no list of at most %d employments", HR_JOBS_MAX);
    value_each(list, item)
    {
        int e = take_job(t, item, &jobs[n]);
        if (e < 0)
            return e;
        n += (size_t)e;
    }
    chosen = n > 0 ? hr_job_choose(jobs, n, t->now) : none;
    join(record, &chosen);
    return 0;
}

int hr_take_state(struct taking *t, const struct value *row, struct hr_job *record)
{
    int leave = hr_boolean_at(t, HR_LEAVE, row), e;
    bool doubtful = leave == -EBADMSG;
    char said[61];

    hr_copy(said, sizeof(said), t->text);

    *record = (struct hr_job){.start = ROLLCALL_TIME_UNSET, .end = ROLLCALL_TIME_UNSET};
    take_status(t, HR_STATUS, row, record);
    take_dates(t, &of_record, row, record, &e);
    take_active(t, &of_record, row, leave == 1, record);
    // Of a row that is not taken the status counts all the same, and so does its number.
    t->said->terminated = record->word == HR_WORD_TERMINATED;
    if (e == 0)
        e = take_jobs(t, row, record);
    if (record->word == HR_WORD_ACTIVE && (leave == 1 || doubtful)) {
        record->word = doubtful ? HR_WORD_UNKNOWN : HR_WORD_LEAVE;
        hr_copy(record->said, sizeof(record->said), said);
    }
    return e;
}
