// SPDX-License-Identifier: BSD-2-Clause
// passwd: getpwnam, getpwuid, enumeration.
#include <pwd.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"

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

struct shell {
    const char *at;
    size_t len;
    bool block; // SHELL_BLOCK bytes can be read at `at`
};
#define SHELL_BLOCK 32

// Whoever is not active has no shell here, except where mode = observe shows what is.
static inline struct shell shell_of(const struct nss_pair *p, enum rollcall_state state,
                                    const struct rc_account_record *a)
{
    static const char nologin[SHELL_BLOCK] = NOLOGIN;
    const struct rc_map *m = &p->snapshot;
    const struct rc_span *shells = rc_section(m, RC_SHELLS);

    if ((state == ROLLCALL_STATE_ACTIVE || m->head->flags & RC_FLAG_OBSERVE) &&
        a->shell < m->head->section[RC_SHELLS].len / sizeof(*shells)) {
        uint64_t off = __atomic_load_n(&shells[a->shell].off, __ATOMIC_RELAXED);
        uint64_t len = __atomic_load_n(&shells[a->shell].len, __ATOMIC_RELAXED);
        const char *at = rc_pool(m, off, len);
        if (at)
            return (struct shell){at, len,
                                  len < SHELL_BLOCK &&
                                      m->len - (size_t)((const unsigned char *)at - m->base) >=
                                          SHELL_BLOCK};
    }
    return (struct shell){nologin, strlen(NOLOGIN), true};
}

// Exact: asks for more room only where a byte is missing.
static enum nss_status fill_exactly(const struct nss_pair *p, const struct rc_account_record *a,
                                    const struct shell *shell, struct passwd *pw, char *buf,
                                    size_t len)
{
    struct nss_room room = {buf, len};
    struct passwd r = {.pw_uid = a->uid, .pw_gid = a->gid};

    r.pw_name = nss_take(&room, a->text, a->name_len);
    r.pw_passwd = nss_take(&room, "x", 1);
    r.pw_gecos = take_gecos(p, a, &room);
    r.pw_dir = take_home(p, a, &room);
    r.pw_shell = nss_take(&room, shell->at, shell->len);
    if (!r.pw_name || !r.pw_passwd || !r.pw_gecos || !r.pw_dir || !r.pw_shell)
        return NSS_STATUS_TRYAGAIN;
    *pw = r;
    return NSS_STATUS_SUCCESS;
}

// Where the strings of an ordinary account go in a buffer of ordinary size: each in a
// place of its own, wide enough to be filled by copies of a fixed length.
#define TEXT_BLOCK 48 // the text, and some of the record behind it
enum place { NAME = 0, GECOS = 48, PASSWD = 96, HOME = 104, SHELL = 160, ROOMY = 192 };
_Static_assert(offsetof(struct rc_account_record, text) == 0 &&
                   TEXT_BLOCK <= sizeof(struct rc_account_record),
               "the record begins with its text, and a block of it can be read");

static inline void fill_roomily(const struct rc_account_record *a, const struct shell *shell,
                                struct passwd *pw, char *buf)
{
    static const char home_rule[8] = "/home/", password[8] = "x";

    // The gecos follows the name: the same text again, and it begins behind the name.
    memcpy(buf + NAME, a, TEXT_BLOCK);
    buf[NAME + a->name_len] = 0;
    memcpy(buf + GECOS, a, TEXT_BLOCK);
    buf[GECOS + a->name_len + a->gecos_len] = 0;
    memcpy(buf + PASSWD, password, 8);
    memcpy(buf + HOME, home_rule, 8);
    memcpy(buf + HOME + 6, a, TEXT_BLOCK);
    buf[HOME + 6 + a->name_len] = 0;
    memcpy(buf + SHELL, shell->at, SHELL_BLOCK);
    buf[SHELL + shell->len] = 0;
    *pw = (struct passwd){.pw_name = buf + NAME,
                          .pw_passwd = buf + PASSWD,
                          .pw_uid = a->uid,
                          .pw_gid = a->gid,
                          .pw_gecos = buf + GECOS + a->name_len,
                          .pw_dir = buf + HOME,
                          .pw_shell = buf + SHELL};
}

static inline enum nss_status fill(const struct nss_pair *p, uint32_t slot,
                                   const struct rc_account_record *a, struct passwd *pw, char *buf,
                                   size_t len)
{
    enum rollcall_state state = nss_state(p, slot, a->uid);
    struct shell shell;

    if (nss_hidden(p, state))
        return NSS_STATUS_NOTFOUND;
    shell = shell_of(p, state, a);
    if (!buf || len < ROOMY || !shell.block ||
        (a->flags & (RC_ACCOUNT_GECOS_POOL | RC_ACCOUNT_HOME_RULE)) != RC_ACCOUNT_HOME_RULE)
        return fill_exactly(p, a, &shell, pw, buf, len);
    fill_roomily(a, &shell, pw, buf);
    return NSS_STATUS_SUCCESS;
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
        return nss_absent(&g, errnop);
    if (nss_find_name(p, name, &slot, &a))
        s = fill(p, slot, &a, pw, buf, len);
    return nss_finish(&g, s, errnop);
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
        return nss_absent(&g, errnop);
    if (rc_find_uid(&p->snapshot, uid, &slot, &a))
        s = fill(p, slot, &a, pw, buf, len);
    return nss_finish(&g, s, errnop);
}

// Enumeration: one position per process, as glibc's contract has it, in one snapshot that
// is held until the end: a new one in the middle is for the next round. Where the host does
// not let people be enumerated there is nobody to begin with.
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
    uint32_t i, n;

    if (!pin)
        return nss_absent(&g, errnop);
    n = nss_enumerable(p);
    for (i = atomic_load(&position); i < n && s == NSS_STATUS_NOTFOUND; i++) {
        uint32_t slot = ((const uint32_t *)rc_section(&p->snapshot, RC_ORDER))[i];
        struct rc_account_record a;
        if (rc_account_at(&p->snapshot, slot, &a))
            s = fill(p, slot, &a, pw, buf, len);
    }
    // Too small a buffer: the same entry comes again.
    atomic_store(&position, s == NSS_STATUS_TRYAGAIN ? i - 1 : i);
    nss_pin_give(&pinned, pin);
    if (s == NSS_STATUS_NOTFOUND)
        nss_pin_drop(&pinned);
    return nss_finish(&g, s, errnop);
}
