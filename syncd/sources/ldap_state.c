// SPDX-License-Identifier: BSD-2-Clause
// What an administrator's switches in a directory say.
#include "syncd/sources/ldap_state.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "rollcall/timeparse.h"

#define DAY         86400
#define AD_DISABLED 0x2
#define AD_LOCKOUT  0x10
#define AD_EPOCH    11644473600LL // seconds from 1601 to 1970
#define AD_SECOND   10000000LL
#define PERMANENTLY "000001010000Z"

const char *const dir_state_attributes[] = {"nsAccountLock",
                                            "loginDisabled",
                                            "loginExpirationTime",
                                            "pwdAccountLockedTime",
                                            "pwdStartTime",
                                            "pwdEndTime",
                                            "krbPrincipalExpiration",
                                            "shadowExpire",
                                            "userAccountControl",
                                            "msDS-User-Account-Control-Computed",
                                            "accountExpires",
                                            "lockoutTime",
                                            NULL};

static int digits(const char **p, const char *end, int n, int *ret)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (*p == end || !isdigit((unsigned char)**p))
            return -EBADMSG;
        v = v * 10 + (*(*p)++ - '0');
    }
    *ret = v;
    return 0;
}

static int offset_of(const char **p, const char *end, int64_t *ret)
{
    int sign, hours, minutes = 0;

    if (*p == end)
        return -EBADMSG; // wall time of nobody knows where
    if (**p == 'Z') {
        (*p)++;
        *ret = 0;
        return 0;
    }
    if (**p != '+' && **p != '-')
        return -EBADMSG;
    sign = *(*p)++ == '-' ? -1 : 1;
    if (digits(p, end, 2, &hours) < 0 || (*p < end && digits(p, end, 2, &minutes) < 0) ||
        hours > 23 || minutes > 59)
        return -EBADMSG;
    *ret = sign * (hours * 3600 + minutes * 60);
    return 0;
}

static void skip_fraction(const char **p, const char *end)
{
    if (*p < end && (**p == '.' || **p == ','))
        do
            (*p)++;
        while (*p < end && isdigit((unsigned char)**p));
}

int dir_generalized_time(const struct berval *text, int64_t *ret)
{
    const char *p = text->bv_val, *end = p + text->bv_len;
    struct tm tm = {0};
    int year, month, minute = 0, second = 0;
    int64_t offset, t;

    if (digits(&p, end, 4, &year) < 0 || digits(&p, end, 2, &month) < 0 ||
        digits(&p, end, 2, &tm.tm_mday) < 0 || digits(&p, end, 2, &tm.tm_hour) < 0)
        return -EBADMSG;
    if (p < end && isdigit((unsigned char)*p) && digits(&p, end, 2, &minute) < 0)
        return -EBADMSG;
    if (p < end && isdigit((unsigned char)*p) && digits(&p, end, 2, &second) < 0)
        return -EBADMSG;
    skip_fraction(&p, end);
    if (offset_of(&p, end, &offset) < 0 || p != end)
        return -EBADMSG;
    if (month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        minute > 59 || second > 60)
        return -EBADMSG;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_min = minute;
    tm.tm_sec = second;
    t = timegm(&tm);
    if (tm.tm_mon != month - 1) // 31 February
        return -EBADMSG;
    *ret = t - offset;
    return 0;
}

static void no_later_than(struct dir_state *s, int64_t t)
{
    if (t < 0)
        t = 0; // long over, and a time that the protocol can say
    if (t > ROLLCALL_TIME_LAST)
        t = ROLLCALL_TIME_LAST;
    if (s->end == ROLLCALL_TIME_UNSET || t < s->end)
        s->end = t;
}

static int wrong(const char *name, char *why, size_t why_len)
{
    snprintf(why, why_len, "%s cannot be read; whether the account is locked is not known", name);
    return -EBADMSG;
}

// 1 where the attribute is there, 0 where not.
static int instant(const struct dir_entry *e, const char *name, int64_t *ret, char *why,
                   size_t why_len)
{
    const struct dir_attr *a = dir_attr(e, name);

    if (!a)
        return 0;
    if (dir_generalized_time(&a->values[0], ret) < 0)
        return wrong(name, why, why_len);
    return 1;
}

// Whether one of the many ends says that the account ended or will.
static int take_ends(const struct dir_entry *e, struct dir_state *s, char *why, size_t why_len)
{
    static const char *const ends[] = {"pwdEndTime", "loginExpirationTime",
                                       "krbPrincipalExpiration"};
    int64_t t, end = ROLLCALL_TIME_UNSET;
    int r;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        r = instant(e, ends[i], &t, why, why_len);
        if (r < 0)
            return r;
        if (r > 0)
            no_later_than(s, t);
        if (r > 0 && i == 0)
            end = t;
    }
    r = instant(e, "pwdStartTime", &t, why, why_len);
    if (r > 0 && end != ROLLCALL_TIME_UNSET && t >= end)
        s->disabled = true;
    if (r > 0)
        s->start = t < 0 ? 0 : t;
    return r < 0 ? r : 0;
}

static int take_switches(const struct dir_entry *e, struct dir_state *s, char *why, size_t why_len)
{
    static const char *const names[] = {"nsAccountLock", "loginDisabled"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (dir_is(e, names[i], "true"))
            s->disabled = true;
        else if (dir_attr(e, names[i]) && !dir_is(e, names[i], "false"))
            return wrong(names[i], why, why_len);
    }
    if (dir_is(e, "pwdAccountLockedTime", PERMANENTLY))
        s->disabled = true;
    else if (dir_attr(e, "pwdAccountLockedTime"))
        s->password_blocked = true;
    return 0;
}

static int take_shadow(const struct dir_entry *e, struct dir_state *s, char *why, size_t why_len)
{
    int64_t days;
    int r = dir_number(e, "shadowExpire", &days);

    if (r < 0)
        return wrong("shadowExpire", why, why_len);
    if (r > 0 && days >= 0)
        no_later_than(s, days > ROLLCALL_TIME_LAST / DAY ? ROLLCALL_TIME_LAST : days * DAY);
    return 0;
}

static int take_ad(const struct dir_entry *e, struct dir_state *s, char *why, size_t why_len)
{
    static const char *const names[] = {"userAccountControl", "accountExpires", "lockoutTime",
                                        "msDS-User-Account-Control-Computed"};
    int64_t v[4] = {0};

    for (int i = 0; i < 4; i++)
        if (dir_number(e, names[i], &v[i]) < 0)
            return wrong(names[i], why, why_len);
    s->disabled = s->disabled || (v[0] & AD_DISABLED);
    if (v[1] != 0 && v[1] != INT64_MAX)
        no_later_than(s, v[1] / AD_SECOND - AD_EPOCH);
    s->password_blocked = s->password_blocked || v[2] != 0 || (v[3] & AD_LOCKOUT);
    return 0;
}

int dir_state_take(const struct dir_entry *e, struct dir_state *ret, char *why, size_t why_len)
{
    struct dir_state s = {.start = ROLLCALL_TIME_UNSET, .end = ROLLCALL_TIME_UNSET};
    int r = take_switches(e, &s, why, why_len);

    if (r == 0)
        r = take_ends(e, &s, why, why_len);
    if (r == 0)
        r = take_shadow(e, &s, why, why_len);
    if (r == 0)
        r = take_ad(e, &s, why, why_len);
    if (r == 0)
        *ret = s;
    return r;
}
