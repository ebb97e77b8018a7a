// SPDX-License-Identifier: BSD-2-Clause
// group: getgrnam, getgrgid, enumeration. A person's private group has the person's
// name and uid, and no member list; rollcall-people has none either.
#include <errno.h>
#include <grp.h>
#include <string.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"
#include "rollcall/cache.h"

// The ready-made names go into the caller's buffer as one block; the length bytes say
// where each begins. They must add up, whatever the file says.
static enum nss_status take_members(const struct nss_pair *p, const struct rc_group_record *g,
                                    struct nss_room *room, char ***ret)
{
    char **list =
        nss_take_aligned(room, ((size_t)g->n_members + 1) * sizeof(char *), sizeof(char *));
    const unsigned char *lens;
    size_t at = 0;
    char *names;

    if (!list)
        return NSS_STATUS_TRYAGAIN;
    list[0] = NULL;
    *ret = list;
    if (g->n_members == 0)
        return NSS_STATUS_SUCCESS;
    lens = (const unsigned char *)rc_pool(&p->snapshot, g->members,
                                          (uint64_t)g->n_members + g->members_len);
    if (!lens)
        return NSS_STATUS_NOTFOUND;
    names = nss_take(room, lens + g->n_members, g->members_len);
    if (!names)
        return NSS_STATUS_TRYAGAIN;
    for (uint32_t i = 0; i < g->n_members; i++) {
        if (at + lens[i] >= g->members_len || names[at + lens[i]] != 0)
            return NSS_STATUS_NOTFOUND;
        list[i] = names + at;
        at += lens[i] + 1u;
    }
    list[g->n_members] = NULL;
    return NSS_STATUS_SUCCESS;
}

static enum nss_status fill(const struct nss_pair *p, const struct rc_group_record *g,
                            const char *name, struct group *gr, char *buf, size_t len, int *errnop)
{
    struct nss_room room = {buf, len};
    struct group r = {.gr_gid = g->gid};
    enum nss_status s;

    r.gr_name = nss_take(&room, name, g->name_len);
    r.gr_passwd = nss_take(&room, "x", 1);
    s = r.gr_name && r.gr_passwd ? take_members(p, g, &room, &r.gr_mem) : NSS_STATUS_TRYAGAIN;
    if (s == NSS_STATUS_TRYAGAIN)
        *errnop = ERANGE;
    if (s == NSS_STATUS_SUCCESS)
        *gr = r;
    return s;
}

static enum nss_status fill_private(const struct nss_pair *p, const struct rc_account_record *a,
                                    struct group *gr, char *buf, size_t len, int *errnop)
{
    struct rc_group_record g = {.gid = a->uid, .name_len = a->name_len};

    return fill(p, &g, a->text, gr, buf, len, errnop);
}

static enum nss_status absent(struct nss_guard *g, int *errnop)
{
    nss_leave(g);
    *errnop = ENOENT;
    return NSS_STATUS_UNAVAIL;
}

static enum nss_status finish(struct nss_guard *g, enum nss_status s, int *errnop)
{
    nss_leave(g);
    // After leaving: glibc passes the address of errno itself, and leaving puts errno back.
    if (s == NSS_STATUS_NOTFOUND)
        *errnop = ENOENT;
    if (s == NSS_STATUS_TRYAGAIN)
        *errnop = ERANGE;
    return s;
}

NSS_EXPORT enum nss_status _nss_rollcall_getgrnam_r(const char *name, struct group *gr, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard guard;
    const struct nss_pair *p = nss_enter(&guard);
    size_t n = strnlen(name, ROLLCALL_NAME_MAX + 1);
    struct rc_group_record g;
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p)
        return absent(&guard, errnop);
    if (rc_group_by_name(&p->snapshot, name, n, &g))
        s = fill(p, &g, rc_pool(&p->snapshot, g.name, g.name_len), gr, buf, len, errnop);
    else if (rc_account_by_name(&p->snapshot, name, n, &slot, &a) && a.gid == a.uid)
        s = fill_private(p, &a, gr, buf, len, errnop);
    return finish(&guard, s, errnop);
}

NSS_EXPORT enum nss_status _nss_rollcall_getgrgid_r(gid_t gid, struct group *gr, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard guard;
    const struct nss_pair *p = nss_enter(&guard);
    struct rc_group_record g;
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p)
        return absent(&guard, errnop);
    if (rc_group_by_gid(&p->snapshot, gid, &g))
        s = fill(p, &g, rc_pool(&p->snapshot, g.name, g.name_len), gr, buf, len, errnop);
    else if (rc_account_by_uid(&p->snapshot, gid, &slot, &a) && a.gid == a.uid)
        s = fill_private(p, &a, gr, buf, len, errnop);
    return finish(&guard, s, errnop);
}

static _Atomic uint32_t position; // named groups first, then private ones
static nss_pin pinned;

NSS_EXPORT enum nss_status _nss_rollcall_setgrent(int stayopen)
{
    (void)stayopen;
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_endgrent(void)
{
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_getgrent_r(struct group *gr, char *buf, size_t len,
                                                    int *errnop)
{
    struct nss_guard guard;
    struct nss_pair view, *pin = nss_pin_take(&pinned, nss_enter(&guard), &view);
    const struct nss_pair *p = &view;
    enum nss_status s = NSS_STATUS_NOTFOUND;
    uint32_t i, groups, order;

    if (!pin)
        return absent(&guard, errnop);
    groups = p->snapshot.head->groups;
    order = (uint32_t)(p->snapshot.head->section[RC_ORDER].len / 4);
    for (i = atomic_load(&position); i < groups + order && s == NSS_STATUS_NOTFOUND; i++) {
        struct rc_group_record g;
        struct rc_account_record a;
        if (i < groups) {
            if (rc_group_at(&p->snapshot, i, &g))
                s = fill(p, &g, rc_pool(&p->snapshot, g.name, g.name_len), gr, buf, len, errnop);
        } else if (rc_account_at(&p->snapshot,
                                 ((const uint32_t *)rc_section(&p->snapshot, RC_ORDER))[i - groups],
                                 &a) &&
                   a.gid == a.uid) {
            s = fill_private(p, &a, gr, buf, len, errnop);
        }
    }
    if (s != NSS_STATUS_TRYAGAIN)
        atomic_store(&position, i);
    nss_pin_give(&pinned, pin);
    if (s == NSS_STATUS_NOTFOUND)
        nss_pin_drop(&pinned);
    return finish(&guard, s, errnop);
}
