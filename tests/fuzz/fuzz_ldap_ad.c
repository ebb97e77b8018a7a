// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: what Active Directory has of its own. DirSync's answer, the cookie in which a
// place in a server's history comes back from state.db, and the name of a slice of values.
#include <ldap.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/ldap_ad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// Of its own size, so that a read past its end is seen; liber puts a NUL behind what it reads.
static struct berval copy(const uint8_t *data, size_t len)
{
    struct berval v = {len, calloc(1, len + 1)};

    if (!v.bv_val)
        abort();
    memcpy(v.bv_val, data, len);
    return v;
}

static void take_answer(const uint8_t *data, size_t len, bool own)
{
    static LDAP *ld;
    LDAPControl control = {(char *)(uintptr_t)LDAP_CONTROL_X_DIRSYNC, copy(data, len), 1};
    LDAPControl *list[] = {&control, NULL}, *next = NULL;
    struct dir_cookie cookie = {0};
    bool more = false;

    if (!ld && ldap_create(&ld) != LDAP_SUCCESS)
        abort();
    if (dir_dirsync_answer(ld, list, &cookie, &more) == 0) {
        if (cookie.len > sizeof(cookie.bytes))
            abort();
        if (dir_dirsync_request(ld, own, &cookie, &next) == 0)
            ldap_control_free(next);
    }
    free(control.ldctl_value.bv_val);
}

// What was read is written and read again, and is the same place.
static void take_place(const uint8_t *data, size_t len)
{
    struct dir_cookie c = {0}, again = {0};
    struct dir_ad_place place, twice;
    struct berval v = copy(data, len);

    if (dir_cookie_set(&c, &v) == 0 && dir_ad_place_read(&c, &place) == 0) {
        if (memchr(place.host, 0, sizeof(place.host)) == NULL ||
            memchr(place.invocation, 0, sizeof(place.invocation)) == NULL)
            abort();
        if (dir_ad_place_write(&place, &again) < 0 || dir_ad_place_read(&again, &twice) < 0 ||
            strcmp(place.host, twice.host) != 0 || place.usn != twice.usn ||
            place.server.len != twice.server.len ||
            memcmp(place.server.bytes, twice.server.bytes, place.server.len) != 0)
            abort();
        dir_ad_goes_on(&place, &twice);
    }
    free(v.bv_val);
}

static void take_slice(const uint8_t *data, size_t len)
{
    struct berval name = {len, malloc(len ? len : 1)}; // no NUL behind it
    struct dir_slice s = {0};

    if (!name.bv_val)
        abort();
    memcpy(name.bv_val, data, len);
    if (dir_slice_parse(&name, "member", &s) > 0 && !s.last && s.high < s.low)
        abort();
    free(name.bv_val);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    switch (data[0] % 3) {
    case 0:
        take_answer(data + 1, len - 1, data[0] & 0x80);
        break;
    case 1:
        take_place(data + 1, len - 1);
        break;
    default:
        take_slice(data + 1, len - 1);
    }
    return 0;
}
