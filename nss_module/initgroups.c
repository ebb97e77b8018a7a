// SPDX-License-Identifier: BSD-2-Clause
// initgroups: all supplementary gids of a person, without looking at any member list.
#include <stdlib.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"
#include "rollcall/account.h"

struct list {
    long *start, *size;
    gid_t **gids;
    long limit;
    gid_t skip;
};

// Room for `more` gids, or for as many as the limit lets in. The array is glibc's and
// grows by realloc: that is this entry's contract.
static int make_room(struct list *l, long more)
{
    long want = *l->start + more, twice = *l->size * 2;
    gid_t *p;

    if (want <= *l->size || (l->limit > 0 && *l->size >= l->limit))
        return 0;
    if (want < twice)
        want = twice;
    if (l->limit > 0 && want > l->limit)
        want = l->limit;
    p = realloc(*l->gids, (size_t)want * sizeof(*p));
    if (RC_RARELY(!p))
        return -ENOMEM;
    *l->gids = p;
    *l->size = want;
    return 0;
}

// What is left of the array, in the function's own variables: what is written to it must
// not make the compiler look at the list again.
struct left {
    gid_t *at, *end;
    gid_t skip;
};

// Full is no error: the caller said how many it takes.
static inline void add(struct left *l, gid_t gid)
{
    if (gid != l->skip && l->at < l->end)
        *l->at++ = gid;
}

// No gid comes twice from us, and glibc drops those that a service before us gave.
static int add_all(const struct nss_pair *p, const struct rc_account_record *a, struct list *l)
{
    const struct rc_header *h = p->snapshot.head;
    const uint32_t *gids = (const uint32_t *)rc_section(&p->snapshot, RC_MSHIPS) + a->mship;
    unsigned n = (unsigned)a->n_groups + a->n_local;
    uint32_t first = h->id_min + 1, others = h->id_max - h->id_min;
    bool plain = p->snapshot.plain_ids;
    int r = make_room(l, (long)n + 1);
    struct left left;

    if (r < 0)
        return r;
    left = (struct left){*l->gids + *l->start, *l->gids + *l->size, l->skip};
    add(&left, h->id_min); // rollcall-people
    for (unsigned i = 0; i < a->n_groups; i++) {
        gid_t gid = __atomic_load_n(&gids[i], __ATOMIC_RELAXED); // once: checked, then given
        if (gid - first < others && (plain || rollcall_id_in_compiled_limits(gid)))
            add(&left, gid);
    }
    // What [local_group] grants: any local group but root's.
    for (unsigned i = a->n_groups; i < n; i++) {
        gid_t gid = __atomic_load_n(&gids[i], __ATOMIC_RELAXED);
        if (gid != 0 && gid < h->id_min)
            add(&left, gid);
    }
    *l->start = left.at - *l->gids;
    return 0;
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

    if (RC_RARELY(!p))
        return nss_absent(&g, errnop);
    if (!nss_find_name(p, user, rc_fetch_run, &slot, &a))
        return nss_finish(&g, NSS_STATUS_NOTFOUND, errnop);
    if (!rc_account_mships_ok(&p->snapshot, &a) || nss_hides(p, slot, a.uid))
        return nss_finish(&g, NSS_STATUS_NOTFOUND, errnop);
    if (add_all(p, &a, &l) == 0)
        return nss_finish(&g, NSS_STATUS_SUCCESS, errnop);
    nss_leave(&g);
    *errnop = ENOMEM; // not ERANGE: no larger buffer of the caller's would help
    return NSS_STATUS_TRYAGAIN;
}
