// SPDX-License-Identifier: BSD-2-Clause
// What Active Directory has of its own: the DirSync control, where in its history a reading
// stands, and values that come in slices (MS-ADTS, 3.1.1.3.4.1.3 and 3.1.1.3.1.3.3). Pure.
#ifndef ROLLCALL_SOURCES_LDAP_AD_H
#define ROLLCALL_SOURCES_LDAP_AD_H

#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncd/sources/ldap_control.h"

#define DIR_AD_HOST 256

// Where a reading stands: a domain controller, which history of its database (invocationId),
// and how far: DirSync's cookie, or the highest uSNChanged.
struct dir_ad_place {
    bool dirsync;
    char host[DIR_AD_HOST]; // dnsHostName
    char invocation[DIR_UUID_TEXT];
    int64_t usn;
    struct dir_cookie server;
};
// As the cookie of a cursor. -EMSGSIZE.
int dir_ad_place_write(const struct dir_ad_place *p, struct dir_cookie *ret);
// -EBADMSG for the cookie of anything else.
int dir_ad_place_read(const struct dir_cookie *c, struct dir_ad_place *ret);
// Whether a reading can go on from `then` at the server `now`. DirSync's cookie says of every
// controller how far it was read and is good at another one, but not where this one was brought
// back from a backup. A USN is one controller's own.
bool dir_ad_goes_on(const struct dir_ad_place *then, const struct dir_ad_place *now);

// For ldap_search_ext, critical; free with ldap_control_free. -ENOMEM.
int dir_dirsync_request(LDAP *ld, bool object_security, const struct dir_cookie *from,
                        LDAPControl **ret);
// From the controls of a search's result. `ret_more`: ask again with the new cookie. -EBADMSG
// where there is none that can be read or used.
int dir_dirsync_answer(LDAP *ld, LDAPControl **controls, struct dir_cookie *cookie, bool *ret_more);

struct dir_slice {
    uint32_t low, high;
    bool last; // high says nothing
};
// "member;range=0-1499" for "member": 1; 0 for an attribute of another name or with no range;
// -EBADMSG where the range cannot be meant.
int dir_slice_parse(const struct berval *name, const char *attribute, struct dir_slice *ret);

#endif
