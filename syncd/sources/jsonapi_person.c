// SPDX-License-Identifier: BSD-2-Clause
// From one record of an HR system to a person.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/lifecycle.h"
#include "rollcall/parse.h"
#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/jsonapi_taking.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS       "urn:rollcall:1.0:User"
#define NUMBER_MAX 64
#define SAID_MAX   (ROLLCALL_SOURCE_LINE_MAX - 4096) // bytes of a person in the protocol

static const char *const said_words[] = {
    [HR_WORD_TERMINATED] = "terminated",
    [HR_WORD_DISABLED] = "disabled",
    [HR_WORD_LEAVE] = "leave",
    [HR_WORD_ACTIVE] = "active",
};

static void put_instant(struct value *o, const char *key, int64_t at)
{
    char text[ROLLCALL_TIME_TEXT];

    if (at != ROLLCALL_TIME_UNSET)
        value_put_text(o, key, rollcall_time_format(at, -1, text, sizeof(text)));
}

static void put_status(struct taking *t, const struct hr_job *job, struct value *ours)
{
    if (job->word == HR_WORD_NONE)
        return;
    if (job->word == HR_WORD_UNKNOWN) {
        char text[sizeof(job->said) + 10];
        snprintf(text, sizeof(text), "unknown: %s", job->said);
        value_put_text(ours, "status", text);
        hr_warn(t,
                "its status \"%s\" is none that is known here, and lets nobody in; statuses = "
                "VALUE:STATUS says what it means",
                job->said);
        return;
    }
    value_put_text(ours, "status", said_words[job->word]);
}

static void put_dates(struct taking *t, const struct hr_job *job, struct value *ours)
{
    put_instant(ours, "start", job->start);
    put_instant(ours, "end", job->end);
    if (job->start == ROLLCALL_TIME_UNSET || job->end == ROLLCALL_TIME_UNSET ||
        job->end > job->start)
        return;
    value_put_bool(ours, "rehireConflict", true);
    hr_warn(
        t,
        "its end lies before its start (%s, %s): the person stays terminated until one of the two "
        "is mended",
        value_text(value_get(ours, "end")), value_text(value_get(ours, "start")));
}

static int take_terminated_at(struct taking *t, const struct value *row, struct value *ours)
{
    struct hr_date d;
    int e = hr_date_at(t, HR_TERMINATED_AT, row, &d);

    if (e < 0 || d.kind == HR_DATE_NONE)
        return e;
    if (d.kind == HR_DATE_DAY)
        hr_warn(t, "terminatedAt \"%s\" is a bare date and is read as its first instant", d.day);
    put_instant(ours, "terminatedAt", d.at);
    return 0;
}

static int put_text(struct taking *t, enum hr_field f, const struct value *row, struct value *to,
                    const char *key)
{
    int e = hr_text_at(t, f, row, PERSON_TEXT_MAX);

    if (e > 0)
        value_put_text(to, key, t->text);
    return e < 0 ? e : 0;
}

static int put_number(struct taking *t, enum hr_field f, const struct value *row, struct value *to)
{
    uint64_t n;
    int e = hr_text_at(t, f, row, 32);

    if (e <= 0)
        return e;
    if (rollcall_parse_u64(t->text, 0, INT64_MAX, &n) < 0)
        return hr_wrong(t, &t->r->place[f].pointer[0], "is no whole number");
    value_put_integer(to, hr_field_names[f], (int64_t)n);
    return 0;
}

// "a; b" in one text, or a list of texts and numbers.
static int add_entries(struct taking *t, const struct pointer *at, const struct value *v,
                       bool objects, struct value *to)
{
    char number[24];
    const char *s = value_text(v);

    if (value_is(v, VALUE_INTEGER)) {
        snprintf(number, sizeof(number), "%lld", (long long)value_integer(v));
        s = number;
    }
    if (!s)
        return hr_wrong(t, at, "holds something that is neither a text nor a whole number");
    while (*s) {
        size_t len = strcspn(s, ";"), from = strspn(s, " \t"), end = len;
        while (end > from && (s[end - 1] == ' ' || s[end - 1] == '\t'))
            end--;
        if (end > from && objects)
            value_put_textn(value_add_object(to), "value", s + from, end - from);
        else if (end > from)
            value_add_textn(to, s + from, end - from);
        s += len + (s[len] == ';');
        if (value_size(to) > ROLLCALL_SOURCE_LISTS_MAX || end - from > PERSON_TEXT_MAX)
            return hr_wrong(t, at, "has more than %d entries, or one longer than %d bytes",
                            ROLLCALL_SOURCE_LISTS_MAX, PERSON_TEXT_MAX);
    }
    return 0;
}

static int put_list(struct taking *t, enum hr_field f, const struct value *row, bool objects,
                    struct value *to)
{
    const struct pointer *at;
    const struct value *v = hr_value_at(t, f, row, &at), *item;
    struct value *list;
    int e = 0;

    if (!v)
        return 0;
    list = value_put_list(to, hr_field_names[f]);
    if (value_is(v, VALUE_LIST))
        value_each(v, item) e = e < 0 ? e : add_entries(t, at, item, objects, list);
    else
        e = add_entries(t, at, v, objects, list);
    return e;
}

// "alice@acme.com" with domain = acme.com is alice. Small letters: HR's "AAdams" is aadams.
static int put_user_name(struct taking *t, const struct value *row, struct value *user)
{
    char name[129];
    int e = hr_text_at(t, HR_USER_NAME, row, 320);

    if (e <= 0)
        return e;
    if (strchr(t->text, '@') && !t->r->domain)
        return hr_wrong(t, &t->r->place[HR_USER_NAME].pointer[0],
                        "\"%.60s\" is a mail address; write domain = what stands behind its @",
                        t->text);
    if (!person_login(t->r->domain, t->text, name, sizeof(name))) {
        t->said->reason = "domain";
        return 0;
    }
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    value_put_text(user, "userName", name);
    return 0;
}

static int put_display_name(struct taking *t, const struct value *row, struct value *user)
{
    char given[200] = "", whole[sizeof(given) + PERSON_TEXT_MAX + 1];
    int e = put_text(t, HR_DISPLAY_NAME, row, user, "displayName");

    if (e < 0 || value_get(user, "displayName"))
        return e;
    e = hr_text_at(t, HR_GIVEN_NAME, row, PERSON_TEXT_MAX);
    if (e > 0)
        hr_copy(given, sizeof(given), t->text);
    if (e >= 0)
        e = hr_text_at(t, HR_FAMILY_NAME, row, PERSON_TEXT_MAX);
    if (e < 0 || (!given[0] && !t->text[0]))
        return e < 0 ? e : 0;
    snprintf(whole, sizeof(whole), "%s%s%s", given, given[0] && t->text[0] ? " " : "", t->text);
    value_put_text(user, "displayName", whole);
    return 0;
}

static int put_names(struct taking *t, const struct value *row, const struct hr_job *job,
                     struct value *user)
{
    struct value *enterprise = value_put_object(user, ENTERPRISE);
    int e;

    e = hr_text_at(t, HR_EMPLOYEE_NUMBER, row, NUMBER_MAX);
    if (e == 0 && t->r->place[HR_EMPLOYEE_NUMBER].n > 0)
        return hr_wrong(t, &t->r->place[HR_EMPLOYEE_NUMBER].pointer[0],
                        "employeeNumber is mandatory, 1 to %d bytes", NUMBER_MAX);
    if (e > 0)
        value_put_text(enterprise, "employeeNumber", t->text);
    if (e >= 0)
        e = put_user_name(t, row, user);
    if (e >= 0)
        e = put_display_name(t, row, user);
    if (e >= 0)
        e = put_text(t, HR_DEPARTMENT, row, enterprise, "department");
    if (e >= 0)
        e = put_text(t, HR_USER_TYPE, row, user, "userType");
    if (e >= 0 && job->user_type)
        value_put_text(user, "userType", job->user_type);
    if (e >= 0)
        e = hr_text_at(t, HR_EMAIL, row, PERSON_TEXT_MAX);
    if (e > 0)
        value_put_text(value_add_object(value_put_list(user, "emails")), "value", t->text);
    if (e >= 0)
        e = hr_text_at(t, HR_MANAGER, row, PERSON_TEXT_MAX);
    if (e > 0)
        value_put_text(value_put_object(enterprise, "manager"), "value", t->text);
    return e < 0 ? e : 0;
}

static int put_account(struct taking *t, const struct value *row, struct value *user,
                       struct value *ours)
{
    int e = put_number(t, HR_UID_NUMBER, row, ours);

    if (e >= 0)
        e = put_number(t, HR_GID_NUMBER, row, ours);
    if (e >= 0)
        e = put_text(t, HR_LOGIN_SHELL, row, ours, "loginShell");
    if (e >= 0)
        e = put_text(t, HR_HOME_DIRECTORY, row, ours, "homeDirectory");
    if (e >= 0)
        e = put_list(t, HR_GROUPS, row, true, user);
    if (e >= 0)
        e = put_list(t, HR_SSH_PUBLIC_KEYS, row, false, ours);
    return e;
}

// Why this record is nobody of this company's, or NULL. Whoever is terminated may well have lost
// the marker with it, and has to be said.
static const char *left_out(struct taking *t, const struct value *row, const struct hr_job *job)
{
    const struct pointer *at;
    const struct value *type = hr_value_at(t, HR_USER_TYPE, row, &at);

    if (t->r->user_types && !person_listed(t->r->user_types, job->user_type ?: value_text(type)))
        return "user-type";
    for (size_t i = 0; job->word != HR_WORD_TERMINATED && i < t->r->n_required; i++) {
        const char *path = t->r->required[i].path;
        if (!person_value_has(path ? person_value_at(row, path)
                                   : pointer_get(&t->r->required[i].pointer, row)))
            return "no-marker";
    }
    return NULL;
}

static void use_zone(struct taking *t, const struct value *row)
{
    const char *zone = hr_text_at(t, HR_ZONE, row, 64) > 0 ? t->text : t->r->zone;
    const char *now = getenv("TZ");

    if (now && strcmp(now, zone) == 0)
        return;
    if (rollcall_timezone_use(zone) < 0) {
        hr_warn(t, "\"%.60s\" is no time zone such as Europe/Berlin; the source's own is taken",
                zone);
        rollcall_timezone_use(t->r->zone);
    }
}

// Once: it is what is said, and what is remembered of it.
static int write_out(struct taking *t, const struct value *user)
{
    struct hr_said *said = t->said;

    said->json = value_json(user->in, user, &said->len);
    if (said->json && said->len <= SAID_MAX && !values_failed(user->in))
        return 0;
    snprintf(said->text, sizeof(said->text), "the person is larger than 252 KiB");
    return -EBADMSG;
}

static int take_person(struct taking *t, const struct value *row, struct value *user)
{
    struct hr_job job;
    struct value *ours = value_put_object(user, OURS);
    int e;

    value_put_text(user, "id", t->said->id);
    use_zone(t, row);
    e = hr_take_state(t, row, &job);
    if (e < 0)
        return e;
    t->over =
        job.word == HR_WORD_TERMINATED || (job.end != ROLLCALL_TIME_UNSET && job.end <= t->now);
    t->said->reason = left_out(t, row, &job);
    if (t->said->reason)
        return 0;
    put_status(t, &job, ours);
    put_dates(t, &job, ours);
    e = take_terminated_at(t, row, ours);
    if (e >= 0)
        e = put_names(t, row, &job, user);
    if (e >= 0)
        e = put_account(t, row, user, ours);
    return e < 0 ? e : write_out(t, user);
}

static void take_name(struct taking *t, const struct value *row)
{
    int e = hr_text_at(t, HR_DISPLAY_NAME, row, sizeof(t->said->name) - 1);

    if (e <= 0)
        e = hr_text_at(t, HR_USER_NAME, row, sizeof(t->said->name) - 1);
    if (e > 0)
        hr_copy(t->said->name, sizeof(t->said->name), t->text);
}

// A sentence that quotes a text cut short may end inside of a character.
static void mend(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
        bool whole = *p < 0x80 || *p >= 0xc0;
        for (int i = 1; i <= more && whole; i++)
            whole = (p[i] & 0xc0) == 0x80;
        if (whole)
            p += more;
        else
            *p = '?';
    }
}

static enum hr_outcome take(const struct hr_rules *r, const struct value *row, int64_t now,
                            struct hr_said *ret)
{
    struct taking t;
    struct value *user;
    int e;

    t.r = r; // its text is large, and needs no zeroes
    t.now = now;
    t.said = ret;
    t.text[0] = 0;
    t.over = false;
    memset(ret, 0, sizeof(*ret));
    e = hr_text_at(&t, HR_ID, row, sizeof(ret->id) - 1);
    if (e <= 0) {
        if (e == 0)
            hr_wrong(&t, &r->place[HR_ID].pointer[0], "id is mandatory, 1 to 128 bytes");
        return HR_UNREADABLE;
    }
    hr_copy(ret->id, sizeof(ret->id), t.text);
    take_name(&t, row);
    ret->text[0] = 0;
    user = value_object(row->in);
    e = user ? take_person(&t, row, user) : -ENOMEM;
    if (e < 0) {
        ret->terminated =
            ret->terminated && hr_text_at(&t, HR_EMPLOYEE_NUMBER, row, NUMBER_MAX) > 0;
        return HR_UNREADABLE;
    }
    if (ret->reason) {
        ret->terminated = t.over;
        return HR_LEFT_OUT;
    }
    ret->terminated = false;
    ret->user = user;
    return HR_PERSON;
}

enum hr_outcome hr_take(const struct hr_rules *r, const struct value *row, int64_t now,
                        struct hr_said *ret)
{
    enum hr_outcome outcome = take(r, row, now, ret);

    mend(ret->text);
    mend(ret->warning);
    return outcome;
}
