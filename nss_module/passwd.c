// SPDX-License-Identifier: BSD-2-Clause
// passwd: getpwnam, getpwuid, enumeration.
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"
#include "rollcall/cache.h"

#define NOLOGIN "/usr/sbin/nologin"

static char *take_home(const struct nss_pair *p, const struct rc_account_record *a,
                       struct nss_room *room)
{
    char rule[6 + ROLLCALL_NAME_MAX];
    uint64_t off = a->pool + (a->flags & RC_ACCOUNT_GECOS_POOL ? a->gecos_len : 0u);
    const char *home;

    if (a->flags & RC_ACCOUNT_HOME_RULE) {
        memcpy(rule, "/home/", 6);
        memcpy(rule + 6, a->text, a->name_len);
        return nss_take(room, rule, 6u + a->name_len);
    }
    home = rc_pool(&p->snapshot, off, a->home_len);
    return home ? nss_take(room, home, a->home_len) : nss_take(room, "/", 1);
}

static char *take_gecos(const struct nss_pair *p, const struct rc_account_record *a,
                        struct nss_room *room)
{
    const char *gecos = a->flags & RC_ACCOUNT_GECOS_POOL
                            ? rc_pool(&p->snapshot, a->pool, a->gecos_len)
                            : a->text + a->name_len;

    return nss_take(room, gecos ? gecos : "", gecos ? a->gecos_len : 0);
}

// Whoever is not active has no shell here, except where mode = observe shows what is.
static char *take_shell(const struct nss_pair *p, uint32_t slot, const struct rc_account_record *a,
                        struct nss_room *room)
{
    const struct rc_span *shells = rc_section(&p->snapshot, RC_SHELLS);
    bool real = p->snapshot.head->flags & RC_FLAG_OBSERVE ||
                nss_state(p, slot, a->uid) == ROLLCALL_STATE_ACTIVE;
    const char *shell = NULL;

    if (real && a->shell < p->snapshot.head->section[RC_SHELLS].len / sizeof(*shells))
        shell = rc_pool(&p->snapshot, shells[a->shell].off, shells[a->shell].len);
    return shell ? nss_take(room, shell, shells[a->shell].len)
                 : nss_take(room, NOLOGIN, strlen(NOLOGIN));
}

static enum nss_status fill(const struct nss_pair *p, uint32_t slot,
                            const struct rc_account_record *a, struct passwd *pw, char *buf,
                            size_t len, int *errnop)
{
    struct nss_room room = {buf, len};
    struct passwd r = {.pw_uid = a->uid, .pw_gid = a->gid};

    r.pw_name = nss_take(&room, a->text, a->name_len);
    r.pw_passwd = nss_take(&room, "x", 1);
    r.pw_gecos = take_gecos(p, a, &room);
    r.pw_dir = take_home(p, a, &room);
    r.pw_shell = take_shell(p, slot, a, &room);
    if (!r.pw_name || !r.pw_passwd || !r.pw_gecos || !r.pw_dir || !r.pw_shell) {
        *errnop = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    *pw = r;
    return NSS_STATUS_SUCCESS;
}

static enum nss_status absent(struct nss_guard *g, int *errnop)
{
    nss_leave(g);
    *errnop = ENOENT;
    return NSS_STATUS_UNAVAIL;
}

static enum nss_status finish(struct nss_guard *g, enum nss_status status, int *errnop)
{
    nss_leave(g);
    // After leaving: glibc passes the address of errno itself, and leaving puts errno back.
    if (status == NSS_STATUS_NOTFOUND)
        *errnop = ENOENT;
    if (status == NSS_STATUS_TRYAGAIN)
        *errnop = ERANGE;
    return status;
}

NSS_EXPORT enum nss_status _nss_rollcall_getpwnam_r(const char *name, struct passwd *pw, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p)
        return absent(&g, errnop);
    if (rc_account_by_name(&p->snapshot, name, strnlen(name, ROLLCALL_NAME_MAX + 1), &slot, &a))
        s = fill(p, slot, &a, pw, buf, len, errnop);
    return finish(&g, s, errnop);
}

NSS_EXPORT enum nss_status _nss_rollcall_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p)
        return absent(&g, errnop);
    if (rc_account_by_uid(&p->snapshot, uid, &slot, &a))
        s = fill(p, slot, &a, pw, buf, len, errnop);
    return finish(&g, s, errnop);
}

// Enumeration: one position per process, as glibc's contract has it, in one snapshot that
// is held until the end: a new one in the middle is for the next round.
static _Atomic uint32_t position;
static nss_pin pinned;

NSS_EXPORT enum nss_status _nss_rollcall_setpwent(int stayopen)
{
    (void)stayopen;
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_endpwent(void)
{
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_getpwent_r(struct passwd *pw, char *buf, size_t len,
                                                    int *errnop)
{
    struct nss_guard g;
    struct nss_pair view, *pin = nss_pin_take(&pinned, nss_enter(&g), &view);
    const struct nss_pair *p = &view;
    enum nss_status s = NSS_STATUS_NOTFOUND;
    uint32_t i;

    if (!pin)
        return absent(&g, errnop);
    for (i = atomic_load(&position); i < p->snapshot.head->section[RC_ORDER].len / 4; i++) {
        uint32_t slot = ((const uint32_t *)rc_section(&p->snapshot, RC_ORDER))[i];
        struct rc_account_record a;
        if (!rc_account_at(&p->snapshot, slot, &a))
            continue;
        s = fill(p, slot, &a, pw, buf, len, errnop);
        break;
    }
    if (s != NSS_STATUS_TRYAGAIN) // too small a buffer: the same entry comes again
        atomic_store(&position, i + 1);
    nss_pin_give(&pinned, pin);
    if (s == NSS_STATUS_NOTFOUND)
        nss_pin_drop(&pinned);
    return finish(&g, s, errnop);
}
