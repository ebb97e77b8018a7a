// SPDX-License-Identifier: BSD-2-Clause
// The controls of RFC 4533, to and from BER. Pure. What is parsed points into the value,
// which has a byte of room behind its end, as libldap's have: liber puts NULs there.
#ifndef ROLLCALL_SOURCES_LDAP_CONTROL_H
#define ROLLCALL_SOURCES_LDAP_CONTROL_H

#include <lber.h>
#include <stdbool.h>
#include <stddef.h>

#include "syncd/sources/ldap_entry.h"

#define DIR_COOKIE_MAX 6000 // bytes; a cursor with it has to fit 16 KiB as hex

struct dir_cookie {
    size_t len; // 0: none
    char bytes[DIR_COOKIE_MAX];
};
// -EMSGSIZE where it does not fit; untouched then. A value with no bytes is no cookie.
int dir_cookie_set(struct dir_cookie *c, const struct berval *value);

// The value of a Sync Request Control; free with ber_bvfree. NULL: no memory.
struct berval *dir_sync_request(bool persist, const struct dir_cookie *cookie);

struct dir_sync_state {
    int state; // LDAP_SYNC_PRESENT, ADD, MODIFY, DELETE
    unsigned char uuid[DIR_UUID];
    struct berval cookie; // bv_len 0: none
};
int dir_sync_state_parse(const struct berval *value, struct dir_sync_state *ret);

struct dir_sync_done {
    struct berval cookie;
    bool refresh_deletes;
};
int dir_sync_done_parse(const struct berval *value, struct dir_sync_done *ret);

enum dir_info_kind { DIR_INFO_COOKIE, DIR_INFO_DELETE, DIR_INFO_PRESENT, DIR_INFO_IDS };
struct dir_sync_info {
    enum dir_info_kind kind;
    struct berval cookie;
    bool refresh_done;    // DELETE, PRESENT: default true
    bool refresh_deletes; // IDS
};
// IDS: each id is given to `take`; a set of anything else than ids is refused after some were
// given.
int dir_sync_info_parse(const struct berval *value, struct dir_sync_info *ret,
                        int (*take)(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx),
                        void *ctx);

// Whether the CSNs of cookie `a` (OpenLDAP's form) are older than b's for a server that both
// name. False for cookies of any other form.
bool dir_cookie_older(const struct dir_cookie *a, const struct dir_cookie *b);

#endif
