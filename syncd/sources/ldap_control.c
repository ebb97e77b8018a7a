// SPDX-License-Identifier: BSD-2-Clause
// The controls of RFC 4533.
#include "syncd/sources/ldap_control.h"

#include <errno.h>
#include <ldap.h>
#include <stdio.h>
#include <string.h>

int dir_cookie_set(struct dir_cookie *c, const struct berval *value)
{
    if (value->bv_len > sizeof(c->bytes))
        return -EMSGSIZE;
    if (value->bv_len > 0)
        memcpy(c->bytes, value->bv_val, value->bv_len);
    c->len = value->bv_len;
    return 0;
}

struct berval *dir_sync_request(bool persist, const struct dir_cookie *cookie)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    struct berval *value = NULL;
    int r;

    if (!ber)
        return NULL;
    r = ber_printf(ber, "{e",
                   (ber_int_t)(persist ? LDAP_SYNC_REFRESH_AND_PERSIST : LDAP_SYNC_REFRESH_ONLY));
    if (r >= 0 && cookie && cookie->len > 0)
        r = ber_printf(ber, "o", cookie->bytes, (ber_len_t)cookie->len);
    if (r >= 0)
        r = ber_printf(ber, "}");
    if (r >= 0 && ber_flatten(ber, &value) < 0)
        value = NULL;
    ber_free(ber, 1);
    return value;
}

static void free_reader(BerElement **ber)
{
    if (*ber)
        ber_free(*ber, 0); // its bytes are the value's
}
#define _cleanup_reader_ __attribute__((cleanup(free_reader)))

// Reads the value where it stands.
static BerElement *reader(const struct berval *value)
{
    struct berval whole = *value;
    BerElement *ber = value->bv_len > 0 ? ber_alloc_t(LBER_USE_DER) : NULL;

    if (ber)
        ber_init2(ber, &whole, LBER_USE_DER);
    return ber;
}

static bool next_is(BerElement *ber, ber_tag_t tag)
{
    ber_len_t len;

    return ber_peek_tag(ber, &len) == tag;
}

static int cookie_of(BerElement *ber, struct berval *ret)
{
    *ret = (struct berval){0, NULL};
    if (!next_is(ber, LDAP_TAG_SYNC_COOKIE))
        return 0;
    return ber_scanf(ber, "m", ret) == LBER_ERROR ? -EBADMSG : 0;
}

static int flag_of(BerElement *ber, bool standard, bool *ret)
{
    ber_int_t flag = standard;

    if (next_is(ber, LBER_BOOLEAN) && ber_scanf(ber, "b", &flag) == LBER_ERROR)
        return -EBADMSG;
    *ret = flag != 0;
    return 0;
}

int dir_sync_state_parse(const struct berval *value, struct dir_sync_state *ret)
{
    _cleanup_reader_ BerElement *ber = reader(value);
    struct dir_sync_state s = {0};
    struct berval uuid;
    ber_int_t state;

    if (!ber || ber_scanf(ber, "{em", &state, &uuid) == LBER_ERROR || uuid.bv_len != DIR_UUID ||
        state < LDAP_SYNC_PRESENT || state > LDAP_SYNC_DELETE || cookie_of(ber, &s.cookie) < 0)
        return -EBADMSG;
    s.state = state;
    memcpy(s.uuid, uuid.bv_val, DIR_UUID);
    *ret = s;
    return 0;
}

int dir_sync_done_parse(const struct berval *value, struct dir_sync_done *ret)
{
    _cleanup_reader_ BerElement *ber = reader(value);
    struct dir_sync_done d = {0};

    if (!ber || ber_scanf(ber, "{") == LBER_ERROR || cookie_of(ber, &d.cookie) < 0 ||
        flag_of(ber, false, &d.refresh_deletes) < 0)
        return -EBADMSG;
    *ret = d;
    return 0;
}

static int take_ids(BerElement *ber, bool deleted,
                    int (*take)(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx),
                    void *ctx)
{
    ber_len_t len;
    char *end;
    ber_tag_t tag;

    if (!next_is(ber, LBER_SET))
        return -EBADMSG;
    for (tag = ber_first_element(ber, &len, &end); tag != LBER_DEFAULT;
         tag = ber_next_element(ber, &len, end)) {
        struct berval uuid;
        int r;
        if (tag != LBER_OCTETSTRING || ber_scanf(ber, "m", &uuid) == LBER_ERROR ||
            uuid.bv_len != DIR_UUID)
            return -EBADMSG;
        r = take((const unsigned char *)uuid.bv_val, deleted, ctx);
        if (r < 0)
            return r;
    }
    return 0;
}

static int phase_of(BerElement *ber, struct dir_sync_info *i)
{
    if (ber_scanf(ber, "{") == LBER_ERROR || cookie_of(ber, &i->cookie) < 0)
        return -EBADMSG;
    return flag_of(ber, true, &i->refresh_done);
}

int dir_sync_info_parse(const struct berval *value, struct dir_sync_info *ret,
                        int (*take)(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx),
                        void *ctx)
{
    _cleanup_reader_ BerElement *ber = reader(value);
    struct dir_sync_info i = {0};
    ber_len_t len;
    int r;

    if (!ber)
        return -EBADMSG;
    switch (ber_peek_tag(ber, &len)) {
    case LDAP_TAG_SYNC_NEW_COOKIE:
        i.kind = DIR_INFO_COOKIE;
        r = ber_scanf(ber, "m", &i.cookie) == LBER_ERROR ? -EBADMSG : 0;
        break;
    case LDAP_TAG_SYNC_REFRESH_DELETE:
        i.kind = DIR_INFO_DELETE;
        r = phase_of(ber, &i);
        break;
    case LDAP_TAG_SYNC_REFRESH_PRESENT:
        i.kind = DIR_INFO_PRESENT;
        r = phase_of(ber, &i);
        break;
    case LDAP_TAG_SYNC_ID_SET:
        i.kind = DIR_INFO_IDS;
        r = ber_scanf(ber, "{") == LBER_ERROR || cookie_of(ber, &i.cookie) < 0 ? -EBADMSG : 0;
        if (r == 0)
            r = flag_of(ber, false, &i.refresh_deletes);
        if (r == 0)
            r = take_ids(ber, i.refresh_deletes, take, ctx);
        break;
    default:
        return -EBADMSG;
    }
    if (r == 0)
        *ret = i;
    return r;
}

// ---- OpenLDAP's cookies: rid=000,sid=001,csn=20260101000000.000000Z#000000#001#000000;... ----

#define CSN_LEN 40 // 20261125210118.123456Z#000000#000#000000
#define CSN_SID 30 // where the server's id stands, three digits

// The next CSN at or behind *at; false at the end.
static bool next_csn(const struct dir_cookie *c, size_t *at, const char **ret)
{
    for (; *at + CSN_LEN <= c->len; (*at)++) {
        const char *p = c->bytes + *at;
        if (p[14] == '.' && p[21] == 'Z' && p[22] == '#' && p[29] == '#' && p[33] == '#') {
            *ret = p;
            *at += CSN_LEN;
            return true;
        }
    }
    return false;
}

bool dir_cookie_older(const struct dir_cookie *a, const struct dir_cookie *b)
{
    const char *x, *y;

    for (size_t i = 0; next_csn(a, &i, &x);)
        for (size_t k = 0; next_csn(b, &k, &y);)
            if (memcmp(x + CSN_SID, y + CSN_SID, 3) == 0 && memcmp(x, y, CSN_LEN) < 0)
                return true;
    return false;
}
