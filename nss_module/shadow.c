// SPDX-License-Identifier: BSD-2-Clause
// shadow: every account of ours says "*" and expired, the active ones too. A PAM stack
// that lost our line, or `UsePAM no`, then refuses by itself.
#include <shadow.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"

static enum nss_status fill(const struct rc_account_record *a, struct spwd *sp, char *buf,
                            size_t len)
{
    struct nss_room room = {buf, len};
    struct spwd r = {.sp_lstchg = 1,
                     .sp_min = -1,
                     .sp_max = -1,
                     .sp_warn = -1,
                     .sp_inact = -1,
                     .sp_expire = 1, // 2 January 1970
                     .sp_flag = ~0ul};

    r.sp_namp = nss_take(&room, a->text, a->name_len);
    r.sp_pwdp = nss_take(&room, "*", 1);
    if (!r.sp_namp || !r.sp_pwdp)
        return NSS_STATUS_TRYAGAIN;
    *sp = r;
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_getspnam_r(const char *name, struct spwd *sp, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p)
        return nss_absent(&g, errnop);
    if (nss_find_name(p, name, rc_fetch_word, &slot, &a) && !nss_hides(p, slot, a.uid))
        s = fill(&a, sp, buf, len);
    return nss_finish(&g, s, errnop);
}
