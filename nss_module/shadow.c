// SPDX-License-Identifier: BSD-2-Clause
// shadow: every account of ours says "*" and expired, the active ones too. A PAM stack
// that lost our line, or `UsePAM no`, then refuses by itself.
#include <errno.h>
#include <shadow.h>
#include <string.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"
#include "rollcall/cache.h"

NSS_EXPORT enum nss_status _nss_rollcall_getspnam_r(const char *name, struct spwd *sp, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct nss_room room = {buf, len};
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p) {
        nss_leave(&g);
        *errnop = ENOENT;
        return NSS_STATUS_UNAVAIL;
    }
    if (rc_account_by_name(&p->snapshot, name, strnlen(name, ROLLCALL_NAME_MAX + 1), &slot, &a)) {
        struct spwd r = {.sp_lstchg = 1,
                         .sp_min = -1,
                         .sp_max = -1,
                         .sp_warn = -1,
                         .sp_inact = -1,
                         .sp_expire = 1,
                         .sp_flag = ~0ul}; // 2 January 1970
        r.sp_namp = nss_take(&room, a.text, a.name_len);
        r.sp_pwdp = nss_take(&room, "*", 1);
        s = NSS_STATUS_SUCCESS;
        if (!r.sp_namp || !r.sp_pwdp) {
            s = NSS_STATUS_TRYAGAIN;
        } else {
            *sp = r;
        }
    }
    nss_leave(&g);
    if (s != NSS_STATUS_SUCCESS)
        *errnop = s == NSS_STATUS_NOTFOUND ? ENOENT : ERANGE;
    return s;
}
