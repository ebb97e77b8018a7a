// SPDX-License-Identifier: BSD-2-Clause
// What Active Directory has of its own.
#include "syncd/sources/ldap_ad.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX     (DIR_AD_HOST + 80)
#define ANSWER_BYTES (1024 * 1024) // of one answer, about

// ---- where a reading stands: "ad1 dirsync HOST INVOCATION\nCOOKIE", "ad1 usn ... USN\n" ----

int dir_ad_place_write(const struct dir_ad_place *p, struct dir_cookie *ret)
{
    char head[HEAD_MAX];
    int n = snprintf(head, sizeof(head), "ad1 %s %s %s %" PRId64 "\n",
                     p->dirsync ? "dirsync" : "usn", p->host, p->invocation, p->usn);

    if (n < 0 || (size_t)n >= sizeof(head) || (size_t)n + p->server.len > sizeof(ret->bytes))
        return -EMSGSIZE;
    memcpy(ret->bytes, head, (size_t)n);
    memcpy(ret->bytes + n, p->server.bytes, p->server.len);
    ret->len = (size_t)n + p->server.len;
    return 0;
}

// The next word of a line of single spaces.
static int word(const char **p, const char *end, char *ret, size_t len)
{
    const char *stop = memchr(*p, ' ', (size_t)(end - *p)) ?: end;
    size_t n = (size_t)(stop - *p);

    if (n == 0 || n >= len || memchr(*p, 0, n))
        return -EBADMSG;
    memcpy(ret, *p, n);
    ret[n] = 0;
    *p = stop < end ? stop + 1 : end;
    return 0;
}

static int whole_number(const char *text, int64_t *ret)
{
    char *end;
    long long n;

    errno = 0;
    n = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : -1;
    if (n < 0 || errno != 0 || *end)
        return -EBADMSG;
    *ret = n;
    return 0;
}

int dir_ad_place_read(const struct dir_cookie *c, struct dir_ad_place *ret)
{
    const char *p = c->bytes, *end = memchr(c->bytes, '\n', c->len < HEAD_MAX ? c->len : HEAD_MAX);
    char mark[8], kind[16], usn[24];
    struct dir_ad_place at = {0};

    if (!end || word(&p, end, mark, sizeof(mark)) < 0 || word(&p, end, kind, sizeof(kind)) < 0 ||
        word(&p, end, at.host, sizeof(at.host)) < 0 ||
        word(&p, end, at.invocation, sizeof(at.invocation)) < 0 ||
        word(&p, end, usn, sizeof(usn)) < 0 || p != end || whole_number(usn, &at.usn) < 0)
        return -EBADMSG;
    at.dirsync = strcmp(kind, "dirsync") == 0;
    if (strcmp(mark, "ad1") != 0 || (!at.dirsync && strcmp(kind, "usn") != 0))
        return -EBADMSG;
    at.server.len = (size_t)(c->bytes + c->len - (end + 1));
    memcpy(at.server.bytes, end + 1, at.server.len);
    if (at.dirsync != (at.server.len > 0))
        return -EBADMSG;
    *ret = at;
    return 0;
}

bool dir_ad_goes_on(const struct dir_ad_place *then, const struct dir_ad_place *now)
{
    bool same = strcasecmp(then->host, now->host) == 0,
         history = strcmp(then->invocation, now->invocation) == 0;

    if (then->dirsync != now->dirsync)
        return false;
    return then->dirsync ? !same || history : same && history && then->usn <= now->usn;
}

// ---- DirSync ----

int dir_dirsync_request(LDAP *ld, bool object_security, const struct dir_cookie *from,
                        LDAPControl **ret)
{
    struct berval cookie = {from->len, (char *)(uintptr_t)from->bytes};

    return ldap_create_dirsync_control(ld,
                                       object_security ? LDAP_CONTROL_X_DIRSYNC_OBJECT_SECURITY : 0,
                                       ANSWER_BYTES, &cookie, ret) == LDAP_SUCCESS
               ? 0
               : -ENOMEM;
}

int dir_dirsync_answer(LDAP *ld, LDAPControl **controls, struct dir_cookie *cookie, bool *ret_more)
{
    LDAPControl *c = ldap_control_find(LDAP_CONTROL_X_DIRSYNC, controls, NULL);
    struct berval said = {0, NULL};
    int more = 0, r = -EBADMSG;

    // libldap falls over a control without a value.
    if (c && c->ldctl_value.bv_len > 0 &&
        ldap_parse_dirsync_control(ld, c, &more, &said) == LDAP_SUCCESS && said.bv_len > 0 &&
        dir_cookie_set(cookie, &said) == 0)
        r = 0;
    ber_memfree(said.bv_val);
    if (r == 0)
        *ret_more = more != 0;
    return r;
}

// ---- slices ----

static int index_of(const char **p, const char *end, uint32_t *ret)
{
    uint64_t n = 0;
    const char *from = *p;

    for (; *p < end && isdigit((unsigned char)**p) && n <= UINT32_MAX; (*p)++)
        n = n * 10 + (uint64_t)(**p - '0');
    if (*p == from || n > UINT32_MAX)
        return -EBADMSG;
    *ret = (uint32_t)n;
    return 0;
}

int dir_slice_parse(const struct berval *name, const char *attribute, struct dir_slice *ret)
{
    static const char option[] = ";range=";
    size_t n = strlen(attribute), m = sizeof(option) - 1;
    const char *p = name->bv_val + n + m, *end = name->bv_val + name->bv_len;
    struct dir_slice s = {0};

    if (name->bv_len < n + m || strncasecmp(name->bv_val, attribute, n) != 0 ||
        strncasecmp(name->bv_val + n, option, m) != 0)
        return 0;
    if (index_of(&p, end, &s.low) < 0 || p == end || *p++ != '-')
        return -EBADMSG;
    s.last = end - p == 1 && *p == '*';
    if (!s.last && (index_of(&p, end, &s.high) < 0 || p != end || s.high < s.low))
        return -EBADMSG;
    *ret = s;
    return 1;
}
