// SPDX-License-Identifier: BSD-2-Clause
// initgroups: all supplementary gids of a person, without looking at any member list.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"
#include "rollcall/account.h"
#include "rollcall/cache.h"

struct list {
    long *start, *size;
    gid_t **gids;
    long limit;
    gid_t skip;
};

// The array is glibc's and grows by realloc: that is this entry's contract.
static int add(struct list *l, gid_t gid)
{
    if (gid == l->skip)
        return 0;
    for (long i = 0; i < *l->start; i++)
        if ((*l->gids)[i] == gid)
            return 0;
    if (*l->start == *l->size) {
        long want = *l->size > 0 ? *l->size * 2 : 16;
        gid_t *p;
        if (l->limit > 0 && *l->size >= l->limit)
            return 1; // full is no error
        if (l->limit > 0 && want > l->limit)
            want = l->limit;
        p = realloc(*l->gids, (size_t)want * sizeof(*p));
        if (!p)
            return -ENOMEM;
        *l->gids = p;
        *l->size = want;
    }
    (*l->gids)[(*l->start)++] = gid;
    return 0;
}

static int add_all(const struct nss_pair *p, const struct rc_account_record *a, struct list *l)
{
    const struct rc_header *h = p->snapshot.head;
    const uint32_t *gids = (const uint32_t *)rc_section(&p->snapshot, RC_MSHIPS) + a->mship;
    int r = add(l, h->id_min); // rollcall-people

    for (unsigned i = 0; r == 0 && i < a->n_groups; i++)
        if (gids[i] >= h->id_min && gids[i] <= h->id_max && rollcall_id_in_compiled_limits(gids[i]))
            r = add(l, gids[i]);
    // Granted by [local_group]: any local group but root's.
    for (unsigned i = a->n_groups; r == 0 && i < (unsigned)a->n_groups + a->n_local; i++)
        if (gids[i] != 0 && gids[i] < h->id_min)
            r = add(l, gids[i]);
    return r;
}

NSS_EXPORT enum nss_status _nss_rollcall_initgroups_dyn(const char *user, gid_t group,
                                                        long int *start, long int *size,
                                                        gid_t **groupsp, long int limit,
                                                        int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct list l = {start, size, groupsp, limit, group};
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p) {
        nss_leave(&g);
        *errnop = ENOENT;
        return NSS_STATUS_UNAVAIL;
    }
    if (rc_account_by_name(&p->snapshot, user, strnlen(user, ROLLCALL_NAME_MAX + 1), &slot, &a))
        s = add_all(p, &a, &l) < 0 ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS;
    nss_leave(&g);
    if (s != NSS_STATUS_SUCCESS)
        *errnop = s == NSS_STATUS_NOTFOUND ? ENOENT : ENOMEM;
    return s;
}
